"""What projects want to be told of: rules in words, and when they speak."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from tests.flow.stored import block

from runcast.errors import UsageError
from runcast.rules import Rule, parse
from runcast_ingest.episodes import Firing, Standing, flush, judge

SECOND = 1_000_000_000
T0 = 1_800_000_000 * SECOND
NAN = math.nan


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("loss > 3", "limit", "loss-above-3"),
        ("loss>3", "limit", "loss-above-3"),
        ("lr == 0 for 5m", "limit", "lr-equals-0-for-5m"),
        ("'val loss' <= -1e-3", "limit", "val-loss-at-most-minus-1e-3"),
        ("* is NaN", "nan", "any-is-NaN"),
        ("val/loss not falling for 1000 steps", "plateau", "val-loss-not-falling-for-1000-steps"),
        ("acc not rising for 2h", "plateau", "acc-not-rising-for-2h"),
        ("run fails", "fails", "run-fails"),
        ("gpu idle for 10m", "limit", "gpu-idle-for-10m"),
        ("run silent for 5m", "silent", "run-silent-for-5m"),
    ],
)
def test_a_rule_is_read_and_called_by_what_it_says(text: str, kind: str, name: str) -> None:
    rule = parse(text)
    assert (rule.kind, rule.name.replace("--", "-").replace("--", "-")) == (kind, name)
    assert parse(rule.text, name=rule.name, level=rule.level) == rule


@pytest.mark.parametrize(
    "text",
    ["", "loss", "loss >", "loss > x", "loss > 3 for", "loss > 3 for 5", "loss > 3 for 0m", "loss > 3 and acc < 1",
     "loss not falling", "loss not falling for 0 steps", "loss > inf", "__import__('os')", "loss > 3\n", "'loss > 3",
     "x" * 500, "loss > 0 for " + "9" * 310 + "d", "loss > 0 for 366d",
     "loss is 3", "run silent", "run silent for 9s", "run silent for 2d"],
)  # fmt: skip
def test_what_is_no_rule_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert len(str(refused.value)) < 1000


def told(text: str, values: Sequence[float], *, every: float = 1.0, at_once: int = 1) -> list[int]:
    """The rows at which a rule speaks, of one metric that is logged every so many seconds, so many rows at once."""
    return [firing.step for firing in firings(parse(text), values, every, [at_once] * len(values))]


def firings(rule: Rule, values: Sequence[float], every: float, sizes: Iterable[int]) -> list[Firing]:
    standing, at, found = Standing({}, {}), 0, []
    for size in sizes:
        part = list(values[at : at + size])
        if not part:
            break
        steps = range(at, at + len(part))
        rows = block({"loss": part}, steps=steps, times=[T0 + int(step * every * SECOND) for step in steps])
        fired, _ = judge(standing, [rule], rows, "")
        found += fired
        # As after any restart of the service: how the rules stand went through the store.
        standing = msgspec.msgpack.decode(msgspec.msgpack.encode(standing), type=Standing)
        at += len(part)
    return found


def test_a_limit_speaks_at_the_first_row_beyond_it_and_once() -> None:
    assert told("loss > 3", [1, 2, 4, 5, 6]) == [2]


def test_a_value_that_jumps_about_its_limit_is_one_episode() -> None:
    assert told("loss > 3", [4, 2] * 50) == [0]


def test_an_episode_ends_when_all_was_well_for_a_minute() -> None:
    assert told("loss > 3", [4] + [1] * 70 + [4]) == [0, 71]
    assert told("loss > 3", [4, 1, 4], every=40) == [0]  # Well since forty seconds.
    assert told("loss > 3", [4, 1, 1, 4], every=40) == [0, 3]


def test_a_limit_with_a_time_waits_for_it_and_begins_anew_after_each_good_row() -> None:
    assert told("loss < 5 for 10s", [1] * 9 + [9] + [1] * 12) == [20]


def test_nan_and_infinity_are_found_among_any_number_of_rows() -> None:
    assert told("* is nan", [1] * 500 + [NAN] + [1] * 10, at_once=64) == [500]
    assert told("loss is nan", [1, -math.inf, 2]) == [1]


def test_a_plateau_speaks_once_until_it_is_left() -> None:
    values = [5.0, 4, 3, *[3] * 10, 2, *[2] * 4]
    assert told("loss not falling for 5 steps", values) == [7]
    assert told("loss not falling for 5s", [*values, 2, 2], every=1) == [7]
    assert told("loss not falling for 3 steps", [*values, *[2] * 120, 1, *[1] * 5]) == [5, 16, 141]


def test_many_curves_that_break_at_once_are_one_alert() -> None:
    rows = block({f"m{at}": [NAN] for at in range(20)}, steps=[7], times=[T0])
    standing = Standing({}, {})
    (firing,), _ = judge(standing, [parse("* is nan")], rows, "rank3")
    assert firing.title == "m0 is nan"
    assert "rank3" in firing.text
    assert "and 14 more" in firing.text
    assert judge(standing, [parse("* is nan")], rows, "rank4")[0] == []


def test_what_breaks_within_the_minute_of_another_is_said_when_it_is_over() -> None:
    """However the rows came together; and at the end of the run, when no row comes any more."""
    rule = parse("* is nan")
    early, late = [NAN] * 200, [0.0] * 30 + [NAN] * 170
    for size in (1, 7, 200):
        standing, found = Standing({}, {}), []
        for at in range(0, 200, size):
            part = block(
                {"early": early[at : at + size], "late": late[at : at + size]},
                steps=range(at, min(200, at + size)),
                times=[T0 + step * SECOND for step in range(at, min(200, at + size))],
            )
            found += judge(standing, [rule], part, "")[0]
            standing = msgspec.msgpack.decode(msgspec.msgpack.encode(standing), type=Standing)
        assert [(each.title, each.step) for each in found] == [("early is nan", 0), ("late is nan", 30)], size
    standing = Standing({}, {})
    judge(standing, [rule], block({"early": [NAN]}, steps=[0], times=[T0]), "")
    judge(standing, [rule], block({"late": [NAN]}, steps=[1], times=[T0 + SECOND]), "")
    assert [each.title for each in flush(standing, [rule])] == ["late is nan"]
    assert flush(standing, [rule]) == []


def test_a_rule_that_follows_many_curves_leaves_the_others_theirs() -> None:
    wide, nan = parse("* not falling for 1000 steps"), parse("* is nan")
    standing = Standing({}, {})
    judge(standing, [wide, nan], block({f"m{at}": [1.0] for at in range(2100)}, steps=[0], times=[T0]), "")
    assert standing.full == [wide.key]
    assert judge(standing, [wide, nan], block({"loss": [NAN]}, steps=[1], times=[T0 + SECOND]), "")[0]


def test_while_nobody_trains_no_time_passes() -> None:
    """A run that is resumed after days was not idle for days."""
    for text, rows in (("loss < 5 for 10m", [1.0]), ("loss not falling for 10m", [3.0])):
        rule, standing = parse(text), Standing({}, {})
        judge(standing, [rule], block({"loss": rows}, steps=[0], times=[T0]), "")
        later = T0 + 3 * 86_400 * SECOND
        standing.resumed(later)
        assert judge(standing, [rule], block({"loss": [4.0]}, steps=[1], times=[later + SECOND]), "")[0] == []
        (firing,) = judge(standing, [rule], block({"loss": [4.0]}, steps=[2], times=[later + 601 * SECOND]), "")[0]
        assert firing.step == 2


def test_a_star_stands_for_anything_and_many_of_them_cost_nothing() -> None:
    for text, metric, fits in (
        ("a*b", "ab", True), ("a*b", "acb", True), ("a*b", "abc", False), ("*", "", True), ("a*a", "a", False),
        ("*b*", "abc", True), ("a*b*c", "acb", False), ("ab*ba", "aba", False), ("a**b", "a*b", True),
    ):  # fmt: skip
        assert parse(f"{text} > 3").speaks_of(metric) is fits, (text, metric)
    assert not parse(f"{'*a' * 60}*b > 3").speaks_of("a" * 1000)  # A regular expression would try for years.


def test_rules_that_say_something_else_are_called_something_else() -> None:
    texts = ["loss > 3", "loss >= 3", "loss < 3", "loss <= 3", "loss == 3", "loss != 3", "loss < -3", "grad/* is nan",
             "grad is nan"]  # fmt: skip
    assert len({parse(text).name for text in texts}) == len(texts)


def test_samples_of_the_machine_are_judged_only_by_rules_that_name_them() -> None:
    rows = block({"_system/gpu.0.gpu": [1.0, 1.0]}, steps=[0, 1], times=[T0, T0 + 601 * SECOND])
    assert judge(Standing({}, {}), [parse("* < 5")], rows, "")[0] == []
    (firing,), _ = judge(Standing({}, {}), [parse("gpu idle")], rows, "")
    assert firing.title == "_system/gpu.0.gpu is 1 for 10m"


def test_what_a_rule_says_does_not_depend_on_how_rows_came_together() -> None:
    """Whatever blocks the rows travelled in, and wherever the service began again, the same alerts at the same rows."""
    for seed in range(40):
        dice = random.Random(seed)
        values = [dice.choice([1.0, 2.0, 4.0, 5.0, NAN, math.inf]) for _ in range(120)]
        every = dice.choice([0.5, 3.0, 20.0, 70.0])
        for text in ("loss > 3", "loss > 3 for 9s", "* is nan", "loss not falling for 10 steps"):
            alone = firings(parse(text), values, every, [1] * 120)
            sizes = [dice.randint(1, 30) for _ in range(120)]
            together = firings(parse(text), values, every, sizes)
            assert [each.step for each in together] == [each.step for each in alone], (seed, text, sizes)
