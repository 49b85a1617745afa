"""A ticket proves one thing until one moment, and cannot be made without the secret."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runcast import tickets
from runcast.tickets import LIVE, SESSION, is_good, mint, same


def test_a_ticket_is_good_until_it_runs_out() -> None:
    ticket = mint("s", LIVE, now=1000, seconds=60)
    assert is_good("s", ticket, LIVE, now=1059)
    assert not is_good("s", ticket, LIVE, now=1060)


def test_a_ticket_is_for_one_purpose() -> None:
    assert not is_good("s", mint("s", LIVE, now=0, seconds=60), SESSION, now=1)


def test_a_ticket_of_another_secret_is_refused() -> None:
    assert not is_good("s", mint("t", LIVE, now=0, seconds=60), LIVE, now=1)


def test_a_longer_life_cannot_be_written_in() -> None:
    version, purpose, until, nonce, signature = mint("s", LIVE, now=0, seconds=60).split(".")
    longer = ".".join([version, purpose, str(int(until) + 1000), nonce, signature])
    assert not is_good("s", longer, LIVE, now=1)


@given(st.text(max_size=300))
def test_anything_else_is_refused_and_nothing_breaks(text: str) -> None:
    assert not is_good("s", text, LIVE, now=0)


def test_a_ticket_does_not_tell_the_secret() -> None:
    assert "hunter2hunter2" not in mint("hunter2hunter2", LIVE, now=0, seconds=60)


def test_a_secret_is_only_the_same_as_itself() -> None:
    assert same("sécret", "sécret")
    assert not same("secret", "secret ")
    assert not same("secret", "\udcff")


def test_no_two_tickets_are_alike() -> None:
    assert mint("s", LIVE, now=0, seconds=1) != mint("s", LIVE, now=0, seconds=1)
    assert len(mint("s", SESSION, now=2e9, seconds=1)) <= tickets.TICKET_CHARS_MAX
