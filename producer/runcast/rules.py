"""What a project wants to be told of: rules in words, read into values and written back. Pure.

Nothing of a text is ever evaluated. The grammar:

    rule   = "run" "fails" | "run" "silent" "for" span | "gpu" "idle" [ "for" span ] | metric test
    test   = "is" "nan" | operator number [ "for" span ] | "not" ("falling" | "rising") "for" (span | count "steps")
    metric = a name, in quotes if it has spaces; `*` in it stands for anything
    span   = a number and s, m, h or d
"""

from __future__ import annotations

import math
import re
import shlex

from msgspec import Struct

from runcast.errors import UsageError
from runcast.names import SYSTEM

CHARS_MAX = 400
NAME_CHARS_MAX = 60
RULES_MAX = 50  # Of one project: each is looked at for each row that it speaks of.

FAILS, SILENT, NAN, LIMIT, PLATEAU = "fails", "silent", "nan", "limit", "plateau"
LEVELS = ("INFO", "WARN", "ERROR")
OPERATORS = (">", ">=", "<", "<=", "==", "!=")
SILENT_SECONDS_MIN = 10.0  # Two heartbeats; less is a pause for garbage or a checkpoint.
SILENT_SECONDS_MAX = 86_400.0
SPAN_SECONDS_MAX = 365 * 86_400.0
IDLE_PERCENT = 5.0  # A GPU that waits for its data still wakes up now and then.
IDLE_SECONDS = 600.0
GPUS = f"{SYSTEM}gpu.*.gpu"
EXAMPLES = "'loss is nan', 'loss > 3', 'lr == 0 for 5m', 'val/loss not falling for 1000 steps', 'gpu idle for 10m'"

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhd])")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NAME = re.compile(r"[\w.-]+")
# Rules that say something else are called something else, as far as that is short.
_SAID = (
    (">=", " at least "), ("<=", " at most "), ("==", " equals "), ("!=", " other than "),
    (">", " above "), ("<", " below "), ("*", " any "), (" -", " minus "),
)  # fmt: skip


class Rule(Struct, frozen=True):
    """One rule of a project. `text` is how it was written; the rest is what that means."""

    name: str  # One of its kind in a project.
    text: str
    kind: str
    metric: str = ""
    operator: str = ""
    value: float = 0.0
    seconds: float = 0.0  # For how long, by the clock of the rows.
    steps: int = 0  # Or for how many steps.
    level: str = "WARN"
    since: int = 0  # When the project got it, ns since 1970; 0: it always had it.

    @property
    def key(self) -> str:
        """What stands of it is kept under this: a rule that comes in its place, or later again, begins anew."""
        return f"{self.name}\n{self.since}" if self.since else self.name

    def speaks_of(self, metric: str) -> bool:
        """Whether a metric is one that it is about; samples of the machine only where it names them."""
        if metric.startswith(SYSTEM) and not self.metric.startswith(SYSTEM):
            return False
        return metric == self.metric or ("*" in self.metric and _fits(metric, *self.metric.split("*")))


def parse(text: str, *, name: str = "", level: str = "") -> Rule:
    """Read a rule; without a name it is called by what it says. Raises UsageError."""
    if len(text) > CHARS_MAX:
        raise UsageError(f"a rule has at most {CHARS_MAX} characters, and this one {len(text)}")
    if not text.isprintable():
        raise UsageError(f"the rule {text[:80]!r} has characters that cannot be printed; leave them out")
    words = _words(text)
    fields = _read(words, text)
    level = (level or ("ERROR" if fields["kind"] in {FAILS, NAN} else "WARN")).upper()
    if level not in LEVELS:
        raise UsageError(f"the level is {level[:40]!r}; it is one of {', '.join(LEVELS)}")
    name = (name or _name_of(text))[:NAME_CHARS_MAX]
    if not _NAME.fullmatch(name):
        raise UsageError(f"a rule cannot be called {name!r}; use letters, digits, '_', '.' and '-'")
    return Rule(name=name, text=" ".join(text.split()), level=level, **fields)  # type: ignore[arg-type]


def _fits(metric: str, head: str, *parts: str) -> bool:
    # No regular expression: with many stars one tries for hours, and everybody's rows wait.
    *middle, tail = parts
    if not metric.startswith(head) or not metric.endswith(tail):
        return False
    at, end = len(head), len(metric) - len(tail)
    for part in middle:
        if (found := metric.find(part, at, max(at, end))) < 0:
            return False
        at = found + len(part)
    return at <= end


def _name_of(text: str) -> str:
    for sign, words in _SAID:
        text = text.replace(sign, words)
    return re.sub(r"[^\w.-]+", "-", text).strip("-")


def _words(text: str) -> list[str]:
    # Shells' quotes for names with spaces; an operator may stand without spaces around it.
    lexer = shlex.shlex(re.sub(r"(==|!=|>=|<=|>(?!=)|(?<![<>=!])<(?!=))", r" \1 ", text), posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError as error:
        raise UsageError(f"the rule {text!r} cannot be read: {error}".lower()) from error


def _read(words: list[str], text: str) -> dict[str, object]:
    folded = [word.lower() for word in words]
    match folded:
        case ["run", "fails"]:
            return {"kind": FAILS}
        case ["run", "silent", *rest]:
            seconds = _for(rest, text)
            if not SILENT_SECONDS_MIN <= seconds <= SILENT_SECONDS_MAX:
                raise UsageError(
                    f"the rule {text!r} cannot be judged: a run beats every 5 s, and is waited for at most a day; "
                    f"name a time from {SILENT_SECONDS_MIN:.0f}s to 1d"
                )
            return {"kind": SILENT, "seconds": seconds}
        case ["gpu", "idle", *rest]:
            seconds = _for(rest, text) if rest else IDLE_SECONDS
            return {"kind": LIMIT, "metric": GPUS, "operator": "<", "value": IDLE_PERCENT, "seconds": seconds}
        case [_, "is", "nan"]:
            return {"kind": NAN, "metric": words[0]}
        case [_, operator, number, *rest] if operator in OPERATORS:
            if not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
                raise UsageError(f"{words[2]!r} in the rule {text!r} is no number")
            seconds = _for(rest, text) if rest else 0.0
            return {
                "kind": LIMIT,
                "metric": words[0],
                "operator": operator,
                "value": float(number),
                "seconds": seconds,
            }
        case [_, "not", "falling" | "rising" as way, "for", count, "steps" | "step"] if re.fullmatch(
            r"[1-9]\d{0,14}", count
        ):
            return {"kind": PLATEAU, "metric": words[0], "operator": way, "steps": int(count)}
        case [_, "not", "falling" | "rising" as way, *rest] if rest:
            return {"kind": PLATEAU, "metric": words[0], "operator": way, "seconds": _for(rest, text)}
    raise UsageError(
        f"the rule {text!r} cannot be read; rules are such as {EXAMPLES} 'run silent for 5m' and 'run fails'"
    )


def _for(words: list[str], text: str) -> float:
    found = _SPAN.fullmatch(words[1]) if len(words) == 2 and words[0] == "for" else None
    if found is None or not float(found[1]):
        raise UsageError(f"the rule {text!r} ends in {' '.join(words)!r}, where a time is expected, such as `for 10m`")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > SPAN_SECONDS_MAX:
        raise UsageError(f"the rule {text[:80]!r} waits for {words[1][:40]}; name a time up to 365d")
    return seconds


# Every project has these until somebody takes one away: nobody wants to find out in the morning.
DEFAULTS = (parse("* is nan", name="nan"), parse("run fails", name="fails"))
