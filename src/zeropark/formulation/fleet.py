"""Many small devices: what each can do, in arrays, and how they are grouped without loss.

Power of cars and batteries adds up, so that a plan needs few columns for thousands of them, if what
is planned for all can be split again. Cars are asked one by one what they do at a course of prices;
batteries are split into parts of equal ratios, which do alike. Why this is exact or by how much it
is not: `docs/decisions/0012-because-parts-that-are-alike-do-alike.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
# Ratios closer than this are the same [1].
_SAME = 1e-9
# A slope above all prices: of a piece without width [CNY/MWh].
_STEEP = 1e30


@dataclass(frozen=True)
class Cars:
    """Cars that take energy while they are plugged in; one per row, steps of a horizon of N.

    most: what each can take in a step [MWh at the car], 0 while it is away, shape (cars, N).
    least, asked: what it must and may take over the horizon [MWh at the car], least ≤ asked; they
    differ where it stays beyond the horizon. worth: of what it takes beyond `least` [CNY/MWh at the
    car]. efficiency: meter to car [1]. All of shape (cars,).
    """

    most: Floats
    least: Floats
    asked: Floats
    worth: Floats
    efficiency: Floats

    def __len__(self) -> int:
        return len(self.asked)

    def __post_init__(self) -> None:
        count = self.most.shape[0]
        assert all(
            numbers.shape == (count,)
            for numbers in (self.least, self.asked, self.worth, self.efficiency)
        ), "one number per car"
        assert all(np.isfinite(numbers).all() for numbers in vars(self).values()), "no gaps"
        assert np.all(self.most >= 0.0), "a car gives nothing back"
        assert np.all(self.least <= self.asked + _SAME), "what must be is part of what may be"

    def servable(self) -> tuple[Cars, Floats]:
        """Return the cars with what their stay can give, and what each lacks then [MWh]."""
        can = self.most.sum(axis=1)
        cars = Cars(
            self.most,
            np.minimum(self.least, can),
            np.minimum(self.asked, can),
            self.worth,
            self.efficiency,
        )
        return cars, self.least - cars.least

    def uncontrolled(self) -> Floats:
        """Return what each takes as soon as it can [MWh at the car], shape (cars, N)."""
        return _fill(self.most, self.asked)

    def cheapest(self, prices: Floats) -> Floats:
        """Return what each takes at least cost at `prices` [CNY/MWh, (N,)], shape (cars, N).

        The cheapest steps of its stay first: exact, because a car's limits (most in each step, a
        sum over them) are those of a polymatroid, for which the greedy choice is the best one
        (Edmonds, 1970).
        """
        order = np.argsort(prices, kind="stable")
        most = self.most[:, order]
        taken = _fill(most, self.least)
        pays = prices[order] < (self.worth * self.efficiency)[:, None]
        more = _fill(np.where(pays, most - taken, 0.0), self.asked - self.least)
        found = np.empty_like(taken)
        found[:, order] = taken + more
        return found

    def cost(self, taken: Floats, prices: Floats) -> Floats:
        """Return what energy taken costs at `prices`, less its worth later [CNY, (cars,)]."""
        return (taken @ prices) / self.efficiency - self.later(taken)

    def later(self, taken: Floats) -> Floats:
        """Return what energy taken beyond the least is worth after the horizon [CNY, (cars,)]."""
        return np.asarray(self.worth * (taken.sum(axis=1) - self.least))


def _fill(most: Floats, amount: Floats) -> Floats:
    """Return `amount` of each row filled into its columns from the left, each up to `most`."""
    before = np.cumsum(most, axis=1) - most
    return np.clip(amount[:, None] - before, 0.0, most)


def car_groups(cars: Cars, count: int) -> Indices:
    """Return a group for each car, about `count` of them: neighbours in their stays, (cars,).

    Each group is mixed by itself, so that groups are a matter of speed only.
    """
    if not len(cars):
        return np.zeros(0, dtype=np.intp)
    there = cars.most > 0.0
    begin = there.argmax(axis=1)
    end = there.shape[1] - there[:, ::-1].argmax(axis=1)
    side = max(1, round(float(np.sqrt(count))))
    of_begin = _in_equal_parts(begin, side)
    found = np.zeros(len(cars), dtype=np.intp)
    for part in range(side):
        own = np.flatnonzero(of_begin == part)
        found[own] = part * side + _in_equal_parts(end[own], side)
    return np.unique(found, return_inverse=True)[1].astype(np.intp)


def _in_equal_parts(numbers: npt.NDArray[np.generic], parts: int) -> Indices:
    """Return which of `parts` equally large parts each number falls in, by its rank."""
    rank = np.argsort(np.argsort(numbers, kind="stable"), kind="stable")
    return (rank * parts // max(1, len(numbers))).astype(np.intp)


@dataclass(frozen=True)
class Batteries:
    """Batteries, one per row, each array of shape (batteries,).

    p_nom: most power both ways [MW at the meter]. low, high: least and most stored energy [MWh].
    start: stored now [MWh]. last: least stored at the horizon's end [MWh]. efficiency_in,
    efficiency_out: one way [1]. keep: share of the stored energy that stays for an hour [1]. wear:
    cost of what is discharged [CNY/MWh at the meter]. worth: of what is stored at the end
    [CNY/MWh].
    """

    p_nom: Floats
    low: Floats
    high: Floats
    start: Floats
    last: Floats
    efficiency_in: Floats
    efficiency_out: Floats
    keep: Floats
    wear: Floats
    worth: Floats

    def __len__(self) -> int:
        return len(self.p_nom)

    def __post_init__(self) -> None:
        assert all(each.shape == self.p_nom.shape for each in vars(self).values()), "one per row"
        assert all(np.isfinite(each).all() for each in vars(self).values()), "no gaps"
        assert np.all(self.low < self.high), "a band is open"
        assert np.all((self.start >= self.low - _SAME) & (self.start <= self.high + _SAME)), (
            "what is stored lies in the band"
        )

    def some(self, which: Indices | Mask) -> Batteries:
        """Return the chosen ones."""
        return Batteries(**{name: numbers[which] for name, numbers in vars(self).items()})

    def floor(self, hours: Floats) -> Floats:
        """Return the least stored energy at the end of each step [MWh], (batteries, N).

        At its floor, and with nothing to charge from, a battery still loses by standing.
        """
        resting = self.start[:, None] * self.keep[:, None] ** np.cumsum(hours)
        return np.minimum(self.low[:, None], resting)

    def least_cost(self, prices: Floats, hours: Floats) -> Floats:
        """Return what each costs at least, less its worth at the end [CNY], (batteries,).

        prices: at the meter [CNY/MWh], (N,). hours: of each step, (N,). Exact, by dynamic
        programming from the last step back: what a stored MWh costs from then on is a convex
        function of what is stored, kept as slopes and widths, into which each step sorts what it
        charges and what it discharges. Infinite where `last` cannot be reached.
        """
        inward, outward = self.p_nom * self.efficiency_in, self.p_nom / self.efficiency_out
        low = self.floor(hours)
        left, right = np.maximum(low[:, -1], self.last), self.high
        slope, width = -self.worth[:, None], (right - left)[:, None]
        value = -self.worth * left
        for step in range(len(hours) - 1, -1, -1):
            length, price = float(hours[step]), float(prices[step])
            charge, discharge = inward * length, outward * length
            buys = price / self.efficiency_in
            sells = (price - self.wear) * self.efficiency_out
            slope, width = _sorted_in(slope, width, (-buys, -sells), (charge, discharge))
            value = value + charge * buys
            keep = self.keep**length
            slope, width = slope * keep[:, None], width / keep[:, None]
            left, right = (left - charge) / keep, (right + discharge) / keep
            if step == 0:
                break
            lowest, highest = np.maximum(left, low[:, step - 1]), np.minimum(right, self.high)
            value = value + _value_at(slope, width, lowest - left)
            width = _cut(width, lowest - left, highest - lowest)
            left, right = lowest, highest
        reached = (self.start >= left - _SAME) & (self.start <= right + _SAME)
        return np.where(reached, value + _value_at(slope, width, self.start - left), np.inf)

    def follow(self, stored: Floats, drawn: Floats, hours: Floats) -> Floats:
        """Return stored energy at the end of each step [MWh] for what goes in and out inside."""
        found = np.empty_like(stored)
        energy = self.start
        for step, length in enumerate(hours.tolist()):
            energy = energy * self.keep**length + stored[:, step] - drawn[:, step]
            found[:, step] = energy
        return found


def _sorted_in(
    slope: Floats, width: Floats, slopes: tuple[Floats, ...], widths: tuple[Floats, ...]
) -> tuple[Floats, Floats]:
    """Return each row's pieces of a convex curve with more of them, in order, none empty."""
    slope = np.concatenate([slope, np.stack(slopes, axis=1)], axis=1)
    width = np.concatenate([width, np.stack(widths, axis=1)], axis=1)
    slope = np.where(width > 0.0, slope, _STEEP)
    order = np.argsort(slope, axis=1)
    most = int((width > 0.0).sum(axis=1).max(initial=1))
    order = order[:, :most]
    return np.take_along_axis(slope, order, axis=1), np.take_along_axis(width, order, axis=1)


def _value_at(slope: Floats, width: Floats, place: Floats) -> Floats:
    """Return how much each row's curve has risen at `place` from its left end."""
    return np.asarray((slope * (width - _cut(width, place, np.inf))).sum(axis=1))


def _cut(width: Floats, begin: Floats, length: Floats | float) -> Floats:
    """Return the pieces' widths within `length` from `begin` on."""
    end = np.cumsum(width, axis=1) - begin[:, None]
    start = np.maximum(0.0, end - width)
    stop = np.minimum(end, np.broadcast_to(length, begin.shape)[:, None])
    return np.asarray(np.maximum(0.0, stop - start))


@dataclass(frozen=True)
class Parts:
    """Batteries split into parts, and the parts that are alike in groups.

    One battery can do whatever two can together whose powers, contents and stored energies add up
    to its own; not the other way round. So a battery of power P and content E, with σE in it, is
    split into parts that stand on a lattice of P / E and σ and add up to it.
    owner: battery of each part. share: of its content [1]. power [MW], start [MWh]: the part's own.
    group: of each part. weight: share of the group's flows that the part takes [1]. All of shape
    (parts,). groups: how many.
    """

    owner: Indices
    share: Floats
    power: Floats
    start: Floats
    group: Indices
    weight: Floats
    groups: int

    def __len__(self) -> int:
        return len(self.owner)

    def of_owners(self, flows: Floats, count: int) -> Floats:
        """Return the flows of `count` batteries from those of the groups, (batteries, N)."""
        found = np.zeros((count, flows.shape[1]))
        np.add.at(found, self.owner, self.weight[:, None] * flows[self.group])
        return found


@dataclass(frozen=True)
class Pools:
    """Groups of parts as one store each, counted inside the batteries [MWh].

    inward, outward: most in and out in an hour [MW inside]. low, high: least and most of what has
    gone in since now, (groups, N). taken, given: at the meter for each MWh in and out [1]. wear:
    cost of each MWh out [CNY/MWh inside]. worth: at the end [CNY/MWh]. keep: in an hour [1].
    """

    inward: Floats
    outward: Floats
    low: Floats
    high: Floats
    taken: Floats
    given: Floats
    wear: Floats
    worth: Floats
    keep: Floats

    def __len__(self) -> int:
        return len(self.inward)


def split_into_parts(
    batteries: Batteries, ratios: int, states: int, classes: int, price: float
) -> Parts:
    """Return the batteries split on a lattice of `ratios` × `states`, and grouped.

    Those that differ in efficiency and wear are grouped in `classes` by what it costs them to take
    a MWh in and give it out again where one costs `price` [CNY/MWh]: that is the order in which
    they are used. Where no more values occur than there are steps, those values are the lattice:
    batteries of the same ratios, efficiency, wear and state are grouped exactly.
    """
    b, content = batteries, batteries.high - batteries.low
    ratio, ratio_weights, ratio_at = _on_lattice(b.p_nom / content, ratios)
    state, state_weights, state_at = _on_lattice((b.start - b.low) / content, states)
    make = np.stack([b.efficiency_in, b.efficiency_out, b.wear], axis=1)
    makes, sort = np.unique(np.round(make, 12), axis=0, return_inverse=True)
    if len(makes) > classes:
        trip = b.wear + price * (1.0 / (b.efficiency_in * b.efficiency_out) - 1.0)
        sort = _in_steps(trip, classes)
    sort = _sorts(
        np.asarray(sort, dtype=np.intp).ravel(),
        _in_steps(b.low / b.high, states),
        _in_steps(b.last / b.high, states),
        _in_steps(b.worth, classes),
        _in_steps(b.keep, len(b.keep)),
    )
    found: list[tuple[Indices, Floats, Indices, Indices]] = []
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = ratio_weights[i] * state_weights[j]
        own = np.flatnonzero(share > _SAME)
        found.append((own, share[own], ratio_at[i][own], state_at[j][own]))
    owner, share, row, column = (np.concatenate(each) for each in zip(*found, strict=True))
    group = _sorts(sort[owner], row, column)
    held = share * content[owner]
    count = int(group.max(initial=-1)) + 1
    return Parts(
        owner,
        share,
        power=held * ratio[row],
        start=share * b.low[owner] + held * state[column],
        group=group,
        weight=held / np.bincount(group, held, count)[group],
        groups=count,
    )


def _on_lattice(
    numbers: Floats, most: int
) -> tuple[Floats, tuple[Floats, Floats], tuple[Indices, Indices]]:
    """Return lattice points, and each number as a mean of two of them: weights and places."""
    points = np.unique(np.round(numbers, 12))
    if len(points) > most:
        points = np.linspace(points[0], points[-1], max(2, most))
    if len(points) < 2:  # noqa: PLR2004 - between one point there is nothing
        nowhere = np.zeros(len(numbers), dtype=np.intp)
        return points, (np.ones(len(numbers)), np.zeros(len(numbers))), (nowhere, nowhere)
    above = np.clip(np.searchsorted(points, numbers), 1, len(points) - 1)
    up = np.clip((numbers - points[above - 1]) / (points[above] - points[above - 1]), 0.0, 1.0)
    return points, (1.0 - up, up), ((above - 1).astype(np.intp), above.astype(np.intp))


def _in_steps(numbers: Floats, most: int) -> Indices:
    """Return which of up to `most` parts, equally full, each number is in; its own if few occur."""
    points, at = np.unique(np.round(numbers, 12), return_inverse=True)
    return np.asarray(at, dtype=np.intp) if len(points) <= most else _in_equal_parts(numbers, most)


def _sorts(*keys: Indices) -> Indices:
    """Return one number for each combination of keys that occurs."""
    found = np.zeros(len(keys[0]), dtype=np.intp)
    for key in keys:
        found = np.unique(found * (int(key.max(initial=0)) + 1) + key, return_inverse=True)[1]
    return found.astype(np.intp)


def pool(batteries: Batteries, parts: Parts, hours: Floats) -> Pools:
    """Return each group as one store, within what every part of it can follow.

    hours: of each step [h], (N,). What goes in and out is shared by weight, inside the batteries,
    so that each one's state follows the group's whatever its efficiency.
    """
    b, owner, weight, count = batteries, parts.owner, parts.weight, parts.groups

    def least(numbers: Floats) -> Floats:
        found = np.full((count, *numbers.shape[1:]), np.inf)
        np.minimum.at(found, parts.group, numbers)
        return found

    def mean(numbers: Floats) -> Floats:
        found: Floats = np.bincount(parts.group, weight * numbers[owner], count).astype(np.float64)
        return found

    share, low = parts.share[:, None], b.floor(hours)[owner]
    resting = parts.start[:, None] * b.keep[owner, None] ** np.cumsum(hours)
    lowest, highest = share * low - resting, share * b.high[owner, None] - resting
    # What is to be left at the end a part need not have where resting brings the whole to it.
    by_start = b.last[owner] * parts.start / np.maximum(b.start[owner], _SAME)
    last = np.where((b.last <= b.start)[owner], by_start, parts.share * b.last[owner])
    lowest[:, -1] = np.maximum(lowest[:, -1], last - resting[:, -1])
    return Pools(
        inward=least(parts.power * b.efficiency_in[owner] / weight),
        outward=least(parts.power / b.efficiency_out[owner] / weight),
        low=-least(-lowest / weight[:, None]),
        high=least(highest / weight[:, None]),
        taken=mean(1.0 / b.efficiency_in),
        given=mean(b.efficiency_out),
        wear=mean(b.wear * b.efficiency_out),
        worth=mean(b.worth),
        keep=-least(-b.keep[owner]),
    )
