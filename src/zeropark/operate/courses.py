"""A step's set-points as they follow the sun: what the plan would be for several amounts of it.

A plan is made before its first step is lived, and clouds pass within it. Local controllers see the
sun as it comes and hold what lies between the two plans it is between; see
`docs/decisions/0027-because-the-sun-is-seen-within-the-step.md`.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Setpoints = Mapping[str, Mapping[str, float]]
# How much less, and how much more, than foreseen the sun of a step may be to be planned for [1].
_AS_MUCH = 0.5


@dataclass(frozen=True)
class Courses:
    """Set-points of one step for several amounts of sun and wind.

    sources: the assets whose power that is. offered: of all of them together [MW], rising.
    setpoints: by asset and point for each.
    """

    sources: Sequence[str]
    offered: Sequence[float]
    setpoints: Sequence[Setpoints]

    def at(self, offered: float) -> dict[str, dict[str, float]]:
        """Return the set-points where so much is offered [MW]: on the line between neighbours.

        Beyond the first or the last they are its own. What only one of two neighbours says holds
        as it says it: a limit that the other does not need binds nobody there.
        """
        after = bisect.bisect_left(self.offered, offered)
        if after == 0 or after == len(self.offered):
            nearest = self.setpoints[min(after, len(self.offered) - 1)]
            return {asset: dict(points) for asset, points in nearest.items()}
        low, high = self.offered[after - 1], self.offered[after]
        share = (offered - low) / (high - low)
        less, more = self.setpoints[after - 1], self.setpoints[after]
        return {asset: _between(less[asset], more[asset], share) for asset in less}


def _between(
    less: Mapping[str, float], more: Mapping[str, float], share: float
) -> dict[str, float]:
    found = {**less, **more}
    for point in less.keys() & more.keys():
        # Not less + share · (more - less): of two that are infinite that would be no number.
        if less[point] != more[point]:
            found[point] = less[point] * (1.0 - share) + more[point] * share
    return found


def shares(each_side: int) -> list[float]:
    """Return the amounts of sun a step is also planned for, as shares of what is foreseen [1].

    each_side: how many are smaller, and how many larger. In the order in which one plan leads to
    the next with the fewest changes, from the foreseen on and back to near it.
    """
    steps = [_AS_MUCH * (k + 1) / each_side for k in range(each_side)]
    return [1.0 + step for step in steps] + [1.0 - step for step in reversed(steps)]
