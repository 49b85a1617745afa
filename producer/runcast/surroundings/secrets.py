"""Words that must not leave the machine, in command lines, variables and addresses.

Masked are what stands behind an option or a variable whose name says that it is a secret, what has the form of a
well-known token, passwords in addresses, and the value of every secret variable wherever else it occurs. What a
program prints is its own business: the console is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

MASK = "****"
SECRET_CHARS_MIN = 6  # A shorter value, such as `1` or `true`, stands in too many places to be hidden everywhere.

# A part of a name, between the beginning, `_`, `-`, `.` or a change of case, and the end or one of these.
_SECRET_NAME = re.compile(
    r"(?:^|[_\-.])(?:pass|passwd|password|passphrase|pwd|secret|secrets|token|tokens|credential|credentials|apikey|"
    r"(?:api|access|auth|secret|private|account|encryption|signing|license|storage)[_\-.]?key(?:[_\-.]?id)?|"
    r"auth|bearer|cookie|session[_\-.]?id|sas|dsn|webhook|otp|pat)(?:$|[_\-.])",
    re.IGNORECASE,
)
# Names that say `token` and mean a piece of text, or a file in which the secret stands.
_HARMLESS_NAME = re.compile(
    r"(?:^|[_\-.])(?:num|max|min|n|special|pad|eos|bos|unk|sep|cls|mask|per|total|new|image|prompt|tokenizer|seq)"
    r"[_\-.]?tokens?(?:$|[_\-.])|tokens?[_\-.](?:per|limit|count|budget|level|dropout|type|embedding)|(?:file|path|dir|sock)$|"
    r"^(?:OLD)?PWD$",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"\b(?:hf_\w{20,}|gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|npm_\w{30,}|pypi-\w{30,}|"
    r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|wandb_v1_\w{20,})"
)
_URL = re.compile(r"(?P<scheme>[A-Za-z][\w+.\-]*://)(?P<rest>[^\s'\"]+)")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:@]*)(?::\d*)?")  # And its port: where more stands, there is a user.
_QUERY = re.compile(r"(?<=[?&])(?P<name>[\w.\-]+)=[^&#]+")
_USER_NAMES = frozenset({"user", "username"})  # Redis takes these, and the password, behind a question mark too.
_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OPTION = re.compile(r"(?P<name>-{0,2}\+{0,2}[A-Za-z_][\w.\-]*)(?P<sign>[=:])(?P<value>.+)", re.DOTALL)


def is_secret(name: str) -> bool:
    """Say whether what has this name is a secret."""
    spaced = _CASE.sub("_", name.lstrip("-+"))
    return bool(_SECRET_NAME.search(spaced)) and not _HARMLESS_NAME.search(spaced)


def secret_values(environ: Mapping[str, str]) -> list[str]:
    """Collect the values of secret variables, the longest first, so that one within another leaves nothing."""
    found = {value for name, value in environ.items() if is_secret(name) and len(value) >= SECRET_CHARS_MIN}
    return sorted(found, key=len, reverse=True)


def mask_text(text: str, values: Iterable[str] = ()) -> str:
    """Hide tokens, passwords in addresses, and known secret values in a text."""
    for value in values:
        text = text.replace(value, MASK)
    return _TOKEN.sub(MASK, _URL.sub(_mask_url, text))


def _mask_url(url: re.Match[str]) -> str:
    rest = url["rest"]
    if user := _user(rest):
        rest = f"{MASK}@{rest[len(user) + 1 :]}"
    return url["scheme"] + _QUERY.sub(_mask_query, rest)


def _mask_query(pair: re.Match[str]) -> str:
    name = pair["name"]
    return f"{name}={MASK}" if is_secret(name) or name.lower() in _USER_NAMES else pair[0]


def _user(rest: str) -> str:
    """Find user and password in an address, behind its scheme: a password may hold any sign, as people write them."""
    if _HOST.fullmatch(re.split(r"[/?#]", rest, maxsplit=1)[0]):
        return ""
    return rest.rpartition("@")[0]


def mask_arguments(arguments: Sequence[str], values: Iterable[str] = ()) -> list[str]:
    """Hide secrets in a command line: `--token=x`, `--token x`, `token=x`, and what `mask_text` finds."""
    known = list(values)
    masked: list[str] = []
    behind = False  # The option before this argument names a secret.
    for argument in arguments:
        if behind and not argument.startswith("-"):
            masked.append(MASK)
            behind = False
            continue
        option = _OPTION.fullmatch(argument)
        if option and is_secret(option["name"]):
            masked.append(f"{option['name']}{option['sign']}{MASK}")
        else:
            masked.append(mask_text(argument, known))
        behind = argument.startswith("-") and option is None and is_secret(argument)
    return masked


def mask_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Hide secrets in variables."""
    values = secret_values(environ)
    return {name: MASK if is_secret(name) and value else mask_text(value, values) for name, value in environ.items()}


def without_user(url: str) -> str:
    """Leave user and password out of an address; `git@host:path` keeps its name, which is no secret."""
    return _URL.sub(lambda found: found["scheme"] + found["rest"].removeprefix(_user(found["rest"]) + "@"), url)
