"""A charging hub whose cars are planned one by one: those that are there in exact groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zeropark.assets.ev_hub import EvHub, ahead_of
from zeropark.assets.kind import Floats, Horizon, PlannedStep, Readings
from zeropark.data.jobs import hours_since_1970
from zeropark.data.outlook import Outlook
from zeropark.data.sessions import ExpectedSessions
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import NONE, Linear, Rule, Term
from zeropark.formulation.program import Inputs
from zeropark.formulation.queue import Work, envelopes, most_at_once, split_by_laxity
from zeropark.units.text import Text

Indices = npt.NDArray[np.intp]
# What follows curves, in the order of the rows: the rest (its row bears the asset's own name), cars
# that must charge all the time, and what needs one slot; then the groups.
_REST, _MUST, _ONCE, _GROUPS = 0, 1, 2, 3
_WHOLE = 1e-9  # [slots]
_SOON = 1e-6  # [h]
_SAME = 1e-9  # [MW]
_MANY = 1_000_000  # [slots] more than any car stays
# Binary digits that count of a need and of a stay [slots], as fine as groups allow; the first: all.
_FINENESS = ((30, 30), (30, 4), (4, 3), (3, 2), (2, 2))


@dataclass(frozen=True)
class _Row:
    """A row of the plan; curves: whether it follows two curves, or is a group."""

    curves: bool


@dataclass(frozen=True)
class Parts:
    """Cars as parts that are alike, slots of `slot` [h].

    A group may charge `power` [MW] in each of its first `stay` slots, and in `need` of them in all;
    row: of the plan; all of shape (groups,). car, group, share [MW]: of each part, (parts,).
    tight: cars that have no slot to spare, (cars,).
    """

    slot: float
    stay: Indices
    need: Indices
    power: Floats
    row: Indices
    car: Indices
    group: Indices
    share: Floats
    tight: npt.NDArray[np.bool_]

    @property
    def work(self) -> Work:
        """The groups as work, each of its row."""
        slot = self.slot
        amount = self.power * self.need * slot
        deadline: Floats = np.asarray(self.stay * slot, dtype=np.float64)
        return Work(self.row, amount, self.power, np.zeros(len(self.row)), deadline)


def split_into_parts(work: Work, slot: float, groups: int) -> Parts:
    """Return cars that are there now, `work`, as parts of at most `groups` groups and of curves.

    A car that needs k + f of its n slots (f < 1) is 1 - f of one that needs k and f of one that
    needs k + 1: for any set of T slots, min(T, k + f) is just that mean of min(T, k) and min(T, k +
    1), and what cars whose limits add up can do is what the limits' sum allows (Edmonds, 1970).
    Where these are too many groups, needs and stays are told apart less finely, until they are few
    enough: a mean of needs farther apart, or of a shorter stay, is less than the car can do, never
    more. What is too much even so, the least urgent, is left to the curves.
    """
    found = _parts_of(work, slot, *_FINENESS[0])
    for fineness in _FINENESS[1:]:
        if int((found.row == _REST).sum()) <= groups:
            break
        found = _parts_of(work, slot, *fineness)
    row, stay = found.row, found.stay
    free = np.flatnonzero(row == _REST)
    urgent = free[np.lexsort((stay[free], (stay - found.need)[free]))][:groups]
    # In the order of stay and need, so that from step to step most keep their row.
    row[np.sort(urgent)] = _GROUPS + np.arange(len(urgent))
    return found


def _parts_of(work: Work, slot: float, digits_of_need: int, digits_of_stay: int) -> Parts:
    """Return the parts of cars whose needs and stays have so many binary digits that count."""
    stay = np.floor(work.deadline / slot + _WHOLE).astype(np.intp)
    need = work.amount / (work.rate * slot)
    tight = need >= stay - _WHOLE
    shorter = stay - stay % _step_at(stay, digits_of_stay)
    stay = np.where(shorter >= need, shorter, stay)
    some = np.flatnonzero(~tight & (work.amount > 0.0))
    low = np.floor(need[some] + _WHOLE).astype(np.intp)
    low -= low % _step_at(low, digits_of_need)
    high = np.maximum(low + 1, np.minimum(low + _step_at(low, digits_of_need), stay[some]))
    over = np.maximum(0.0, need[some] - low) / (high - low)
    over[over < _WHOLE] = 0.0
    car = np.concatenate([some, some])
    share = np.concatenate([1.0 - over, over]) * work.rate[car]
    slots = np.concatenate([low, high])
    real = (share > 0.0) & (slots > 0)
    car, share, slots = car[real], share[real], slots[real]
    keys, group = np.unique(stay[car] * _MANY + slots, return_inverse=True)
    stays, needs = keys // _MANY, keys % _MANY
    row = np.full(len(keys), _REST, dtype=np.intp)
    row[needs == 1] = _ONCE
    row[stays == needs] = _MUST
    power = np.bincount(group, share, len(keys)).astype(np.float64)
    return Parts(slot, stays, needs, power, row, car, group.astype(np.intp), share, tight)


def _step_at(numbers: Indices, digits: int) -> Indices:
    """Return by how much numbers differ that have `digits` binary digits, near each of these."""
    length = np.frexp(numbers.astype(np.float64))[1]
    return np.asarray(2 ** np.maximum(0, length - digits), dtype=np.intp)


def _tight_work(work: Work, slot: float) -> Work:
    """Return cars without a slot to spare as what fills whole slots and what is left after them."""
    full = np.floor(work.deadline / slot + _WHOLE) * slot
    first = np.minimum(work.amount, work.rate * full)
    member = np.full(len(first), _MUST, dtype=np.intp)
    one = Work(member, first, work.rate, work.arrival, full)
    two = Work(member, work.amount - first, work.rate, full, work.deadline)
    return one.some(first > 0.0).join(two.some(two.amount > 0.0))


class EvFleet(EvHub):
    """A charging hub planned car by car, set-points for each car [MWh per step].

    A car that needs k + f of its n slots is 1 - f of a car that needs k whole ones and f of one
    that needs k + 1; cars with one n and k are a group: Σ charge + short = k · power · h, charge ≤
    power · h in its slots. Where these were more than `groups`, needs and stays are rounded to few
    binary digits, so that a plan asks for less than cars can do, and what is too much even so, the
    least urgent, follows two curves; as do those that come later, and, with curves of their own,
    what needs one slot and who must charge in all.
    Σ of all charge ≤ p_nom · h; costs as in a charging hub. A departure within a slot counts at the
    slot's beginning unless the car needs it. A bound, and a plan whose steps grow, is that of a
    charging hub. The plant is the same. Proof: decision 0015.
    """

    kind: ClassVar[str] = "ev_fleet"
    title: ClassVar[Text] = Text("Charging hub of single cars", "逐车充电站")
    limits: ClassVar[Mapping[str, Limit]] = {
        **EvHub.limits,
        "left": Limit(Text("cars that leave with less than asked", "离站时未充满")),
        "station": Limit(Text("all connectors together are at their limit", "充电总功率达到上限")),
    }
    example: ClassVar[str] = EvHub.example.replace(
        "kind: ev_hub", "kind: ev_fleet\n        groups: 12"
    )

    groups: Annotated[
        int,
        Field(ge=1, le=400, title="分组数", description="most groups of cars planned exactly"),
    ] = 32

    def members(self) -> Sequence[tuple[str, object]]:
        """Return the rows that follow curves, then the groups."""
        curve = _Row(curves=True)
        curves: list[tuple[str, object]] = [("", curve), ("must", curve), ("once", curve)]
        return curves + [(f"group-{i}", _Row(curves=False)) for i in range(self.groups)]

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield how groups share slots, and how what follows curves is settled."""
        curves = np.array(m.texts("curves"), dtype=bool)
        firsts = _firsts(m)
        charge = m.flow("charge", upper=m.signal("limit"), means="arrived")
        short = m.slack("short", Rank.COMFORT, where=curves)
        settled = m.state(
            "settled",
            lower=m.signal("latest"),
            upper=m.signal("earliest"),
            means="arrived",
            means_low="deadline",
            opens=False,
            where=curves,
        )
        # One slack for all groups, open when they leave: a column for each would be half the plan.
        given_up = m.once("given_up", upper=m.figure("least"))
        left = m.slack("left", Rank.COMFORT, upper=m.signal("leaves"), where=firsts)
        owed = m.once("owed", lower=m.figure("owed"), upper=m.figure("owed"))
        lost = m.once("lost", lower=m.figure("lost"), upper=m.figure("lost"))
        done = charge + short + left

        yield "settled", (settled == settled.before + charge + short).only(curves)
        yield "group", (charge.total() <= m.figure("most")).only(~curves)
        yield "due", (charge.total() + given_up >= m.figure("least")).only(~curves)
        yield "left", (_together(m, given_up) == left.total()).only(firsts)
        yield "station", (_together(m, charge) <= m["p_nom"] * m.hours).only(firsts)

        m.into("node", charge * (-1.0 / m.signal("efficiency")))
        m.cost("unserved", (short + left) * m["price_unserved"])
        m.cost("unserved", lost * m["price_unserved"])
        # What waits is lost if its car goes before its time: worth the chance of all hours to come.
        m.cost("unserved", done * (-1.0 * m.signal("haste") * m["price_unserved"]))
        m.cost("ends", done * (-1.0 * m.signal("end_value")))
        m.cost("ends", owed * m.figure("owed_price"))

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the efficiency to be expected [1], the same in all rows."""
        return {name: self._all_rows(numbers) for name, numbers in super().signals(outlook).items()}

    def _all_rows(self, numbers: Floats) -> Floats:
        return np.repeat(numbers, _GROUPS + self.groups, axis=0)

    # -- what is known ----------------------------------------------------------------------------

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the groups of the cars that are there, and the curves of what is in none."""
        expected: ExpectedSessions | None = horizon.expected.get(self.name)
        hours = horizon.grid.hours
        steps = hours[hours > 0.0]
        known = expected is not None and expected.true
        slots = len(steps)
        if known or not slots or not np.allclose(hours[:slots], hours[0], rtol=1e-9, atol=0.0):
            return self._as_a_hub(super().situation(readings, horizon), hours, expected)
        slot, ends = float(hours[0]), np.cumsum(hours)
        work: Work = readings["sessions"]
        there = float(work.amount.sum())
        work = work.servable()
        parts = split_into_parts(work, slot, self.groups)
        grouped = parts.row >= _GROUPS
        curves = parts.work.some(~grouped).join(_tight_work(work.some(parts.tight), slot))
        if expected is not None:
            coming = ahead_of(expected, float(hours_since_1970(horizon.grid.start))).servable()
            curves = curves.join(
                replace(coming, member=np.full(len(coming.amount), _REST, dtype=np.intp))
            )
        latest, earliest = envelopes(curves, _GROUPS, ends)
        most = most_at_once(curves, curves.deadline, _GROUPS, ends)
        found = self._nothing(len(hours))
        found["latest"][:_GROUPS], found["earliest"][:_GROUPS] = latest, earliest
        found["limit"][:_GROUPS] = np.minimum(most, self.p_nom * hours)
        figures = self._groups(parts, slots, found)
        owed = float(curves.amount.sum() + parts.work.some(grouped).amount.sum())
        lost = max(0.0, there - float(work.amount.sum()))
        return self._priced(found, figures, expected, horizon, owed, lost)

    def _groups(self, parts: Parts, slots: int, found: dict[str, Floats]) -> dict[str, Floats]:
        """Put the groups into their rows of `found`; return what each can and must have [MWh]."""
        count = _GROUPS + self.groups
        most, least = np.zeros(count), np.zeros(count)
        some = parts.row >= _GROUPS
        row, stay, need = parts.row[some], parts.stay[some], parts.need[some]
        energy = parts.power[some] * parts.slot
        seen = np.minimum(stay, slots)
        width = found["limit"].shape[1]
        found["limit"][row] = energy[:, None] * (np.arange(width) < seen[:, None])
        most[row] = energy * np.minimum(need, seen)
        # What can still follow after the horizon need not come within it.
        least[row] = energy * np.maximum(0, need - (stay - seen))
        np.add.at(found["leaves"][_REST], seen - 1, least[row])
        return {"most": most, "least": least}

    def _nothing(self, steps: int) -> dict[str, Floats]:
        names = ("latest", "earliest", "limit", "leaves")
        return {name: np.zeros((_GROUPS + self.groups, steps)) for name in names}

    def _priced(
        self,
        found: dict[str, Floats],
        figures: dict[str, Floats],
        expected: ExpectedSessions | None,
        horizon: Horizon,
        owed: float,
        lost: float,
    ) -> Inputs:
        """Return all numbers, with what energy is worth at the end and before a car may go."""
        hours, count = horizon.grid.hours, _GROUPS + self.groups
        price = horizon.end_price / self.efficiency
        first = np.zeros(count)
        first[_REST] = 1.0
        return Inputs(
            signals={
                **found,
                "end_value": np.full((count, len(hours)), price),
                "haste": self._haste(expected, hours),
            },
            figures={
                **figures,
                "settled": np.zeros(count),
                "owed": first * owed,
                "owed_price": np.full(count, price),
                "lost": first * lost,
            },
        )

    def _haste(self, expected: ExpectedSessions | None, hours: Floats) -> Floats:
        """Return the chance that a car leaves early from each step on, the same in all rows [1]."""
        risk = (0.0 if expected is None else expected.leave_rate) * hours
        return self._all_rows(np.cumsum(risk[::-1])[::-1][None, :])

    def _as_a_hub(self, own: Inputs, hours: Floats, expected: ExpectedSessions | None) -> Inputs:
        """Return what a charging hub would plan, all of it in the row of the rest."""
        found, count = self._nothing(len(hours)), _GROUPS + self.groups
        for name in ("latest", "earliest", "limit"):
            found[name][_REST] = own.signals[name][0]
        for name in ("efficiency", "end_value"):
            if name in own.signals:
                found[name] = self._all_rows(own.signals[name])
        found["haste"] = self._haste(expected, hours)
        none = np.zeros(count)
        figures = {"most": none, "least": none}
        for name, numbers in own.figures.items():
            figures[name] = np.zeros(count)
            figures[name][_REST] = numbers[0]
        return Inputs(found, figures)

    # -- set-points -------------------------------------------------------------------------------

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the power of all cars, and where there are groups that of each row [MW]."""
        power = step.columns["charge"] / step.hours
        total = {"charge": float(power.sum())}
        others = np.arange(len(power)) != _REST
        if not (step.upper["charge"][others] > 0.0).any():
            return total
        rows = dict(zip(self._names, power.tolist(), strict=True))
        return {**total, **rows, "slot": step.hours}

    @property
    def _names(self) -> list[str]:
        """The set-points of the rows."""
        return [name or "rest" for name, _ in self.members()]

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return the power into the cars [MW], what is served and short [MWh], as planned."""
        charge = amounts["charge"].sum(axis=0, keepdims=True)
        short = (amounts["short"] + amounts["left"]).sum(axis=0, keepdims=True)
        summed = {"charge": charge, "short": short, "lost": amounts["lost"]}
        return super().planned_points(summed, hours)

    def powers(self, setpoints: Mapping[str, float], sessions: Work, hours: float) -> Floats:
        """Return the power of each session [MW]: each part its share of its group's.

        Told the total only, or anything but what a plan of steps of `hours` [h] told, as a hub.
        """
        as_a_hub = super().powers(setpoints, sessions, hours)
        told = np.array([setpoints.get(name, 0.0) for name in self._names])
        same = abs(float(told.sum()) - setpoints.get("charge", self.p_nom)) <= _SAME
        if not same or abs(setpoints.get("slot", 0.0) - hours) > _SOON:
            return as_a_hub
        energy = self._shares(told * hours, sessions, hours)
        left = np.maximum(0.0, hours - sessions.begin)
        most = np.minimum(sessions.amount, sessions.rate * left)
        energy = np.clip(energy, self.must(sessions, hours), most)
        return as_a_hub if energy.sum() > self.p_nom * hours + _SAME else energy / hours

    def _shares(self, told: Floats, sessions: Work, hours: float) -> Floats:
        """Return what each session takes of the rows' energies `told` [MWh], (sessions,)."""
        here = np.flatnonzero(sessions.arrival <= _SOON)
        work = sessions.some(sessions.arrival <= _SOON).servable()
        parts = split_into_parts(work, hours, self.groups)
        groups, energy = parts.work, np.zeros(len(sessions.amount))
        of_group = np.zeros(len(parts.row))
        grouped = parts.row >= _GROUPS
        of_group[grouped] = told[parts.row[grouped]]
        # Who comes within the step shares what the rest has; who must charge comes first anyway.
        late = np.flatnonzero(sessions.arrival > _SOON)
        tight = here[parts.tight]
        others = {_MUST: tight, _ONCE: tight[:0], _REST: late}
        for row, single in others.items():
            mine = np.flatnonzero(parts.row == row)
            pieces = groups.some(parts.row == row).join(_some(sessions, single))
            left = np.maximum(0.0, hours - pieces.begin)
            shares = split_by_laxity(
                float(told[row]), pieces.amount, pieces.rate, pieces.laxity, left
            )
            of_group[mine] = shares[: len(mine)]
            energy[single] = shares[len(mine) :]
        each = parts.share / parts.power[parts.group] * of_group[parts.group]
        energy[here] += np.bincount(parts.car, each, len(here))
        return energy


def _some(work: Work, which: Indices) -> Work:
    chosen = np.zeros(len(work.amount), dtype=bool)
    chosen[which] = True
    return work.some(chosen)


def _firsts(m: Block) -> npt.NDArray[np.bool_]:
    """Return which rows are the first of their asset."""
    return np.array([name == "" for _, name, _ in m.members])


def _together(m: Block, columns: Linear) -> Linear:
    """Return the sum over all rows of an asset, in its first row."""
    (term,) = columns.terms
    firsts = np.flatnonzero(_firsts(m))
    first = firsts[np.cumsum(_firsts(m)) - 1]
    place = np.arange(len(m)) - first
    terms = []
    for nth in range(int(place.max()) + 1):
        mine = np.flatnonzero(place == nth)
        moved = np.full_like(term.columns, NONE)
        moved[first[mine]] = term.columns[mine]
        terms.append(Term(moved, 1.0))
    return Linear(terms)
