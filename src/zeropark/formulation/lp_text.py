"""A program as a text a person can read: every row and bound by its asset and rule.

For golden files and for asking what a rule does to a park; large programs have no use for it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from zeropark.formulation.commitment import whole_columns
from zeropark.formulation.linear import NONE
from zeropark.formulation.program import Program
from zeropark.formulation.value import Value

Floats = npt.NDArray[np.float64]
_WIDTH = 100


def lp_text(program: Program) -> str:
    """Return the program as it now stands.

    Columns are `<asset>-<column>[step]`, rows `<asset>-<rule>[step]` and
    `<node>-<carrier>-balance[step]`; step -1 is the one before now and holds what was measured.
    A column that can only be 0 is left out; bounds of 0 and above are not written.
    """
    lower, upper, row_lower, row_upper = program.shut()
    names = _column_names(program)
    names = {i: name for i, name in names.items() if not lower[i] == upper[i] == 0.0}
    lines = ["minimise", *_objective(program, names), "", "subject to"]
    for number, name in _row_names(program):
        stretch = slice(program.start[number], program.start[number + 1])
        terms = _sum(program.value[stretch], program.index[stretch], names)
        lines += _row(f"{name}:", terms, _compared(row_lower[number], row_upper[number]))
    lines += ["", "bounds"]
    for number, name in sorted(names.items()):
        if lower[number] != 0.0 or not np.isposinf(upper[number]):
            lines.append(f"  {_bound(name, lower[number], upper[number])}")
    whole = [names[number] for number in whole_columns(program).tolist() if number in names]
    if whole:
        lines += ["", "whole numbers", *(f"  {name}" for name in whole)]
    return "\n".join(lines) + "\n"


def _column_names(program: Program) -> dict[int, str]:
    names: dict[int, str] = {}
    step_of = _step_of(program)
    for block in (*program.blocks.values(), program.node_block):
        for column in block.columns:
            for name, numbers in zip(block.names, column.columns.tolist(), strict=True):
                for slot, number in enumerate(numbers):
                    step = f"[{step_of[slot]}]" if len(numbers) > 1 else ""
                    names[number] = f"{name}-{column.name}{step}"
    names.pop(NONE, None)
    return names


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
                if numbers[slot] != NONE:
                    yield int(numbers[slot]), f"{name}-{rule}[{step}]"


def _objective(program: Program, names: dict[int, str]) -> list[str]:
    """Return the cost by part; what a limit that gives way costs is not part of it."""
    by_part: dict[str, Floats] = {}
    for part, term in program.cost_parts:
        number = term.coefficient
        array = number.array if isinstance(number, Value) else np.full((1, 1), number)
        costs = by_part.setdefault(part, np.zeros(program.column_count))
        costs[term.columns] += np.broadcast_to(array, term.columns.shape)
    lines = []
    for part, costs in by_part.items():
        terms = _sum(costs, np.arange(len(costs)), names)
        lines += _row(f"{part}:", terms, "") if terms else []
    return lines or ["  0"]


def _sum(
    coefficients: Floats, columns: npt.NDArray[np.integer], names: dict[int, str]
) -> list[str]:
    terms = []
    for coefficient, column in zip(coefficients.tolist(), columns.tolist(), strict=True):
        if coefficient != 0.0 and column in names:
            size = "" if abs(coefficient) == 1.0 else f"{abs(coefficient):.6g} "
            terms.append(f"{'-' if coefficient < 0 else '+'} {size}{names[column]}")
    return terms


def _row(name: str, terms: list[str], end: str) -> list[str]:
    """Return a row of words, folded where it would be long."""
    return textwrap.wrap(
        " ".join([name, *(terms or ["0"]), end]).strip(),
        width=_WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


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
