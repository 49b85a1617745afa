"""What is logged is what is read: rows, curves and runs, before and after compaction."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flow.stored import BEGIN, Publisher, block, key_of, leased, rows_of
from tests.unit.made import ITEMS

from runcast.blocks import Block, Item
from runcast.blocks import count as count_events
from runcast.errors import UsageError
from runcast.events import Alert, Config, Console, Describe, Finish, Metric, Rename, Start, Summary
from runcast.names import new_writer_id
from runcast_ingest.batch import Batch
from runcast_ingest.store import Store, View, Work


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with leased(tmp_path) as opened:
        yield opened


async def test_a_row_is_read_as_it_was_logged(store: Store) -> None:
    """Floats, whole numbers, booleans, text and NaN come back as what they were."""
    writer = Publisher(store)
    await writer.start()
    row = block({"loss": [0.5], "epoch": [3], "good": [1], "bad": [math.nan]}, steps=[7], kinds="fibf")
    extras = ({"note": "hello", "none": None},)
    await writer.commit(Block(1, row.names, row.kinds, row.steps, row.times, row.values, extras))
    for _ in ("in level 0", "in columns"):
        [read] = await rows_of(store)
        assert math.isnan(read.pop("bad"))
        assert read == {
            "loss": 0.5,
            "epoch": 3,
            "good": True,
            "note": "hello",
            "none": None,
            "_step": 7,
            "_timestamp": BEGIN / 1e9 + 0.7,
            "_runtime": 0.7,
        }
        assert type(read["epoch"]) is int
        assert read["good"] is True
        await store.compact_once(everything=True)


async def test_rows_of_one_step_are_one_row_and_the_last_value_wins(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    await writer.commit(block({"a": [1, 2]}, steps=[0, 1]), block({"b": [3]}, steps=[1]), block({"a": [9]}, steps=[0]))
    for _ in ("in level 0", "in columns"):
        rows = await rows_of(store)
        assert [{key: row[key] for key in row if key[0] != "_"} for row in rows] == [{"a": 9}, {"a": 2, "b": 3}]
        [a, b] = (await store.view(await key_of(store))).curves
        assert (a.steps.tolist(), a.values.tolist()) == ([0, 1], [9, 2])
        assert (b.steps.tolist(), b.values.tolist()) == ([1], [3])
        await store.compact_once(everything=True)


def _shuffled(seed: int, rows: int) -> list[Block]:
    """Make blocks of changing keys, with steps that rise, and sometimes go back."""
    rng = random.Random(seed)
    blocks, step = [], 0
    while rows > 0:
        take = min(rows, rng.choice([1, 1, 10, 700, 5000]))
        keys = rng.choice([("a", "b"), ("a",), ("c", "a"), ()])
        steps = list(range(step, step + take))
        columns = {key: [rng.choice([rng.gauss(0, 1), math.nan]) for _ in steps] for key in keys}
        blocks.append(block(columns, steps=steps))
        step = max(0, step + take + rng.choice([0, 0, 0, 5, -3]))
        rows -= take
    return blocks


def _same(one: View, other: View) -> None:
    assert one.marks == other.marks
    assert {curve.key for curve in one.curves} == {curve.key for curve in other.curves}
    others = {curve.key: curve for curve in other.curves}
    for curve in one.curves:
        for column in ("steps", "times", "values"):
            np.testing.assert_array_equal(getattr(curve, column), getattr(others[curve.key], column))
        assert (curve.total, curve.exact) == (others[curve.key].total, others[curve.key].exact)


@pytest.mark.parametrize("seed", range(4))
async def test_compaction_changes_nothing_that_is_read(store: Store, seed: int) -> None:
    """Whenever the compactor comes, curves, rows and the proof of completeness stay as they were."""
    writer, plain = Publisher(store), Publisher(store, "p/plain", "b" * 16)
    for each in (writer, plain):
        await each.start()
    rng = random.Random(seed)
    for made in _shuffled(seed, 20_000):
        await plain.commit(made)
        await writer.commit(made)
        if rng.random() < 0.3:
            await store.compact_once(everything=True)
    await store.compact_once(everything=True)
    # The second run was compacted as often; a third that never was shows what was logged.
    level0 = Publisher(store, "p/level0", "c" * 16)
    await level0.start()
    await level0.commit(*_shuffled(seed, 20_000))
    views = [await store.view(await key_of(store, path)) for path in ("p/r", "p/level0")]
    _same(View({}, views[0].curves), View({}, views[1].curves))
    one, two = [await rows_of(store, path) for path in ("p/r", "p/level0")]
    assert repr(one) == repr(two)
    assert (await store.check()).problems == []


async def test_a_resumed_view_has_only_what_is_missing(store: Store) -> None:
    """A client that names its marks gets every point above them and none below, wherever it is stored."""
    writer = Publisher(store)
    await writer.start()
    await writer.commit(block({"a": range(5000)}, steps=range(5000)))
    await store.compact_once(everything=True)
    await writer.commit(block({"a": range(5000, 5100)}, steps=range(5000, 5100)))
    key = await key_of(store)
    for have in (0, 1, 4095, 4500, 5001, 5050, 5101):
        view = await store.view(key, after={"a" * 16: have})
        assert view.marks == {"a" * 16: 5101}
        got = [step for curve in view.curves for step in curve.steps.tolist()]
        assert got == list(range(max(0, have - 1), 5100))


async def test_many_points_are_read_as_few_that_are_real(store: Store) -> None:
    """A zoomed-out curve holds real points, the extremes among them, from the first to the last."""
    count = 400_000
    values = np.sin(np.arange(count) / 5000) + np.random.default_rng(1).normal(0, 0.1, count)
    values[123_456], values[301_001] = 50.0, -50.0
    writer = Publisher(store)
    await writer.start()
    for at in range(0, count, 50_000):
        await writer.commit(block({"a": values[at : at + 50_000].tolist()}, steps=range(at, at + 50_000)))
        await store.compact_once()
    key = await key_of(store)
    for axis in ("step", "time"):
        [curve] = (await store.view(key, ["a"], points_max=2400, axis=axis)).curves
        assert not curve.exact
        assert curve.total == count
        assert 600 < len(curve.steps) <= 2400
        np.testing.assert_array_equal(curve.values, values[curve.steps])
        np.testing.assert_array_equal(curve.times, BEGIN + curve.steps * 100_000_000)
        assert {0, 123_456, 301_001, count - 1} <= set(curve.steps.tolist())
        assert (np.diff(curve.steps) > 0).all()
    [near] = (await store.view(key, ["a"], points_max=2400, lo=123_000, hi=124_000)).curves
    assert near.exact
    assert near.steps.tolist() == list(range(123_000, 124_001))


async def test_an_envelope_covers_every_point(store: Store) -> None:
    count = 300_000
    values = np.random.default_rng(2).normal(0, 1, count)
    values[1000] = np.nan
    writer = Publisher(store)
    await writer.start()
    await writer.commit(block({"a": values.tolist()}, steps=range(count)))
    await store.compact_once(everything=True)
    key = await key_of(store)
    band = await store.envelope(key, "a", points=500)
    assert not band.exact
    assert (band.total, int(band.count.sum())) == (count, count - 1)
    assert 250 <= len(band.steps) <= 500
    assert band.low.min() == np.nanmin(values)
    assert band.high.max() == np.nanmax(values)
    assert np.average(band.mean, weights=band.count) == pytest.approx(np.nanmean(values))
    few = await store.envelope(key, "a", points=500, lo=10, hi=20)
    assert few.exact
    np.testing.assert_array_equal(few.values, values[10:21])


async def test_higher_levels_of_the_pyramid_say_the_same(store: Store) -> None:
    """Sixty-four parts make one of the next level, with the same extremes, counts and means."""
    count = 70 * 4096 + 100
    values = np.random.default_rng(3).normal(0, 1, count)
    writer = Publisher(store)
    await writer.start()
    await writer.commit(block({"a": values.tolist()}, steps=range(count)))
    await store.compact_once(everything=True)
    band = await store.envelope(await key_of(store), "a", points=20)
    assert (await store.stats()).parts == 72
    assert int(band.count.sum()) == count
    assert band.low.min() == values.min()
    assert np.average(band.mean, weights=band.count) == pytest.approx(values.mean())


async def test_what_runs_say_of_themselves_is_kept(store: Store) -> None:
    writer = Publisher(store)
    start = Start(BEGIN, "bright-river-1", {"lr": 0.1}, host="h", program="train.py", group="g", tags=("x", "y"))
    await writer.commit(start)
    await writer.commit(Config(BEGIN, {"depth": 3}), block({"loss": [3, 2]}, steps=[0, 1]), Rename(BEGIN, "new"))
    await writer.commit(Summary(BEGIN, {"best": 1, "gone": 2}), Summary(BEGIN, {}, deleted=("gone",)))
    run = await store.run("p", "r")
    assert run is not None
    assert (run.name, run.state, run.config) == ("new", "running", {"lr": 0.1, "depth": 3})
    assert run.summary == {"loss": 2.0, "best": 1}
    assert (run.steps, run.rows, run.host, run.program, run.tags) == (2, 2, "h", "train.py", ("x", "y"))
    [key] = await store.keys(run.key)
    assert (key.key, key.kind, key.points, key.last) == ("loss", "f", 2, 2.0)
    assert await store.project_keys("p") == ["loss"]


@pytest.mark.parametrize(("code", "state"), [(0, "finished"), (3, "failed"), (None, "crashed")])
async def test_a_run_ends_as_its_writer_does(store: Store, code: int | None, state: str) -> None:
    writer = Publisher(store)
    assert (await writer.start()).states == [("p/r", "running")]
    assert (await writer.finish(code)).states == [("p/r", state)]


async def test_a_run_with_several_writers_ends_with_the_last(store: Store) -> None:
    writers = [Publisher(store, writer=f"{rank:016x}", label=f"rank{rank}") for rank in range(3)]
    for writer in writers:
        await writer.start()
    assert (await writers[0].finish(0)).states == []
    assert (await writers[1].finish(1)).states == []
    assert (await writers[2].finish(0)).states == [("p/r", "failed")]


async def test_whoever_copied_a_run_ends_it_for_all_its_writers(store: Store) -> None:
    copied = [Publisher(store, writer=f"{number:016x}") for number in range(2)]
    for writer in copied:
        await writer.start()
    last = Publisher(store, writer="c" * 16)
    assert (await last.commit(Finish(BEGIN, 1, whole=True))).states == [("p/r", "failed")]
    # A copy that goes on makes it run again.
    assert (await copied[0].commit(block({"loss": [1]}, steps=[9]))).states == [("p/r", "running")]


async def test_a_resumed_run_is_judged_by_its_new_writer(store: Store) -> None:
    """A run that crashed and was resumed has finished when the second try has."""
    await (first := Publisher(store)).start()
    assert (await store.set_state("p/r", "crashed"))[0]
    assert not (await store.set_state("p/r", "crashed"))[0]
    second = Publisher(store, writer="b" * 16)
    assert (await second.start()).states == [("p/r", "running")]
    assert (await second.finish(0)).states == [("p/r", "finished")]
    assert not (await store.set_state("p/r", "crashed"))[0]
    # What the first still had in its journal comes late, and is welcome.
    assert (await first.commit(block({"a": [1]}, steps=[0]))).states == []
    assert (await first.commit(Finish(BEGIN, None))).states == []


async def test_a_run_goes_on_without_those_whom_others_went_on_for(store: Store) -> None:
    """A rank was killed and begun again before anybody missed it."""
    ranks = [Publisher(store, writer=f"{rank:016x}", label=f"rank{rank}") for rank in range(2)]
    for rank in ranks:
        await rank.start()
    again = Publisher(store, writer="b" * 16, label="rank1")
    await again.commit(Start(BEGIN + 10**9, "a run", {}, label="rank1"))
    await ranks[0].finish(0)
    assert (await again.finish(0)).states == [("p/r", "finished")]
    assert not (await store.set_state("p/r", "crashed"))[0]
    late = Finish(BEGIN + 5, None)
    assert (await ranks[1].commit(late)).states == []


async def test_runs_are_listed_in_pages(store: Store) -> None:
    for number in range(25):
        writer = Publisher(store, f"p/r{number}", f"{number:016x}")
        await writer.commit(Start(BEGIN + number, f"n{number}", {}))
        if number % 5 == 0:
            await writer.finish(0)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = await store.runs("p", sort="-created", limit=10, cursor=cursor)
        seen += [run.id for run in page]
        if cursor is None:
            break
    assert seen == [f"r{number}" for number in reversed(range(25))]
    finished, _ = await store.runs("p", state="finished", sort="created")
    assert [run.id for run in finished] == ["r0", "r5", "r10", "r15", "r20"]
    with pytest.raises(UsageError, match="created"):
        await store.runs("p", sort="colour")
    with pytest.raises(UsageError, match="cursor"):
        await store.runs("p", cursor="!!!")


async def test_labels_keep_their_rows_apart(store: Store) -> None:
    for rank in range(2):
        writer = Publisher(store, writer=f"{rank:016x}", label=f"rank{rank}")
        await writer.start()
        await writer.commit(block({"a": [rank]}, steps=[0]))
    rows = await rows_of(store)
    assert [(row["_label"], row["a"]) for row in rows] == [("rank0", 0.0), ("rank1", 1.0)]


async def test_history_is_paged_by_keys_and_steps(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    await writer.commit(block({"a": range(20_000)}, steps=range(20_000)), block({"b": [1]}, steps=[7]))
    await store.compact_once(everything=True)
    rows = await rows_of(store, keys=["a"], after_step=9_998, up_to_step=15_000)
    assert [row["_step"] for row in rows] == list(range(9_999, 15_001))
    assert [row["b"] for row in await rows_of(store, keys=["b"])] == [1.0]
    pages = [len(page) async for page in store.history(await key_of(store))]
    assert sum(pages) == 20_000
    assert max(pages) <= 8192


async def test_rows_of_some_keys_can_be_those_that_have_them_all(store: Store) -> None:
    """As W&B's scan_history: what was logged to one step in two calls is one row."""
    writer = Publisher(store)
    await writer.start()
    await writer.commit(block({"a": range(6000)}, steps=range(6000)))
    await writer.commit(block({"b": range(0, 6000, 10)}, steps=range(0, 6000, 10)))
    await store.compact_once(everything=True)
    await writer.commit(block({"a": [1], "b": [2]}, steps=[6000]))
    either = await rows_of(store, keys=["a", "b"])
    both = await rows_of(store, keys=["a", "b", "_step"], whole=True)
    assert [row["_step"] for row in either] == list(range(6001))
    assert [(row["_step"], row["a"], row["b"]) for row in both[:-1]] == [(at, at, at) for at in range(0, 6000, 10)]
    assert both[-1]["_step"] == 6000
    assert await rows_of(store, keys=["a", "never"], whole=True) == []
    assert [set(row) for row in await rows_of(store, keys=["_step"], whole=True)] == [
        {"_step", "_timestamp", "_runtime"}
    ] * 6001


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(ITEMS, min_size=1, max_size=5))
async def test_whatever_can_be_published_can_be_stored(store: Store, payloads: list[list[Item]]) -> None:
    """No number, text or document that passes the wire stops a commit, a compaction or a reader."""
    writer, first = new_writer_id(), 1
    path = f"made/{writer}"
    for items in payloads:
        last = first + count_events(items) - 1
        if last < first:
            continue
        batch = Batch(path, writer, 0, first, last, items, (1, 0), BEGIN, 1)
        await store.commit(Work({0: (1, 0)}, [batch], [], []))
        first = last + 1
    if first == 1:
        return
    before = await rows_of(store, path)
    key = await key_of(store, path)
    await store.keys(key)
    await store.view(key, points_max=4)
    await store.compact_once(everything=True)
    assert repr(await rows_of(store, path)) == repr(before)
    assert (await store.check()).problems == []


async def test_what_is_known_of_a_run_and_of_its_metrics_is_kept(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    await writer.commit(
        Describe(BEGIN, {"notes": "better", "git": {"commit": "1f0c"}, "metrics": "no"}),
        Metric(BEGIN, "val/*", step_metric="epoch", summary=("min",)),
        Metric(BEGIN, "val/*", summary=("max",), goal="maximize"),
        Metric(BEGIN, "loss", hidden=True),
    )
    run = await store.run("p", "r")
    assert run is not None
    assert (run.notes, run.facts) == ("better", {"git": {"commit": "1f0c"}})
    assert {name: each["summary"] for name, each in run.metrics.items()} == {"val/*": ["max"], "loss": []}
    assert (run.metrics["val/*"]["goal"], run.metrics["loss"]["hidden"]) == ("maximize", True)


async def test_facts_without_end_are_bounded(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    await writer.commit(Describe(BEGIN, {"small": 1}), Describe(BEGIN, {"large": "x" * 300_000, "after": 2}))
    run = await store.run("p", "r")
    assert run is not None
    assert run.facts == {"small": 1, "after": 2}


async def test_samples_of_the_machine_stay_out_of_rows_and_summary(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    await writer.commit(
        block({"loss": [3, 2]}, steps=[0, 1]),
        block({"_system/cpu": [50, 60, 70]}, steps=[0, 1, 2]),
    )
    run = await store.run("p", "r")
    assert run is not None
    assert (run.rows, run.steps, run.summary) == (2, 2, {"loss": 2.0})
    for _ in range(2):  # From level 0, and compacted.
        assert [row["loss"] for row in await rows_of(store)] == [3.0, 2.0]
        assert all("_system/cpu" not in row for row in await rows_of(store))
        assert [row["_system/cpu"] for row in await rows_of(store, system=True)] == [50.0, 60.0, 70.0]
        await store.compact_once(everything=True)


async def test_a_console_line_has_its_last_text(store: Store) -> None:
    one, two = Publisher(store, label="rank0"), Publisher(store, writer="b" * 16, label="rank1")
    await one.start()
    await two.start()
    await one.commit(Console(BEGIN, 0, ("epoch 1", "10 %")), Console(BEGIN + 3, 1, ("90 %",)))
    await two.commit(Console(BEGIN + 2, 0, ("Warning",), error=True))
    key = await key_of(store)
    lines, number = await store.console(key)
    assert [(line.label, line.number, line.text, line.error) for line in lines] == [
        ("rank0", 0, "epoch 1", False),
        ("rank0", 1, "90 %", False),  # Where it was begun.
        ("rank1", 0, "Warning", True),
    ]
    assert [line.text for line in (await store.console(key, limit=1))[0]] == ["Warning"]
    assert [line.text for line in (await store.console(key, search="WARN"))[0]] == ["Warning"]
    assert [line.text for line in (await store.console(key, until=BEGIN + 2))[0]] == ["epoch 1", "10 %", "Warning"]
    assert await store.console_since(key, number) == ([], number)
    await one.commit(Console(BEGIN + 4, 2, ("epoch 2",)), Console(BEGIN + 5, 1, ("100 %", "epoch 2, again")))
    since, following = await store.console_since(key, number)
    assert [(line.number, line.text) for line in since] == [(2, "epoch 2, again"), (1, "100 %")]
    assert [(line.begun - BEGIN, line.time - BEGIN) for line in since] == [(4, 5), (5, 5)]
    assert [(line.begun - BEGIN, line.time - BEGIN) for line in (await store.console(key))[0][:2]] == [(0, 0), (0, 5)]
    part, behind = await store.console_since(key, number, limit=1)
    assert ([line.text for line in part], behind < following) == (["epoch 2"], True)
    assert [line.text for line in (await store.console_since(key, behind))[0]] == ["100 %", "epoch 2, again"]


async def test_alerts_are_listed_the_latest_first(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    await writer.commit(Alert(BEGIN, "first"), Alert(BEGIN + 1, "loss is NaN", "at once", "ERROR", 7))
    latest, first = await store.alerts(await key_of(store))
    assert (latest.title, latest.text, latest.level, latest.step, first.title) == (
        "loss is NaN",
        "at once",
        "ERROR",
        7,
        "first",
    )
