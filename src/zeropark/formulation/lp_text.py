"""A program as a text a person can read: every row and bound by its asset and rule.

For golden files and for asking what a rule does to a park; large programs have no use for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from zeropark.formulation.program import Program

Floats = npt.NDArray[np.float64]
_PER_LINE = 6


def lp_text(program: Program) -> str:
    """Return the program as it now stands.

    Columns are `<asset>-<column>[step]`, rows `<asset>-<rule>[step]` and
    `<node>-<carrier>-balance[step]`; step -1 is the one before now and holds what was measured.
    A column that may take nothing is left out.
    """
    lower, upper, row_lower, row_upper = program.shut()
    columns, closed = _column_names(program)
    fixed = {i for i in range(program.column_count) if lower[i] == upper[i] == 0.0}
    lines = ["minimise", *_objective(program, columns, closed | fixed), "", "subject to"]
    for number, name in _row_names(program):
        stretch = slice(program.start[number], program.start[number + 1])
        terms = _sum(program.value[stretch], [columns[i] for i in program.index[stretch]])
        lines.append(f"  {name}:")
        lines.extend(f"    {line}" for line in _wrap(terms))
        lines.append(f"    {_compared(row_lower[number], row_upper[number])}")
    lines += ["", "bounds"]
    for number, name in sorted(columns.items()):
        if number not in closed or lower[number] != 0.0:
            lines.append(f"  {_bound(name, lower[number], upper[number])}")
    return "\n".join(lines) + "\n"


def _column_names(program: Program) -> tuple[dict[int, str], set[int]]:
    """Return the name of each column, and the columns of the slots before now."""
    names: dict[int, str] = {}
    closed: set[int] = set()
    step_of = _step_of(program)
    for block in (*program.blocks.values(), program.node_block):
        for column in block.columns:
            for name, numbers in zip(block.names, column.columns.tolist(), strict=True):
                if len(numbers) == 1:
                    names[numbers[0]] = f"{name}-{column.name}"
                    continue
                for slot, number in enumerate(numbers):
                    names[number] = f"{name}-{column.name}[{step_of[slot]}]"
                    if step_of[slot] < 0:
                        closed.add(number)
    return names, closed


def _step_of(program: Program) -> dict[int, int]:
    layout = program.layout
    steps = {int(slot): step for step, slot in enumerate(layout.open())}
    return steps | {int(slot): step - layout.lag for step, slot in enumerate(layout.closed())}


def _row_names(program: Program) -> Iterator[tuple[int, str]]:
    """Yield (number, name) of the rows of the open steps, and of those without steps."""
    opened = program.layout.open()
    for rows in program.rows:
        names = rows.names
        rule = rows.name
        if rows is program.balances:
            names = [f"{node.name}-{node.carrier}" for node in program.nodes]
        else:
            rule = rule.split("-", 1)[1]
        for name, numbers in zip(names, rows.numbers, strict=True):
            if len(numbers) == 1:
                yield int(numbers[0]), f"{name}-{rule}"
                continue
            for step, slot in enumerate(opened):
                yield int(numbers[slot]), f"{name}-{rule}[{step}]"


def _objective(program: Program, columns: dict[int, str], left_out: set[int]) -> list[str]:
    """Return the cost by part; what a limit that gives way costs is not part of it."""
    by_part: dict[str, dict[int, float]] = {}
    for part, term in program.cost_parts:
        number = term.coefficient
        array = number.array if not isinstance(number, float | int) else np.full((1, 1), number)
        prices = np.broadcast_to(array, term.columns.shape).ravel()
        costs = by_part.setdefault(part, {})
        for column, price in zip(term.columns.ravel().tolist(), prices.tolist(), strict=True):
            if column not in left_out:
                costs[column] = costs.get(column, 0.0) + price
    lines = []
    for part, costs in by_part.items():
        terms = _sum(np.array(list(costs.values())), [columns[i] for i in costs])
        if terms:
            lines.append(f"  {part}:")
            lines.extend(f"    {line}" for line in _wrap(terms))
    return lines or ["  0"]


def _sum(coefficients: Floats, names: list[str]) -> list[str]:
    terms = []
    for coefficient, name in zip(coefficients.tolist(), names, strict=True):
        if coefficient == 0.0:
            continue
        size = abs(coefficient)
        terms.append(
            f"{'-' if coefficient < 0 else '+'} {'' if size == 1.0 else f'{size:.6g} '}{name}"
        )
    return terms


def _wrap(terms: list[str]) -> list[str]:
    return [" ".join(terms[i : i + _PER_LINE]) for i in range(0, len(terms), _PER_LINE)]


def _compared(lower: float, upper: float) -> str:
    if lower == upper:
        return f"= {lower + 0.0:.6g}"
    if np.isneginf(lower):
        return f"<= {upper + 0.0:.6g}"
    return f">= {lower + 0.0:.6g}"


def _bound(name: str, lower: float, upper: float) -> str:
    if lower == upper:
        return f"{name} = {lower + 0.0:.6g}"
    top = "" if np.isposinf(upper) else f" <= {upper + 0.0:.6g}"
    return f"{lower + 0.0:.6g} <= {name}{top}"
