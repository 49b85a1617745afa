"""What a live viewer sees: a snapshot, then everything that comes, each point once and none missing."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from tests.flow.stage import Trainer, stage, viewer
from tests.flow.stored import BEGIN
from websockets.exceptions import ConnectionClosed

from runcast.events import Config, Finish, Metric, Rename, Start, Summary
from runcast.frames import DELTA, ENVELOPE, SNAPSHOT, VIEW, Ack, Ping, Subscribe, View, Window
from runcast_ingest import outbox, painter
from runcast_ingest.store.curation import Change


async def test_a_viewer_gets_what_is_stored_and_what_is_not_in_one_snapshot(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin(lr=0.1)
        await trainer.log(10, store=True)
        await trainer.log(5)
        await page.say(Subscribe("p"))
        welcome = await page.until("welcome")
        assert welcome["runs"][0]["config"] == {"lr": 0.1}
        assert welcome["metrics"] == ["loss"]
        await page.until("synced")
        assert page.complete(15)
        assert [frame.kind for frame in page.frames] == [SNAPSHOT]


async def test_what_comes_follows_as_deltas(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await page.say(Subscribe("p"))
        await page.until("synced")
        await trainer.log(3)
        await page.has(3)
        await live.save()
        await trainer.log(3)
        await page.has(6)
        assert page.complete(6)
        assert page.frames[-1].kind == DELTA


async def test_no_point_is_missing_or_doubled_however_storing_and_looking_interleave(tmp_path: Path) -> None:
    """Viewers come at any moment of a run that is being logged, stored and compacted."""
    chance = random.Random(7)
    async with stage(tmp_path) as live:
        trainers = [Trainer(live, f"p/r{number}", f"{number:016x}") for number in range(3)]
        for trainer in trainers:
            await trainer.begin()

        async def work() -> None:
            for _ in range(200):
                await chance.choice(trainers).log(
                    chance.randint(1, 40), keys=chance.choice([("loss",), ("loss", "acc")])
                )
                if chance.random() < 0.2:
                    await live.save()
                if chance.random() < 0.05:
                    await live.store.compact_once(everything=True)
                await asyncio.sleep(chance.random() * 0.005)

        async def look(delay: float) -> None:
            await asyncio.sleep(delay)
            async with viewer(live.url) as page:
                await page.say(Subscribe("p", exact=True))
                await page.until("synced")
                await done.wait()
                for trainer in trainers:
                    run = trainer.path[2:]
                    await page.has(trainer._next_step, run=run)
                    assert page.complete(trainer._next_step, run=run)

        done = asyncio.Event()
        looks = [asyncio.create_task(look(delay * 0.08)) for delay in range(10)]
        await work()
        done.set()
        await asyncio.gather(*looks)


async def test_a_resume_brings_only_what_was_missed(tmp_path: Path) -> None:
    async with stage(tmp_path) as live:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(3000, store=True)
        async with viewer(live.url) as page:
            await page.say(Subscribe("p", px=1000))
            await page.until("synced")
            whole = page.bytes
        await trainer.log(20, store=True)
        await trainer.log(10)
        async with viewer(live.url) as again:
            again.points, again.marks = page.points, page.marks
            await again.say(Subscribe("p", resume=page.marks))
            await again.until("synced")
            assert again.complete(3030)
            assert again.bytes < whole / 20
            assert {frame.kind for frame in again.frames} == {DELTA}


async def test_a_resume_from_before_the_service_stored_it_doubles_nothing(tmp_path: Path) -> None:
    """A service that died had shown what it never stored; the next one reads it from the stream again."""
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(10)
        await page.say(Subscribe("p", resume={"r": {"a" * 16: 6}}))
        await page.until("synced")
        await trainer.log(1)
        await page.has(6)
        assert sorted(page.points["r", "loss"]) == [5, 6, 7, 8, 9, 10]


async def test_a_resume_of_another_run_that_had_the_id_is_a_new_picture(tmp_path: Path) -> None:
    """While a laptop slept, the id was used again: nothing of the old run may stay beside the new one's."""
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(10)
        await page.say(Subscribe("p", resume={"r": {"f" * 16: 6}}))
        assert (await page.until("resync"))["run"] == "r"
        await page.until("synced")
        assert sorted(page.points["r", "loss"]) == list(range(10))


async def test_too_long_an_absence_ends_in_a_new_picture(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(painter.BEHIND_ROWS_MAX + 100, store=True)
        await page.say(Subscribe("p", resume={"r": {"a" * 16: 1}}, px=100))
        assert (await page.until("resync"))["run"] == "r"
        await page.until("synced")
        assert page.frames[0].kind == SNAPSHOT
        assert page.frames[0].flags & ENVELOPE


async def test_a_picture_says_how_many_points_stand_behind_it(tmp_path: Path) -> None:
    """Of what is stored and of what is not, of every metric in it; a picture of all points needs no such word."""
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer, other = Trainer(live), Trainer(live, "p/short", "b" * 16)
        await trainer.begin()
        await other.begin()
        await other.log(50, store=True)
        await trainer.log(30_000, keys=("loss", "acc"), store=True)
        await trainer.log(7)
        await page.say(Subscribe("p", metrics=("loss",), px=100))
        welcome = await page.until("welcome")
        totals = await page.until("totals")
        run = next(run["i"] for run in welcome["runs"] if run["id"] == "r")
        writer = next(each["i"] for each in welcome["writers"] if each["run"] == run)
        metrics = welcome["metrics"]
        assert (totals["run"], totals["points"]) == (run, [[writer, metrics.index("loss"), 30_007]])
        await page.until("synced")
        await page.say(Window(("loss", "acc"), px=100))
        assert (await page.until("totals"))["points"] == [[writer, metrics.index("acc"), 30_000]]
        await page.until("synced")
        assert [message["ev"] for message in page.messages].count("totals") == 2


async def test_a_slow_reader_gets_one_larger_frame(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await page.say(Subscribe("p"))
        await page.until("synced")
        seen = len(page.frames)
        page.acks = False
        for _ in range(60):
            await trainer.log(5)
            await asyncio.sleep(0.005)
        for _ in range(outbox.UNACKED_FRAMES_MAX):
            await page.frame()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await page.frame()
        page.acks = True
        await page.say(Ack(page.frames[-1].seq))
        await page.has(300)
        assert page.complete(300)
        assert len(page.frames) - seen <= outbox.UNACKED_FRAMES_MAX + 1


async def test_a_reader_that_fell_far_behind_gets_a_picture_instead(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await page.say(Subscribe("p", px=100))
        await page.until("synced")
        page.acks = False
        await trainer.log(1)
        await page.frame()
        await trainer.log(1)
        await page.frame()
        await trainer.log(painter.BEHIND_ROWS_MAX + 1, store=True)
        page.acks = True
        await page.say(Ack(page.frames[-1].seq))
        await page.until("resync")
        frame = await page.frame()
        assert frame.kind == SNAPSHOT
        await trainer.log(1)
        assert (await page.frame()).kind == DELTA


async def test_a_program_that_fell_far_behind_still_gets_every_row(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as program:
        live.broadcast.hub._rows_max = 100
        trainer = Trainer(live)
        await trainer.begin()
        await program.say(Subscribe("p", exact=True))
        await program.until("synced")
        program.acks = False
        for _ in range(30):
            await trainer.log(400, store=True)
            await asyncio.sleep(0.002)
        program.acks = True
        await program.say(Ack(2**31))
        await program.has(12_000)
        assert program.complete(12_000)


async def test_metrics_that_come_into_view_come_whole_and_stay(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(50, keys=("loss", "acc"), store=True)
        await trainer.log(7, keys=("loss", "acc"))
        await page.say(Subscribe("p", metrics=("loss",)))
        await page.until("synced")
        assert ("r", "acc") not in page.points
        await trainer.log(7, keys=("loss", "acc"))
        await page.say(Window(("loss", "acc")))
        await trainer.log(3, keys=("loss", "acc"))
        await page.until("synced")
        await trainer.log(3, keys=("loss", "acc"))
        await page.has(70, metric="acc")
        await page.has(70)
        assert page.complete(70)
        assert page.complete(70, metric="acc")


async def test_a_metric_that_left_the_view_is_sent_no_more(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(1, keys=("loss", "acc"))
        await page.say(Subscribe("p"))
        await page.until("synced")
        await page.say(Window(("loss",)))
        await page.until("synced")
        await trainer.log(1, keys=("loss", "acc"))
        await page.has(2)
        assert len(page.points["r", "acc"]) == 1


async def test_a_view_is_answered_with_every_point_of_its_stretch(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        for _ in range(10):
            await trainer.log(1000, store=True)
        await trainer.log(10)
        await page.say(Subscribe("p", px=50))
        await page.until("synced")
        assert page.frames[-1].flags & ENVELOPE
        await page.say(View(req=9, lo=100, hi=149, px=100))
        frame = await page.frame()
        assert (frame.kind, frame.req, frame.flags) == (VIEW, 9, 0)
        assert list(frame.points[0].steps) == list(range(100, 150))
        await page.say(View(req=10, lo=BEGIN / 1e6, hi=BEGIN / 1e6 + 1000, x="time"))
        assert list((await page.frame()).points[0].steps) == list(range(11))


async def test_a_run_that_begins_is_announced_and_streamed(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        await page.say(Subscribe("p"))
        assert (await page.until("welcome"))["runs"] == []
        await page.until("synced")
        trainer = Trainer(live, "p/new")
        await trainer.begin(lr=1)
        await trainer.log(4, keys=("fresh",))
        assert (await page.until("run"))["run"]["id"] == "new"
        await page.has(4, run="new", metric="fresh")
        assert page.complete(4, run="new", metric="fresh")


async def test_a_branch_has_what_came_before_it_while_it_trains(tmp_path: Path) -> None:
    """Whoever watched before it began is given that as soon as it is stored, and whoever comes later at once."""
    async with stage(tmp_path) as live, viewer(live.url) as page, viewer(live.url) as program:
        base = Trainer(live, "p/base", "b" * 16)
        await base.begin()
        await base.log(10, store=True)
        for one, exact in ((page, False), (program, True)):
            await one.say(Subscribe("p", exact=exact))
            await one.until("synced")
        branch = Trainer(live)
        await branch.show(Start(BEGIN, "a branch", {}, base="p/base", base_step=5))
        branch._next_step = 6
        await branch.log(4)
        await page.has(4)
        await branch.log(4, store=True)
        await branch.log(4)
        for one in (page, program):
            await one.has(18)
            assert one.complete(18)
        async with viewer(live.url) as later:
            await later.say(Subscribe("p"))
            await later.until("synced")
            assert later.complete(18)
        await live.save()
        await branch.log(1)
        for one in (page, program):
            await one.has(19)
            assert one.complete(19)


async def test_only_the_runs_asked_for_come(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        for run in ("one", "two"):
            trainer = Trainer(live, f"p/{run}", (run * 16)[:16].encode().hex()[:16])
            await trainer.begin()
            await trainer.log(2, store=True)
        await page.say(Subscribe("p", runs=("two",)))
        await page.until("synced")
        assert set(page.points) == {("two", "loss")}


async def test_what_changes_about_a_run_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin(lr=1)
        await page.say(Subscribe("p"))
        await page.until("synced")
        await trainer.show(Config(BEGIN, {"more": float("nan")}), Summary(BEGIN, {"best": 3}), Rename(BEGIN, "other"))
        told = await page.until("run")
        assert told["run"]["config"] == {"lr": 1, "more": "NaN"}
        assert told["run"]["summary"]["best"] == 3
        assert told["run"]["name"] == "other"
        await trainer.show(Finish(BEGIN, 0), store=True)
        live.broadcast.changed("p/r", "finished")
        while (await page.until("run"))["run"]["state"] != "finished":
            pass


async def test_what_readers_decide_about_runs_is_told(tmp_path: Path) -> None:
    """A deleted run leaves, also one that goes on logging; what is taken back is whole, and comes once."""
    async with stage(tmp_path) as live, viewer(live.url) as page, viewer(live.url) as program:

        async def curate(**change: Any) -> None:
            done = await live.store.curate("p", Change(("r",), **change))
            await live.broadcast.curated("p", done.changed)

        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(10, store=True)
        for one, exact in ((page, False), (program, True)):
            await one.say(Subscribe("p", exact=exact))
            assert (await one.until("welcome"))["runs"][0]["hidden"] is False
            await one.until("synced")
        await curate(hidden=True, tag=("best",))
        told = (await page.until("run"))["run"]
        assert (told["hidden"], told["tags"]) == (True, ["best"])
        await curate(deleted=True)
        for one in (page, program):
            assert (await one.until("gone"))["run"] == "r"
        await trainer.log(10, store=True)
        await trainer.log(3, keys=("loss", "new"))
        await curate(deleted=False)
        for one in (page, program):
            assert (await one.until("run"))["run"]["hidden"] is True
            await one.has(23)
            assert one.complete(23)


async def test_how_metrics_are_shown_is_told_as_it_is_said_and_from_the_store(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as early, viewer(live.url) as late:
        trainer = Trainer(live)
        await trainer.begin()
        await early.say(Subscribe("p"))
        assert (await early.until("welcome"))["runs"][0]["axes"] == {}
        await early.until("synced")
        await trainer.show(
            Metric(BEGIN, "val/*", step_metric="epoch"), Metric(BEGIN, "acc", goal="maximize"), store=True
        )
        told = (await early.until("run"))["run"]
        assert (told["axes"], told["goals"]) == ({"val/*": "epoch"}, {"acc": "maximize"})
        await late.say(Subscribe("p"))
        told = (await late.until("welcome"))["runs"][0]
        assert (told["axes"], told["goals"]) == ({"val/*": "epoch"}, {"acc": "maximize"})


async def test_an_isolated_event_leaves_at_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await page.say(Subscribe("p"))
        await page.until("synced")
        took = []
        for _ in range(20):
            await asyncio.sleep(0.05)
            began = asyncio.get_running_loop().time()
            await trainer.log(1)
            await page.frame()
            took.append(asyncio.get_running_loop().time() - began)
        assert sorted(took)[10] < 0.010


async def test_a_ping_is_answered_with_the_clock(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        await page.say(Subscribe("p"))
        await page.say(Ping(12.5))
        assert (await page.until("pong"))["t"] == 12.5


async def test_a_second_sub_replaces_the_first(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        for project in ("p", "q"):
            trainer = Trainer(live, f"{project}/r", project.encode().hex() * 8)
            await trainer.begin()
            await trainer.log(2, store=True)
        await page.say(Subscribe("p"))
        await page.until("synced")
        await page.say(Subscribe("q"))
        assert (await page.until("welcome"))["project"] == "q"
        await page.until("synced")
        assert live.live.sockets == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("{", "not a message"),
        ('{"op":"dance"}', "not a message"),
        ('{"op":"ack","seq":1}', "first message is `sub`"),
        ('{"op":"sub","project":5}', "not a message"),
        ('{"op":"sub","project":"p","metrics":[' + '"m",' * 2500 + '"m"]}', "2501 names"),
        ('{"op":"sub","project":"' + "p" * 300 + '"}', "more than 256"),
        ('{"op":"sub","project":"p","token":"' + "t" * 70_000 + '"}', "at most 65536"),
    ],
)
async def test_a_bad_message_closes_with_a_reason(tmp_path: Path, said: str, reason: str) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        await page.line.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            await page.line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400
        assert reason in closed.value.rcvd.reason


async def test_a_page_of_another_origin_is_refused_on_this_machine_too(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url, origin="http://evil.example") as page:
        with pytest.raises(ConnectionClosed) as closed:
            await page.line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


async def test_one_address_has_only_so_many_sockets(tmp_path: Path) -> None:
    async with stage(tmp_path, sockets_max=1) as live, viewer(live.url) as page, viewer(live.url) as other:
        await page.say(Subscribe("p"))
        await page.until("synced")
        with pytest.raises(ConnectionClosed) as closed:
            await other.line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


async def test_a_stopping_service_says_goodbye(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        await page.say(Subscribe("p"))
        await page.until("synced")
        await live.live.close()
        await page.until("bye")
        with pytest.raises(ConnectionClosed) as closed:
            await page.line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


async def test_a_client_of_thousands_of_runs_may_resume_them_all(tmp_path: Path) -> None:
    """Whoever follows a large project has a mark for every writer of it, and names them after each restart."""
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(3, store=True)
        marks = {f"run{number:05}": {f"{number:016x}": 1} for number in range(20_000)}
        await page.say(Subscribe("p", resume=marks))
        await page.until("synced")
        assert page.complete(3)
        await page.say(Window(tuple("m" * 100 for _ in range(1000))))
        with pytest.raises(ConnectionClosed) as closed:
            await page.until("synced")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400
