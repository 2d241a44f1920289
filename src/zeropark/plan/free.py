"""How the numbers of a park's program move with a parameter that a study leaves free.

A kind says its numbers in Python: a bound, a signal computed from weather, a property. Nothing in
it knows what is free. So its program is asked at several values of the parameter: numbers that move
in proportion are what a column can stand for, and the rest cannot be free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.formulation.program import Program
from zeropark.formulation.sizing import Free, Numbers
from zeropark.plan.year import Year
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
_FIELDS = ("lower", "upper", "row_lower", "row_upper")
# What differs by less than this share of its size is the same.
_SAME = 1e-7
# The lowest value asked of a parameter that may be 0, as a share of its highest: a kind may divide
# by a size.
_NEARLY_NOTHING = 1e-3
_COEFFICIENT = Text(
    "{parameter} of '{asset}' multiplies what is decided, so no linear plan can leave it free; "
    "give it a number and leave sizes free, such as p_nom or e_nom",
    "“{asset}”的 {parameter} 与决策量相乘，线性规划无法把它设为自由参数；给它一个数值，"
    "改为放开规模，例如 p_nom 或 e_nom",
)
_BENT = Text(
    "the limits of '{asset}' do not move in proportion to {parameter} between its bounds; narrow "
    "them, or take out what else sets the limit",
    "“{asset}”的限值在上下限之间不随 {parameter} 成比例变化；"
    "缩小上下限，或去掉决定该限值的其他数值",
)
_STRUCTURE = Text(
    "with another {parameter} '{asset}' has other decisions; it cannot be free",
    "{parameter} 不同时“{asset}”的决策量也不同；它不能设为自由参数",
)


@dataclass(frozen=True)
class Wanted:
    """A parameter to be sized.

    asset, parameter: names. least, most: bounds. price: what a unit of it costs over the time
    studied [CNY].
    """

    asset: str
    parameter: str
    least: float
    most: float
    price: float


def at(year: Year, values: Mapping[Wanted, float]) -> dict[str, Kind]:
    """Return the assets that have free parameters, with these values."""
    found: dict[str, Kind] = {}
    by_name = {asset.name: asset for asset in year.assets}
    for wanted, value in values.items():
        asset = found.get(wanted.asset, by_name[wanted.asset])
        found[wanted.asset] = asset.model_copy(update={wanted.parameter: value})
    return found


def columns_for(year: Year, program: Program, wanted: Sequence[Wanted]) -> list[Free]:
    """Return each wanted parameter as a column.

    year, program: with every one at its most. Raises `DataError` for one that cannot be free.
    """
    found: dict[Wanted, Free] = {}
    for name in dict.fromkeys(one.asset for one in wanted):
        kind = next(asset.kind for asset in year.assets if asset.name == name)
        own = [one for one in wanted if one.asset == name]
        probe = _Probe(year.of_kind(kind), program.layout.lag, own)
        moves = {one: probe.moves(one) for one in own}
        probe.check_together(moves)
        places = _places(probe.program, program, kind)
        found |= {one: probe.column(one, moves[one], places, program) for one in own}
    return [found[one] for one in wanted]


class _Probe:
    """The program of one kind alone, asked at several values of an asset's free parameters."""

    def __init__(self, year: Year, lag: int, wanted: Sequence[Wanted]) -> None:
        self._year, self._lag = year, lag
        self._most = {one: one.most for one in wanted}
        self._low = {one: max(one.least, _NEARLY_NOTHING * one.most) for one in wanted}
        self.program = self._asked(self._most)
        self._top = Numbers.of(self.program)

    def _asked(self, values: Mapping[Wanted, float]) -> Program:
        return self._year.with_assets(at(self._year, values)).program(self._lag)

    def moves(self, one: Wanted) -> dict[str, Floats]:
        """Return by how much a unit more of the parameter moves each number, by `_FIELDS`."""
        low, top = self._low[one], self._top
        middle = (low + one.most) / 2
        programs = [self._asked({**self._most, one: value}) for value in (middle, low)]
        half, bottom = (self._same_structure(one, program) for program in programs)
        found = {
            name: _slope(getattr(top, name), getattr(half, name), one.most - middle)
            for name in _FIELDS
        }
        for name in _FIELDS:
            further = _slope(getattr(half, name), getattr(bottom, name), middle - low)
            if _differ(found[name], further, np.abs(getattr(top, name)) / one.most):
                raise _bent(one)
        return found

    def check_together(self, moves: Mapping[Wanted, Mapping[str, Floats]]) -> None:
        """Refuse parameters that move a number in proportion each alone, but not together."""
        if len(moves) == 1:
            return
        last = list(moves)[-1]
        bottom = self._same_structure(last, self._asked(self._low))
        for name in _FIELDS:
            way = sum(moves[one][name] * (one.most - self._low[one]) for one in moves)
            gone = _slope(getattr(self._top, name), getattr(bottom, name), 1.0)
            if _differ(np.asarray(way), gone, np.abs(getattr(self._top, name))):
                raise _bent(last)

    def column(
        self,
        one: Wanted,
        moves: Mapping[str, Floats],
        places: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]],
        whole: Program,
    ) -> Free:
        """Return the parameter as a column of the whole program."""
        columns, rows = places
        return Free(
            f"{one.asset}.{one.parameter}",
            one.least,
            one.most,
            one.price + self._start_price(one),
            one.most,
            lower=_spread(moves["lower"], columns, whole.column_count),
            upper=_spread(moves["upper"], columns, whole.column_count),
            row_lower=_spread(moves["row_lower"], rows, whole.row_count),
            row_upper=_spread(moves["row_upper"], rows, whole.row_count),
        )

    def _same_structure(self, one: Wanted, other: Program) -> Numbers:
        """Return the numbers of a program that differs in bounds only; refuses any other."""
        words = {"asset": one.asset, "parameter": one.parameter}
        mine, numbers = self.program, Numbers.of(other)
        if (mine.column_count, mine.row_count) != (other.column_count, other.row_count) or (
            not np.array_equal(mine.index, other.index)
        ):
            raise DataError("free_structure", _STRUCTURE.format(**words))
        for name in ("value", "cost"):
            was, now = getattr(self._top, name), getattr(numbers, name)
            if np.any(np.abs(now - was) > _SAME * np.abs(was)):
                raise DataError("free_coefficient", _COEFFICIENT.format(**words))
        return numbers

    def _start_price(self, one: Wanted) -> float:
        """Return what a unit's fill at the start is worth [CNY]: paid as it is at the end."""
        worth = []
        for value in (one.most, self._low[one]):
            year = self._year.with_assets(at(self._year, {**self._most, one: value}))
            asset = next(asset for asset in year.assets if asset.name == one.asset)
            worth.append(-asset.end_cost(year.readings[asset.name], year.end_price))
        return (worth[0] - worth[1]) / (one.most - self._low[one])


def _bent(one: Wanted) -> DataError:
    return DataError("free_bent", _BENT.format(asset=one.asset, parameter=one.parameter))


def _slope(high: Floats, low: Floats, by: float) -> Floats:
    with np.errstate(invalid="ignore"):
        moved = (high - low) / by
    return np.where(np.isfinite(moved), moved, 0.0)


def _differ(one: Floats, other: Floats, size: Floats) -> bool:
    finite = np.where(np.isfinite(size), size, 0.0)
    return bool(np.any(np.abs(one - other) > _SAME * (np.abs(one) + np.abs(other) + finite)))


def _places(
    own: Program, whole: Program, kind: str
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return which column and row of the whole program each of a kind's own program is."""
    columns = np.full(own.column_count, -1, dtype=np.int32)
    for mine, theirs in zip(own.blocks[kind].columns, whole.blocks[kind].columns, strict=True):
        columns[mine.columns.ravel()] = theirs.columns.ravel()
    rows = np.full(own.row_count, -1, dtype=np.int32)
    same = [each for each in whole.rows if each.name.startswith(f"{kind}-")]
    for mine_rows, their_rows in zip(
        [*own.rows[:-1], own.balances], [*same, whole.balances], strict=True
    ):
        rows[mine_rows.numbers.ravel()] = their_rows.numbers.ravel()
    columns[-1] = rows[-1] = -1
    return columns, rows


def _spread(slopes: Floats, to: npt.NDArray[np.int32], count: int) -> Floats:
    found = np.zeros(count)
    found[to[to >= 0]] = slopes[to >= 0]
    # Rounding is no movement.
    found[np.abs(found) <= _SAME * np.abs(found).max(initial=0.0)] = 0.0
    return found
