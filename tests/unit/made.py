"""Events, blocks and entries that hypothesis makes up: whatever a trainer could publish."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import strategies as st

from runcast.blocks import Block, Item
from runcast.events import (
    Alert,
    Artifact,
    Config,
    Console,
    Describe,
    Event,
    File,
    Finish,
    Lost,
    Metric,
    Rename,
    Start,
    Summary,
    Use,
)

INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXT = st.text(max_size=40)
PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20)
RUN_IDS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
PATHS = st.builds("{}/{}".format, PRINTABLE, RUN_IDS)
WRITERS = st.binary(min_size=8, max_size=8).map(bytes.hex)
FLOATS = st.floats(allow_nan=False)  # NaN is checked where it is compared by its bits.
PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INT64 | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(TEXT, PLAIN, max_size=4)
EXTRAS = st.dictionaries(PRINTABLE, PLAIN, max_size=4)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Make a block of a few rows and keys, of any numbers and any extras."""
    names = tuple(draw(st.lists(PRINTABLE, unique=True, max_size=5)))
    rows = draw(st.integers(min_value=1, max_value=6))
    doubles = st.binary(min_size=8, max_size=8)  # Every bit pattern: signalling NaNs and subnormals too.
    extras: tuple[dict[str, Any] | None, ...] | None = None
    if draw(st.booleans()):
        extras = tuple(draw(st.lists(st.none() | EXTRAS, min_size=rows, max_size=rows)))
    return Block(
        rows=rows,
        names=names,
        kinds="".join(draw(st.lists(st.sampled_from("fib"), min_size=len(names), max_size=len(names)))),
        steps=struct.pack(f"<{rows}q", *draw(st.lists(INT64, min_size=rows, max_size=rows))),
        times=struct.pack(f"<{rows}q", *draw(st.lists(INT64, min_size=rows, max_size=rows))),
        values=b"".join(draw(st.lists(doubles, min_size=rows * len(names), max_size=rows * len(names)))),
        extras=extras,
    )


DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Start, time=INT64, name=PRINTABLE, config=DOCUMENTS, label=TEXT, pid=INT64, tags=st.tuples(TEXT)),
    st.builds(Config, time=INT64, values=DOCUMENTS),
    st.builds(Summary, time=INT64, values=DOCUMENTS, deleted=st.tuples(TEXT)),
    st.builds(Finish, time=INT64, exit_code=st.none() | INT64),
    st.builds(Lost, time=INT64, rows=INT64, reason=TEXT),
    st.builds(Rename, time=INT64, name=PRINTABLE),
    st.builds(Metric, time=INT64, name=PRINTABLE, step_metric=TEXT, step_sync=st.booleans(), summary=st.tuples(TEXT)),
    st.builds(Describe, time=INT64, values=DOCUMENTS),
    st.builds(Console, time=INT64, first=INT64, lines=st.lists(TEXT, max_size=4).map(tuple), error=st.booleans()),
    st.builds(Alert, time=INT64, title=TEXT, text=TEXT, level=TEXT, step=INT64),
    st.builds(File, time=INT64, name=TEXT, digest=DIGESTS, size=INT64),
    st.builds(Artifact, time=INT64, name=PRINTABLE, kind=TEXT, digest=DIGESTS, size=INT64, files=INT64),
    st.builds(Use, time=INT64, name=TEXT, digest=DIGESTS),
)
ITEMS: st.SearchStrategy[list[Item]] = st.lists(st.one_of(EVENTS, blocks()), max_size=6)


def as_redis(fields: dict[str, str | int | bytes]) -> dict[bytes, bytes]:
    """Turn an entry's fields into what a reader gets back from Redis."""
    return {name.encode(): value if isinstance(value, bytes) else str(value).encode() for name, value in fields.items()}
