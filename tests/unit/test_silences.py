"""For how long nothing was heard of a run, and when somebody is asked about it."""

from __future__ import annotations

from runcast.errors import StoreUnavailable
from runcast_ingest.silences import Silences


async def test_a_silent_run_is_asked_about_when_a_rule_may_be_due_and_until_it_ends() -> None:
    now = 0.0
    asked: list[tuple[str, float]] = []
    heard: list[int] = []

    async def ask(path: str, last: int, seconds: float) -> float | None:
        asked.append((path, seconds))
        heard.append(last)
        if (path, seconds) == ("p/quiet", 12.0):
            raise StoreUnavailable("the disk is full")
        return 30.0 if seconds < 30 else None

    silences = Silences(ask, clock=lambda: now)
    silences.heard("p/quiet", 7)
    silences.heard("p/over")
    silences.ended("p/over")

    async def at(moment: float) -> list[tuple[str, float]]:
        nonlocal now
        now = moment
        asked.clear()
        for path, silence in silences.due():
            await silences.ask(path, silence)
        return list(asked)

    assert await at(9.0) == []
    # The store is away: it is asked again a while later.
    assert await at(12.0) == [("p/quiet", 12.0)]
    assert await at(71.0) == []
    assert await at(72.0) == [("p/quiet", 72.0)]
    assert heard == [7, 7]
    now = 70.0
    silences.heard("p/quiet")
    assert await at(79.0) == []
    assert await at(80.0) == [("p/quiet", 10.0)]
    assert await at(99.0) == []
    assert await at(100.0) == [("p/quiet", 30.0)]
    # Nobody is silent who could not be heard.
    silences.deaf(True)
    assert await at(500.0) == []
    silences.deaf(False)
    assert await at(509.0) == []
    assert await at(510.0) == [("p/quiet", 10.0)]
    assert heard[-1] == heard[2]  # That Redis came back is no sign of life: in this silence it was said already.
    await at(510.0 + 86_400 + 120)
    assert len(silences) == 0
