"""What is wrong with a service is said in words, with the next step."""

from __future__ import annotations

from typing import Any

import pytest

from runcast_ingest.health import judge

WELL: dict[str, Any] = {
    "redis": True,
    "stored_seconds_ago": 0.1,
    "published_seconds_ago": 0.4,
    "redis_said": "",
    "disk_free_bytes": 10**12,
    "disk_bytes": 2 * 10**12,
    "lags": {"0": 0.2},
    "damaged": 0,
    "backlogs": [],
    "webhook": None,
}

BEHIND = {"run": "mnist/abc", "host": "node-1", "bytes": 120_000_000, "events": 9, "seconds": 720}
WAITING = {"host": "hooks.example", "waiting": 3, "seconds": 720.0, "said": "it answered 404", "given_up": 0}


def test_a_service_that_does_its_work_has_no_troubles() -> None:
    assert list(judge(WELL, [], quarantined=0)) == []


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        ({"redis": False, "published_seconds_ago": 60.0}, "error", "Redis does not answer."),
        (
            {"published_seconds_ago": 12.0, "redis_said": "READONLY a replica"},
            "error",
            'For 12 s Redis has not taken what trainers are to be told: it says "READONLY a replica".',
        ),
        ({"stored_seconds_ago": 12.0}, "error", "Nothing could be stored for 12 s."),
        ({"disk_free_bytes": 4 * 10**8}, "warning", "The disk of the store has 0.4 GB left."),
        ({"lags": {"0": 1.0, "7": 60.0}}, "warning", "What is stored is 60 s behind what was published."),
        (
            {"backlogs": [BEHIND, BEHIND | {"seconds": 20}]},
            "warning",
            "mnist/abc on node-1 holds 120 MB that was not stored for 12 min.",
        ),
        (
            {"webhook": WAITING},
            "warning",
            "3 alerts wait for the webhook at hooks.example, the first for 12 min: it answered 404.",
        ),
        (
            {"webhook": WAITING | {"waiting": 1, "said": ""}},
            "warning",
            "1 alert waits for the webhook at hooks.example for 12 min.",
        ),
        (
            {"webhook": WAITING | {"seconds": 3.0, "given_up": 2}},
            "warning",
            "2 alerts for the webhook at hooks.example were given up.",
        ),
        ({"damaged": 3}, "error", "3 stored blobs failed their checksum."),
    ],
)
def test_each_trouble_is_one_sentence_and_a_next_step(told: dict[str, Any], level: str, words: str) -> None:
    ((found, what, step),) = judge(WELL | told, [], quarantined=0)
    assert (found, what) == (level, words)
    assert step.endswith(".")


def test_a_name_that_turns_the_words_around_it_keeps_to_itself() -> None:
    turned = BEHIND | {"run": "p/\u202eabc", "host": "\u202ehost"}
    ((_, what, _),) = judge(WELL | {"backlogs": [turned]}, [], quarantined=0)
    assert what.startswith("\u2068p/\u202eabc\u2069 on \u2068\u202ehost\u2069 holds")


def test_jammed_shards_and_quarantine_are_named() -> None:
    jammed, kept = judge(WELL, [3, 5], quarantined=2)
    assert "Shards 3, 5" in jammed[1]
    assert kept[1].startswith("2 entries")
