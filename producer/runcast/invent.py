"""Names for runs that were given none: two words and a number, as W&B invents them."""

from __future__ import annotations

import os

_FIRST = (
    "amber ancient autumn azure bold bright brisk calm celestial classic clear cosmic crimson crisp daring dawn "
    "deep divine dry earnest easy electric elated fancy feasible fine firm fluent fresh gentle glad glorious "
    "golden grateful happy honest icy jolly jumping kind lively logical lucky lunar magic mild misty neat noble "
    "northern olive peach pious playful polar polished proud quiet radiant rare robust rose royal rural sage "
    "scarlet serene silver sleek smooth snowy soft solar spring stellar still sunny super swift tough treasured "
    "upbeat valiant vibrant vital warm wandering whole wild wise woven young zesty"
).split()
_SECOND = (
    "armadillo aardvark bird blaze bloom breeze brook butterfly capybara cherry cloud cosmos darkness dawn "
    "deluge disco donkey dragon dream dust eon etchings feather field fire firefly flower fog forest frog frost "
    "galaxy glade glitter grass haze hill horizon jazz lake leaf lion meadow microwave monkey moon morning "
    "mountain music night oath paper pine planet plant plasma pond puddle pyramid rain resonance river sea "
    "serenity shadow shape silence sky smoke snow snowball sound sponge star sun sunset surf terrain thunder "
    "totem tree valley violet voice vortex water waterfall wave wildflower wind wood yogurt"
).split()


def run_name(seed: bytes | None = None) -> str:
    """Make a display name such as `bright-river-12`; from a seed of 24 bytes or more, always the same."""
    drawn = seed or os.urandom(24)
    first, second, number = (int.from_bytes(drawn[at : at + 8], "little") for at in (0, 8, 16))
    return f"{_FIRST[first % len(_FIRST)]}-{_SECOND[second % len(_SECOND)]}-{number % 999 + 1}"
