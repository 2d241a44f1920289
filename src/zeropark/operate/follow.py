"""The local controller of a store: within a step it follows what was meant, not only what was said.

A plan is made on a forecast. When the step turns out otherwise, the store takes the difference
where that is worth more than letting the grid take it, and it keeps the import under the plan's
target. Rules give no power at all but a band of grid import that the store is to hold.
"""

from __future__ import annotations

from collections.abc import Mapping

INFINITE = float("inf")
# Prices that differ by less are one price [CNY/MWh]: duals are exact to the solver's tolerance.
_EQUAL = 1e-3


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
    meant = tie.get("import", need)
    if need > meant:
        return _with_less(need - max(0.0, meant), planned, price_import)
    return _with_more(need, meant, planned, price_import, price_export)


def _with_less(missing: float, planned: Mapping[str, float], price_import: float) -> float:
    """Less sun than foreseen: discharge more where the grid is dearer, else charge less."""
    worth, efficiency = planned["worth"], planned["efficiency"]
    if missing <= 0.0:
        return 0.0
    if price_import > worth / efficiency + planned["wear"]:
        return missing
    if price_import > worth * efficiency:
        return min(missing, max(0.0, -planned["p"]))
    return 0.0


def _with_more(
    need: float,
    meant: float,
    planned: Mapping[str, float],
    price_import: float,
    price_export: float,
) -> float:
    """More sun than foreseen: keep it where a stored MWh is worth more than it brings at the tie.

    What would be sold is kept first, then what would replace import.
    """
    worth, efficiency = planned["worth"], planned["efficiency"]
    spared = max(0.0, planned["p"])
    change = 0.0
    for price, least, most in (
        (price_export, need, min(0.0, meant)),
        (price_import, max(0.0, need), max(0.0, meant)),
    ):
        more = max(0.0, most - least)
        if worth * efficiency > price - _EQUAL:
            change -= more
        elif worth / efficiency + planned["wear"] > price + _EQUAL:
            change -= min(more, max(0.0, spared + change))
    return change
