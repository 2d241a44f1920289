"""What a sizing came to, as `--json` prints it: units are the last word of a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zeropark.plan.sizing import Point, Sizing


def as_json(
    sizing: Sizing, units: Sequence[str], lived: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the study's answer and its frontier.

    units: of the parameters, in the order of the capacities. lived: what each point of the
    frontier came to in closed loop, and the answer last.
    """
    frontier = [
        _point(point, units, own) for point, own in zip(sizing.frontier, lived[:-1], strict=True)
    ]
    columns, rows, nonzeros = sizing.size
    return {
        "reached": sizing.reached,
        "clean_share_possible": sizing.frontier[-1].clean_share,
        "answer": _point(sizing.answer, units, lived[-1]),
        "frontier": frontier,
        "size": {"columns": columns, "rows": rows, "nonzeros": nonzeros},
        "times": {"solve_s": sizing.seconds_in_solver, "wall_s": sizing.seconds},
    }


def _point(point: Point, units: Sequence[str], lived: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "clean_share_asked": point.asked,
        "clean_share": point.clean_share,
        "capacities": [
            {"parameter": name, "value": value, "unit": unit}
            for (name, value), unit in zip(point.capacities.items(), units, strict=True)
        ],
        "cost_cny": {**point.costs, "total": point.cost},
        "gave_way_mwh": point.gave_way,
        "lived": {
            "days": list(lived["days"]),
            "cost_cny": {**lived["costs"], "total": sum(lived["costs"].values())},
            "clean_share": lived["clean_share"],
            "unserved_mwh": lived["unserved"],
        },
    }
