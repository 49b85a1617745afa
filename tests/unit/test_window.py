"""A writer starts again from the mark after any doubt, and from nowhere else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runcast.streams import StreamId
from runcast.window import IN_FLIGHT_BYTES_MAX, STALLED_SECONDS, Window


def learn(
    window: Window, mark: int = 0, cursor: StreamId | None = None, beat: str | None = None, now: float = 0
) -> None:
    window.learn(mark=mark, cursor=cursor, beat=beat, now=now)


def test_it_begins_after_the_mark() -> None:
    assert Window().next == 1
    assert Window(mark=17).next == 18


def test_what_is_stored_is_no_longer_waited_for() -> None:
    window = Window()
    window.sent(10, (1, 0), 100)
    window.sent(20, (2, 0), 100)
    learn(window, 10)
    assert (window.mark, window.next, window.waits) == (10, 21, True)
    learn(window, 20)
    assert (window.mark, window.next, window.waits) == (20, 21, False)


def test_a_reader_that_passed_an_entry_without_storing_it_sends_the_writer_back() -> None:
    """The entry arrived above a hole: what was before it is lost, and both must be sent again."""
    window = Window()
    window.sent(10, (5, 0), 100)
    learn(window, 0, cursor=(4, 0))
    assert window.next == 11
    learn(window, 0, cursor=(5, 0))
    assert (window.next, window.went_back, window.waits) == (1, 1, False)


def test_it_goes_back_to_the_mark_and_not_to_the_beginning() -> None:
    window = Window()
    window.sent(10, (1, 0), 100)
    window.sent(20, (2, 0), 100)
    learn(window, 10, cursor=(2, 0))
    assert window.next == 11


def test_a_mark_only_rises() -> None:
    """A zombie may publish an old one."""
    window = Window()
    window.sent(20, (1, 0), 100)
    learn(window, 20)
    learn(window, 10)
    assert window.mark == 20


def test_a_mark_above_what_was_sent_moves_the_writer_on() -> None:
    """Somebody else drained the same journal; sending it again would only be noise."""
    window = Window()
    learn(window, 50)
    assert (window.mark, window.next) == (50, 51)


def test_an_error_sends_it_back_once() -> None:
    window = Window(mark=3)
    window.sent(9, (1, 0), 100)
    window.go_back()
    window.go_back()
    assert (window.next, window.went_back, window.waits) == (4, 1, False)


def test_a_service_that_lives_and_stores_nothing_is_sent_everything_again() -> None:
    """An ack hash that was flushed, and a stream with it: no cursor tells that the entry is gone."""
    window = Window()
    window.sent(5, (9, 0), 100)
    learn(window, beat="1", now=0.0)
    learn(window, beat="2", now=1.0)
    assert window.next == 6
    learn(window, beat="3", now=STALLED_SECONDS + 0.1)
    assert window.next == 1


def test_a_service_that_is_away_is_waited_for() -> None:
    """Sending again to nobody would fill Redis with copies."""
    window = Window()
    window.sent(5, (9, 0), 100)
    learn(window, beat="1", now=0.0)
    learn(window, beat="1", now=1000.0)
    assert window.next == 6


def test_progress_starts_the_patience_anew() -> None:
    window = Window()
    window.sent(5, (8, 0), 100)
    window.sent(9, (9, 0), 100)
    learn(window, beat="1", now=0.0)
    learn(window, 5, beat="2", now=STALLED_SECONDS - 1)
    learn(window, 5, beat="3", now=STALLED_SECONDS + 10)
    assert window.next == 10
    learn(window, 5, beat="4", now=2 * STALLED_SECONDS)
    assert window.next == 6


def test_what_is_in_flight_has_a_bound() -> None:
    window = Window()
    assert window.has_room()
    window.sent(1, (1, 0), IN_FLIGHT_BYTES_MAX - 1)
    assert window.has_room()
    assert not window.has_room(1)
    window.sent(2, (2, 0), 1)
    assert not window.has_room()
    learn(window, 1)
    assert window.has_room()
    window.sent(3, (3, 0), IN_FLIGHT_BYTES_MAX)
    window.go_back()
    assert window.has_room()


STEPS = st.lists(
    st.tuples(st.sampled_from("sent learn back".split()), st.integers(0, 40), st.integers(0, 40), st.integers(0, 60)),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_nothing_is_skipped(steps: list[tuple[str, int, int, int]]) -> None:
    """What comes next is never above what was sent, nor below the mark: no hole, and nothing stored sent again."""
    window, sent, entry, now = Window(), 0, 0, 0.0
    for what, mark, cursor, seconds in steps:
        before = window.mark
        if what == "sent":
            entry += 1
            last = window.next + mark % 5
            window.sent(last, (entry, 0), 10)
            sent = max(sent, last)
        elif what == "learn":
            now += seconds
            learn(window, min(mark, sent), (cursor, 0), str(seconds), now)
        else:
            window.go_back()
        assert window.mark >= before
        assert window.mark + 1 <= window.next <= sent + 1
        assert window.waits or window._bytes == 0
