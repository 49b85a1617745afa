"""Which runs a filter finds in the store, in which order they come, and what readers decide about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flow.stored import BEGIN, Publisher, block, leased
from tests.unit.made import PRINTABLE, TEXT
from tests.unit.test_expressions import TRUE

from runcast.conditions import LOWEST, All, Compare, Condition, Contains, Either, Exists, Field, Like, Not, fits
from runcast.errors import UsageError
from runcast.events import Start, Summary
from runcast.expressions import parse
from runcast.names import new_writer_id
from runcast_ingest.api.answers import run_told
from runcast_ingest.store import Store
from runcast_ingest.store.catalog import Asked
from runcast_ingest.store.curation import Change


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with leased(tmp_path) as opened:
        yield opened


async def make(store: Store, run: str, *, config: Any = None, summary: Any = None, **more: Any) -> Publisher:
    """Begin a run of the project p."""
    writer = Publisher(store, f"p/{run}", writer=new_writer_id())
    created = more.pop("created", BEGIN)
    await writer.commit(Start(created, more.pop("name", run), config or {}, **more), Summary(BEGIN, summary or {}))
    return writer


async def found(store: Store, text: str, **asked: Any) -> list[str]:
    """Search with a filter in words."""
    runs, _ = await store.runs("p", condition=parse(text, now=BEGIN / 1e9), **asked)
    return [run.id for run in runs]


async def test_a_filter_finds_its_runs(store: Store) -> None:
    writer = await make(store, "a", config={"lr": 0.001, "net": {"depth": 3}, "on": True}, tags=("best",), host="gpu")
    await writer.commit(block({"loss": [5, 0.5, 2]}, steps=[0, 1, 2]))
    await writer.finish()
    writer = await make(store, "b", config={"lr": 0.1, "wide": [1, 2]}, summary={"acc": float("nan"), "val/f1": 0.5})
    await writer.commit(block({"loss": [1, 3]}, steps=[0, 1]))
    await make(store, "c", config={"lr": "auto"}, name="<img onerror> 😀")
    for text, ids in {
        "config.lr < 0.01": "a",
        "config.lr >= 0": "ab",
        "config.lr > auto": "",
        "config.lr == auto": "c",
        "not config.lr < 0.01": "bc",
        "config.net.depth == 3 and config.on == true": "a",
        "summary.acc == nan or host == gpu": "ab",
        "summary.val/f1 == .5": "b",
        "state == finished": "a",
        "state != finished": "bc",
        '"best" in tags': "a",
        "tags": "a",
        "not tags": "bc",
        "2 in config.wide": "b",
        "min.loss < 0.6": "a",
        "max.loss < 4": "b",
        "not min.loss": "c",
        'name ~ "IMG"': "c",
        "steps >= 2": "ab",
        "created <= now and created > now - 1h": "abc",
        "duration > 1d": "",
        "finished == null": "bc",
        "config.nothing != 3": "abc",
        "hidden == true": "",
    }.items():
        assert "".join(sorted(await found(store, text))) == ids, text


async def test_names_and_tags_are_words_whatever_they_say(store: Store) -> None:
    """In a config "Infinity" is how JSON writes a number; a run that is called so is called by a word."""
    await make(store, "a", name="Infinity", tags=("-Infinity",), host="Infinity", config={"lr": float("inf")})
    records = (await store.runs("p"))[0]
    for text, meant in {
        "name == Infinity": True,
        'name ~ "inf*"': True,
        '"-Infinity" in tags': True,
        'tags ~ "inf"': True,
        'host ~ "inf"': True,
        "host == Infinity": True,
        "config.lr > 1e300": True,
        'config.lr ~ "inf"': False,
    }.items():
        assert (await found(store, text) == ["a"]) is meant, text
        assert fits(run_told(records[0]), parse(text)) is meant, text


async def test_runs_come_in_any_order_and_pages_do_not_overlap(store: Store) -> None:
    """Numbers first, then words, then NaN, then those without: up and down alike."""
    values: list[Any] = [3, 1.5, float("nan"), "x", None, -2, "a", 3, True]
    for at, value in enumerate(values):
        await make(store, f"r{at}", config={} if value is None else {"v": value})
    for sort, expected in {
        "config.v": [5, 1, 0, 7, 6, 8, 3, 2, 4],
        "-config.v": [7, 0, 1, 5, 3, 8, 6, 2, 4],
        "id": list(range(9)),
        "-name": list(range(8, -1, -1)),
    }.items():
        got: list[str] = []
        cursor = None
        while True:
            page, cursor = await store.runs("p", sort=sort, limit=2, cursor=cursor)
            got += [run.id for run in page]
            if cursor is None:
                break
        assert got == [f"r{at}" for at in expected], sort
    assert [id_ for id_, _ in await store.ordered(Asked("p", sort="config.v"), 100)] == [
        f"r{at}" for at in [5, 1, 0, 7, 6, 8, 3, 2, 4]
    ]
    groups = await store.ordered(Asked("p", sort="id", group="config.v"), 100)
    assert [value for _, value in groups] == [-2, 1.5, 3, 3, "NaN", "a", "true", "x", None]
    with pytest.raises(UsageError, match="runs cannot be sorted by 'colour'"):
        await store.runs("p", sort="colour")


async def test_the_best_value_of_a_curve_sorts_and_follows_it(store: Store) -> None:
    writers = {}
    curves: dict[str, list[float]] = {"a": [5, 0.1, 9], "b": [1, 2, 3], "c": [0.5]}
    for name, values in curves.items():
        writers[name] = await make(store, name)
        await writers[name].commit(block({"loss": values}, steps=range(len(values))))
    assert [run.id for run in (await store.runs("p", sort="min.loss"))[0]] == ["a", "c", "b"]
    assert [run.id for run in (await store.runs("p", sort="-max.loss"))[0]] == ["a", "b", "c"]
    await writers["b"].commit(block({"loss": [-1.0]}, steps=[3]))
    await store.compact_once(everything=True)
    assert [run.id for run in (await store.runs("p", sort="min.loss"))[0]] == ["b", "a", "c"]
    keys = {run.id: run.key for run in (await store.runs("p"))[0]}
    [sketch] = ((await store.sketches("p", "loss", [keys["a"]]))[keys["a"]],)
    assert (sketch.values, sketch.low, sketch.high) == ([5, 0.1, 9], 0.1, 9)


async def test_a_long_curve_is_sketched_with_its_extremes(store: Store) -> None:
    writer = await make(store, "a")
    values = [float(step % 7) for step in range(30_000)]
    values[12_345], values[777], values[5] = 99.0, -99.0, float("nan")
    await writer.commit(block({"loss": values}, steps=range(30_000)))
    key = (await store.runs("p"))[0][0].key
    for _ in ("in level 0", "in columns"):
        sketch = (await store.sketches("p", "loss", [key]))[key]
        assert (sketch.low, sketch.high) == (-99, 99)
        assert 10 < len(sketch.values) <= 40
        await store.compact_once(everything=True)


async def test_what_readers_decide_holds_and_is_taken_back(store: Store) -> None:
    """A program that goes on logging changes nothing about it."""
    writer = await make(store, "a", tags=("given", "old"))
    await make(store, "b")
    done = await store.curate("p", Change(("a", "b", "nobody"), tag=("best", "given"), untag=("old",), hidden=True))
    assert done.changed == ("a", "b")
    await writer.commit(block({"loss": [1]}, steps=[0]))
    await writer.finish()
    runs = {run.id: run for run in (await store.runs("p"))[0]}
    assert (runs["a"].tags, runs["b"].tags) == (("given", "best"), ("best", "given"))
    assert runs["a"].hidden
    assert await found(store, '"best" in tags and not "old" in tags', sort="id") == ["a", "b"]
    assert [run.id for run in (await store.runs("p", hidden=False))[0]] == []
    assert (await store.curate("p", Change(("a", "b"), hidden=True))).changed == ()
    for change in done.undo:
        await store.curate("p", change)
    runs = {run.id: run for run in (await store.runs("p", hidden=False))[0]}
    assert (runs["a"].tags, runs["b"].tags) == (("given", "old"), ())
    gone = await store.curate("p", Change(("a",), deleted=True))
    assert [run.id for run in (await store.runs("p"))[0]] == ["b"]
    assert [run.id for run in (await store.runs("p", deleted=True))[0]] == ["a"]
    assert (await store.projects())[0].runs == 1
    [back] = gone.undo
    await store.curate("p", back)
    assert [run.id for run in (await store.runs("p", sort="id"))[0]] == ["a", "b"]


async def test_columns_are_what_runs_have(store: Store) -> None:
    await make(store, "a", config={"lr": 0.1, "net": {"depth": 3}, "list": [1]}, summary={"acc": float("nan")})
    await make(store, "b", config={"lr": "auto"}, summary={"acc": 0.5})
    config, summary = await store.columns("p")
    assert {(each.key, each.runs, each.numbers, each.distinct) for each in config} == {
        ("lr", 2, 1, 2),
        ("net.depth", 1, 1, 1),
        ("list", 1, 0, 1),
    }
    assert [(each.key, each.runs, each.numbers) for each in summary] == [("acc", 2, 2)]


KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "", "ü 'x\"]"])
PLAIN = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1e300, float("nan"), float("inf")]) | TEXT
)
DOCUMENT = st.dictionaries(
    KEYS, PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(KEYS, PLAIN, max_size=2), max_size=3
)
FIELDS = st.builds(Field, st.sampled_from(["config", "summary"]), KEYS.filter(bool))
VALUES = st.integers(-3, 3) | st.sampled_from([0.5, "NaN", "true", float("inf"), ""]) | TEXT
TESTS: st.SearchStrategy[Condition] = (
    st.builds(Compare, FIELDS, st.sampled_from(["==", "<", "<=", ">", ">="]), VALUES)
    | st.builds(Compare, FIELDS, st.just("=="), st.none())
    | st.builds(Compare, st.just(Field("name")), st.sampled_from(["==", "<"]), TEXT)
    | st.builds(
        Compare, st.sampled_from([Field("steps"), Field("exit_code")]), st.sampled_from(["==", "<="]), st.integers(0, 2)
    )
    | st.builds(Compare, st.just(Field(LOWEST, "loss")), st.just("<"), VALUES)
    | st.builds(Contains, FIELDS | st.just(Field("tags")), VALUES.filter(lambda value: value != float("inf")))
    | st.builds(Like, FIELDS | st.sampled_from([Field("name"), Field("tags")]), st.text("a*?[b", max_size=3))
    | st.builds(Exists, FIELDS | st.sampled_from([Field("tags"), Field("finished"), Field("host")]))
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    TESTS,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(tuple).map(All)
        | st.lists(inner, max_size=3).map(tuple).map(Either)
    ),
    max_leaves=5,
)


async def test_the_store_finds_what_the_rule_says(tmp_path: Path) -> None:
    """SQL and plain Python agree about every run and every condition."""
    async with leased(tmp_path) as store:
        loop = asyncio.get_running_loop()
        made = 0

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            st.lists(st.tuples(DOCUMENT, DOCUMENT, st.lists(TEXT, max_size=2), PRINTABLE), min_size=1, max_size=4),
            st.lists(CONDITIONS, min_size=10, max_size=30),
        )
        def agree(runs: list[Any], conditions: list[Condition]) -> None:
            asyncio.run_coroutine_threadsafe(check(runs, conditions), loop).result(60)

        async def check(runs: list[Any], conditions: list[Condition]) -> None:
            nonlocal made
            for config, summary, tags, name in runs:
                made += 1
                await make(store, f"r{made}", config=config, summary=summary, tags=tuple(tags), name=name)
            records = (await store.runs("p", limit=1000))[0]
            told = {record.id: run_told(record) for record in records}
            for condition in conditions:
                expected = {id_ for id_, run in told.items() if fits(run, condition)}
                got = {run.id for run in (await store.runs("p", condition=condition, limit=1000))[0]}
                assert got == expected, condition

        await asyncio.to_thread(agree)


async def test_words_that_are_tested_elsewhere_are_searched_by_too(store: Store) -> None:
    await make(store, "a")
    for text in TRUE:
        await found(store, text)
