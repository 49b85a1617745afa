"""Filters in words, such as `config.lr < 0.01 and "best" in tags`: read into a tree, and written back. Pure.

Nothing of a text is ever evaluated. What cannot be read is said with its place. The grammar:

    any   = all { "or" all }            all  = one { "and" one }
    one   = "not" one | "(" any ")" | test
    test  = field [ operator value | ["not"] "in" list | "~" text ] | value ["not"] "in" field
    field = name | ("config" | "summary" | "min" | "max") "." key { "." key }
    list  = ("(" | "[") value { "," value } (")" | "]")
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

from msgspec import Struct

from runcast.conditions import (
    ANY,
    CONFIG,
    FIELDS,
    FLAG,
    GROUPS,
    METRIC,
    NUMBER,
    SUMMARY,
    TEXT,
    TIME,
    WORDS,
    All,
    Compare,
    Condition,
    Contains,
    Either,
    Exists,
    Field,
    Like,
    Not,
    Pattern,
    Value,
)
from runcast.errors import UsageError

CHARS_MAX = 8000
DEPTH_MAX = 40  # Of parentheses and `not`; SQLite's own bound is 1000.
TESTS_MAX = 500  # Each becomes a few parameters of one query.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
CONSTANTS: dict[str, Value] = {"true": "true", "false": "false", "null": None, "none": None, "nan": "NaN"}
FLAGS = {"true": 1, "false": 0}  # As rows have them: all that is logged live is a number.
OPERATORS = ("==", "!=", "<=", ">=", "<", ">", "=", "~")
RESERVED = {"and", "or", "not", "in"}

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?)
    |(?P<number>[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?P<unit>[smhdw])?)(?!\w)
    |(?P<infinity>-?inf(?:inity)?(?![\w./-]))
    |(?P<operator>==|!=|<=|>=|[<>=~])
    |(?P<mark>[()\[\],+-])
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<word>now(?=\s*[-+]\s*[\d.]+[smhdw]\b)|\w[\w/:%@-]*)
    )""",
    re.VERBOSE,
)
_TOKEN_KEY = re.compile(r"""\.(?P<key>[\w/:%@*+-]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")  # Right behind a word.
_KEY = re.compile(r"[\w/:%@*+-]+")


class FilterError(UsageError):
    """A filter that cannot be read: why, and where, as a place in its text."""

    def __init__(self, sentence: str, at: int, length: int = 1) -> None:
        self.at, self.length = at, length
        super().__init__(f"{sentence} (at character {at + 1})")


class Token(Struct, frozen=True):
    """A piece of the text: `kind` is a group of the pattern above, or `end`."""

    kind: str
    text: str
    at: int
    end: int
    value: Value = None


def parse(text: str, *, now: float = 0.0, logged: bool = False) -> Condition:
    """Read a filter; `now` is what the word means, in seconds since 1970. Raises FilterError.

    With `logged` it asks for rows: a bare name is a key of the row, and `metric."any name"` too.
    """
    if len(text) > CHARS_MAX:
        raise FilterError(f"a filter has at most {CHARS_MAX} characters, and this one {len(text)}", CHARS_MAX)
    return _Parser(_tokens(text), now, logged=logged).whole()


def parse_field(text: str) -> Field:
    """Read the name of a field alone; raises FilterError."""
    return _Parser(_tokens(text[:CHARS_MAX]), 0.0).only_field()


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while text[at:].strip():
        behind_word = bool(found) and found[-1].kind in {"word", "key"} and found[-1].end == at
        match = (_TOKEN_KEY.match(text, at) if behind_word else None) or _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            if text[at] in "\"'":
                raise FilterError(f"the text that begins with {text[at]} has no end", at, len(text) - at)
            raise FilterError(f"{text[at]!r} means nothing here", at)
        kind = "number" if match.lastgroup == "unit" else match.lastgroup
        found.append(Token(kind, match[kind], match.start(kind), match.end(), _value(kind, match)))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


def _value(kind: str, match: re.Match[str]) -> Value:
    """Say what a piece stands for, where it is a value."""
    said = match[kind]
    if kind == "number":
        digits = (said[:-1] if match["unit"] else said).replace("_", "")
        number = int(digits) if re.fullmatch(r"[+-]?\d{1,18}", digits) else float(digits)
        return number * UNITS[match["unit"]] if match["unit"] else number
    if kind == "infinity":
        return float("-inf" if said.startswith("-") else "inf")
    if kind == "string":
        return _unquote(said)
    if kind == "date":
        try:
            return datetime.fromisoformat(said.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
        except ValueError as error:
            raise FilterError(f"{said} is no date: {error}", match.start(kind), len(said)) from error
    return None


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1], flags=re.DOTALL)


class _Parser:
    def __init__(self, tokens: list[Token], now: float, *, logged: bool = False) -> None:
        self._tokens, self._now, self._logged = tokens, now, logged
        self._at = self._depth = self._tests = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def whole(self) -> Condition:
        """Read all of it."""
        if self._next.kind == "end":
            raise self._mistake("the filter is empty; write something such as `state == running`")
        found = self._any()
        if self._next.kind != "end":
            raise self._mistake(f"here is {self._next.text!r}, where `and`, `or` or the end is expected")
        return found

    def only_field(self) -> Field:
        """Read a field, and nothing behind it."""
        field = self._field()
        if self._next.kind != "end":
            raise self._mistake(f"here is {self._next.text!r}, where the field's name should end")
        return field

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _is(self, *words: str) -> bool:
        token = self._next
        return token.kind in {"word", "mark", "operator"} and token.text.lower() in words

    def _accept(self, *words: str) -> Token | None:
        return self._take() if self._is(*words) else None

    def _mistake(self, sentence: str, token: Token | None = None) -> FilterError:
        token = token or self._next
        return FilterError(sentence, token.at, max(1, len(token.text)))

    def _any(self) -> Condition:
        return self._chain("or", self._all, Either)

    def _all(self) -> Condition:
        return self._chain("and", self._one, All)

    def _chain(self, word: str, part: Callable[[], Condition], make: type[All] | type[Either]) -> Condition:
        parts = [part()]
        while self._accept(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else make(tuple(parts))

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._mistake(f"filters are nested at most {DEPTH_MAX} deep")
        try:
            if self._accept("not"):
                return Not(self._one())
            if opening := self._accept("("):
                found = self._any()
                if not self._accept(")"):
                    raise self._mistake(f"the parenthesis that opens at character {opening.at + 1} is not closed")
                return found
            return self._test()
        finally:
            self._depth -= 1

    def _test(self) -> Condition:
        self._tests += 1
        if self._tests > TESTS_MAX:
            raise self._mistake(f"a filter has at most {TESTS_MAX} tests")
        token = self._next
        if token.kind in {"string", "number", "date", "infinity"}:
            return self._member()
        field = self._field()
        if self._is("not", "in"):
            negated = self._accept("not")
            if not self._accept("in"):
                raise self._mistake("behind `not` the word `in` is missing")
            listed = Either(tuple(Compare(field, "==", value) for value in self._list(field)))
            return Not(listed) if negated else listed
        if self._next.kind != "operator":
            if self._next.kind == "end" or self._is("and", "or", ")"):
                return Exists(field)
            raise self._mistake(
                f"behind {shown(field)} here is {self._next.text!r}, where "
                f"one of {', '.join(OPERATORS)} and in is expected"
            )
        operator = self._take()
        if operator.text == "~":
            return Like(field, self._text("~"))
        value_token = self._next
        value = self._operand(field)
        if operator.text not in {"==", "=", "!="} and (value is None or field.kind in {WORDS, FLAG}):
            raise self._mistake(
                f"{operator.text} compares numbers, times and texts, not {value_token.text or 'nothing'}", operator
            )
        if field.kind == WORDS:
            found: Condition = Contains(field, value) if value is not None else Not(Exists(field))
        else:
            found = Compare(field, {"=": "==", "!=": "=="}.get(operator.text, operator.text), value)
        return Not(found) if operator.text == "!=" else found

    def _member(self) -> Condition:
        token = self._take()
        negated = self._accept("not")
        if token.kind == "string" and self._next.kind == "operator":
            places = [METRIC] if self._logged else [CONFIG, SUMMARY]
            named = " or ".join(f"{place}.{token.text}" for place in places)
            raise self._mistake(f"{token.text} is a text here; the key of that name is {named}", token)
        if not self._accept("in"):
            raise self._mistake(
                f"a field stands first; after the value {token.text} only `in` can follow, as in {token.text} in tags"
            )
        field = self._field()
        if field.kind not in {WORDS, ANY}:
            raise self._mistake(
                f"{shown(field)} is no list; write {shown(field)} ~ {token.text} for a part of a text", token
            )
        found = Contains(field, token.text if field.kind == WORDS and token.kind != "string" else token.value)
        return Not(found) if negated else found

    def _list(self, field: Field) -> list[Value]:
        opening = self._accept("(", "[")
        if not opening:
            raise self._mistake("behind `in` a list is expected, as in (running, failed)")
        values = [self._operand(field)]
        while self._accept(","):
            values.append(self._operand(field))
        if not self._accept(")" if opening.text == "(" else "]"):
            raise self._mistake(f"the list that opens at character {opening.at + 1} is not closed")
        self._tests += len(values)
        if self._tests > TESTS_MAX:
            raise self._mistake(f"a filter has at most {TESTS_MAX} tests")
        return values

    def _text(self, behind: str) -> str:
        token = self._take()
        if token.kind == "string":
            return str(token.value)
        if token.kind in {"word", "number"}:
            return token.text
        raise self._mistake(f"behind {behind} a text is expected, as in name ~ resnet", token)

    def _operand(self, field: Field) -> Value:
        """Read a value, as one that this field may have."""
        token = self._take()
        if token.kind == "end":
            raise self._mistake(f"behind {shown(field)} a value is missing", token)
        if field.kind == TIME:
            return self._moment(field, token)
        if token.kind == "word" and token.text.lower() not in RESERVED:
            value = CONSTANTS.get(token.text.lower(), token.text)
            if field.name == METRIC and not field.path.startswith("_") and value in FLAGS:
                value = FLAGS[str(value)]
        elif token.kind in {"string", "number", "infinity", "date"}:
            value = token.text if token.kind == "date" and field.kind != ANY else token.value
        else:
            raise self._mistake(
                f"here is {token.text!r}, where a value is expected; texts with blanks stand in quotes", token
            )
        if field.kind in {TEXT, WORDS} and value is not None:
            return value if isinstance(value, str) and token.kind == "string" else token.text
        if field.kind == NUMBER and (isinstance(value, str) or token.kind == "date"):
            raise self._mistake(f"{shown(field)} is a number, and {token.text} is none", token)
        if field.kind == FLAG and value not in {"true", "false"}:
            raise self._mistake(f"{shown(field)} is true or false, not {token.text}", token)
        return value

    def _moment(self, field: Field, token: Token) -> Value:
        if token.kind == "word" and token.text.lower() == "null":
            return None
        if token.kind == "word" and token.text.lower() == "now":
            back = self._next
            if self._accept("-"):
                back = self._take()
                if back.kind != "number" or not isinstance(back.value, int | float):
                    raise self._mistake("behind `now -` a duration is expected, such as 2h or 7d", back)
                return self._now - back.value
            if back.kind == "number" and back.text[0] in "+-" and isinstance(back.value, int | float):
                self._take()
                return self._now + back.value
            return self._now
        if token.kind == "string":
            try:
                said = datetime.fromisoformat(str(token.value))
            except ValueError as error:
                raise FilterError(f"{token.text} is no date; write 2026-03-01", token.at, len(token.text)) from error
            return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
        if token.kind == "date":
            return token.value
        raise self._mistake(f"{shown(field)} is a time: compare it with 2026-03-01, or with now - 2h", token)

    def _field(self) -> Field:
        token = self._take()
        name = token.text
        if token.kind != "word" or name.lower() in RESERVED:
            said = f"here is {name!r}" if name else "here it ends"
            raise self._mistake(f"{said}, where a field is expected, such as state or config.lr", token)
        path = []
        while self._next.kind == "key":
            key = self._take().text
            path.append(_unquote(key) if key[0] in "\"'" else key)
        if self._logged and not (path and name in {CONFIG, SUMMARY}):
            return Field(METRIC, ".".join(path if path and name == METRIC else [name, *path]))
        if name in GROUPS:
            if not path:
                raise self._mistake(f'{name} has keys: write {name}.key, or {name}."a key"', token)
            return Field(name, ".".join(path))
        if path or name not in FIELDS:
            near = difflib.get_close_matches(name, [*FIELDS, *GROUPS], 1)
            hint = f"did you mean {near[0]}?" if near else f"did you mean {CONFIG}.{name} or {SUMMARY}.{name}?"
            raise self._mistake(f"there is no field {'.'.join([name, *path])}; {hint}", token)
        return Field(name)


def shown(field: Field) -> str:
    """Write a field as it stands in a filter."""
    if not field.path:
        return field.name
    keys = [field.path] if "" in field.path.split(".") else field.path.split(".")
    return ".".join([field.name, *(key if _KEY.fullmatch(key) else _quoted(key) for key in keys)])


def written(condition: Condition) -> str:
    """Write a tree as text that reads back as the same; raises UsageError for a Pattern, which has no words."""
    match condition:
        case All(parts) | Either(parts):
            return (" and " if isinstance(condition, All) else " or ").join(f"({written(part)})" for part in parts)
        case Not(part):
            return f"not ({written(part)})"
        case Exists(field):
            return shown(field)
        case Contains(field, value):
            return f"{_said(value)} in {shown(field)}"
        case Like(field, pattern):
            return f"{shown(field)} ~ {_quoted(pattern)}"
        case Compare(field, operator, value) if field.kind == TIME and isinstance(value, int | float):
            return f"{shown(field)} {operator} {_quoted(datetime.fromtimestamp(value, UTC).isoformat())}"
        case Compare(field, operator, value):
            return f"{shown(field)} {operator} {_said(value)}"
        case Pattern(field, _):
            raise UsageError(f"a regular expression on {shown(field)} cannot be written as a filter")


def _said(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _quoted(value)
    return repr(value) if isfinite(value) else "inf" if value > 0 else "-inf"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
