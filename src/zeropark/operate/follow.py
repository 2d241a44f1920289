"""The local controller of a store: within a step it follows what was meant, not only what was said.

A plan is made on a forecast. When the step turns out otherwise, the store takes the difference
where that is worth more than letting the grid take it, and it keeps the import under the plan's
target. Rules give no power at all but a band of grid import that the store is to hold.
"""

from __future__ import annotations

from collections.abc import Mapping

INFINITE = float("inf")


def follow(
    need: float,
    planned: Mapping[str, float],
    tie: Mapping[str, float],
    price_import: float,
    price_export: float,
) -> float:
    """Return by how much the store should change its power [MW], discharge +.

    need: what the node lacks with the store at its set-point [MW], + import. planned: the store's
    set-points; `low` and `high` [MW] name a band of import to hold, else `p` [MW], `worth` of a
    stored MWh [CNY/MWh], `efficiency` one way and `wear` [CNY/MWh] say what was meant.
    tie: the tie's set-points: `import` as planned [MW], `target` highest import [MW].
    """
    if "high" in planned:
        return need - min(planned["high"], max(planned["low"], need))
    excess = need - tie.get("target", INFINITE)
    if excess > 0.0:
        return excess
    if "worth" not in planned:
        return 0.0
    return _take_the_difference(need, planned, tie.get("import", need), price_import, price_export)


def _take_the_difference(
    need: float,
    planned: Mapping[str, float],
    meant: float,
    price_import: float,
    price_export: float,
) -> float:
    worth, efficiency = planned["worth"], planned["efficiency"]
    most = min(0.0, meant)
    if need < most:
        # More sun than foreseen: store it rather than sell it for less.
        return need - most if worth * efficiency > price_export else 0.0
    missing = need - max(0.0, meant)
    if missing <= 0.0:
        return 0.0
    # Less sun than foreseen: discharge more where the grid is dearer, else at least charge less.
    if price_import > worth / efficiency + planned["wear"]:
        return missing
    if price_import > worth * efficiency:
        return min(missing, max(0.0, -planned["p"]))
    return 0.0
