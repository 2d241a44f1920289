"""What the charts of the page are made of: curves with their names, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zeropark.faces.report.curves import (
    Curves,
    Floats,
    by_day,
    matching,
    plain,
    spells,
    ticks,
    year_map,
)
from zeropark.faces.report.flows import NO_ENERGY, Flow
from zeropark.faces.report.shown import instant
from zeropark.faces.report.words import say
from zeropark.units.text import Text

Run = Mapping[str, Any]
# More spells than this in a row of the lane are thinner than a line.
_MOST_SPELLS = 400
# A lane of prices holds so many curves, and they differ by at least so much on average [CNY/MWh].
_CURVES = 3
_ALIKE = 10.0
# Reasons are drawn up to a fortnight; from four weeks on a map shows every hour.
_REASONS_TO_HOURS = 14 * 24 + 1
_MAP_FROM_HOURS = 28 * 24 - 1
# How the columns of a class of jobs end, and in which unit they are.
_JOB_UNITS = {"_mw": "MW", "_cores_core": "cores", "_cores": "cores", "_kcore": "kcore"}


def charts(run: Run, curves: Curves, flows: Sequence[Flow]) -> dict[str, Any]:
    """Return all curves of the page; charts that the park has no series for are left out."""
    if not len(curves.starts):
        return {}
    hourly, curves = curves, by_day(curves)
    found: dict[str, Any] = {
        "hours": [round(float(hour), 4) for hour in curves.hours],
        "clock": (curves.local.astype("datetime64[m]").astype(int)).tolist(),
        "minutes": curves.minutes,
        "ticks": ticks(curves),
        "policy": run["policy"],
        "supply": [chart for chart in (_supply(run, curves, flow) for flow in flows) if chart],
        "lanes": _lanes(run, curves, hourly),
        "cooling": _cooling(run, curves),
        "jobs": _jobs(run, curves),
        "map": _map(run, hourly),
    }
    return {key: value for key, value in found.items() if value}


def computing(run: Run, curves: Curves) -> frozenset[str]:
    """Return the assets whose machines have a power of their own: halls."""
    names = curves.columns.get(run["policy"], {})
    return frozenset(a["name"] for a in run["assets"] if f"{a['name']}/it_mw" in names)


def absent_readings(found: Any) -> int:
    """Return how many drawn values of the run itself are absent."""
    if isinstance(found, Mapping):
        own = {key: value for key, value in found.items() if key not in {"rules", "marginal"}}
        if "values" in own:
            return sum(value is None for value in own["values"])
        return sum(absent_readings(value) for value in own.values())
    if isinstance(found, list):
        return sum(absent_readings(value) for value in found)
    return 0


def label_of(thing: Mapping[str, Any]) -> Text:
    """Return the name of an asset or a mode in both languages."""
    return Text(thing["label"]["en"], thing["label"]["zh"])


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


# -- supply ----------------------------------------------------------------------------------------


def _supply(run: Run, curves: Curves, flow: Flow) -> dict[str, Any] | None:
    """Return one carrier's stack: what fed it above zero, storing and export below, use."""
    carrier, policy = flow.carrier, run["policy"]
    above = list(_above(run, curves, carrier, policy))
    below = list(_below(run, curves, carrier, policy))
    if not above:
        return None
    found: dict[str, Any] = {
        "carrier": carrier,
        "above": [_curve(*each) for each in above],
        "below": [_curve(*each) for each in below],
        "used": plain(_sum(above, curves.hours[1:]) - _sum(below, curves.hours[1:])),
    }
    if policy != "rules" and "rules" in curves.columns:
        theirs = list(_above(run, curves, carrier, "rules"))
        if len(theirs) == len(above):
            gone = _sum(list(_below(run, curves, carrier, "rules")), curves.hours[1:])
            found["rules"] = plain(_sum(theirs, curves.hours[1:]) - gone)
    return found


_Named = tuple[str, Text, str, Floats]


def _above(run: Run, curves: Curves, carrier: str, policy: str) -> Iterator[_Named]:
    """Yield (asset, label, manner, values ≥ 0 [MW]) from the bottom of the stack to its top."""
    for role, manner in (("", "clean"), ("store", "store"), ("grid", "grid")):
        for asset in _giving(run, carrier):
            if asset["role"] != role and (role or asset["role"] in {"store", "grid"}):
                continue
            values = _power(curves, policy, asset, carrier)
            if values is None:
                continue
            label = label_of(asset)
            if manner == "store":
                label = say("discharge", name=label)
            fired = carrier == "electricity" and not asset.get("clean", True)
            yield asset["name"], label, "grid" if fired else manner, _positive(values)


def _below(run: Run, curves: Curves, carrier: str, policy: str) -> Iterator[_Named]:
    """Yield (asset, label, manner, values ≥ 0 [MW]) of storing and export."""
    for asset in _giving(run, carrier):
        label = label_of(asset)
        if asset["role"] == "store":
            values = _power(curves, policy, asset, carrier)
            if values is not None:
                yield asset["name"], say("charge", name=label), "store", _positive(-values)
        elif asset["role"] == "grid":
            sent = curves.get(policy, f"{asset['name']}/export_mw")
            if sent is not None:
                yield asset["name"], say("exported"), "export", _positive(sent)


def _giving(run: Run, carrier: str) -> list[Mapping[str, Any]]:
    """Return the assets that fed a carrier's node, those that gave most first."""
    given = {
        entry["asset"]: entry["mwh"] or 0.0
        for entry in run["energy"]["sources"]
        if entry["carrier"] == carrier
    }
    assets = [asset for asset in run["assets"] if asset["name"] in given]
    return sorted(assets, key=lambda asset: -given[asset["name"]])


def _power(curves: Curves, policy: str, asset: Mapping[str, Any], carrier: str) -> Floats | None:
    """Return what an asset puts into a carrier's node [MW], charging negative."""
    name = asset["name"]
    if asset["role"] == "grid":
        return curves.get(policy, f"{name}/import_mw")
    if carrier == "electricity":
        return curves.get(policy, f"{name}/p_mw")
    return curves.get(policy, f"{name}/{carrier}_mw", f"{name}/q_mw")


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.where(np.isnan(values), np.nan, 0.0))


def _sum(named: Sequence[_Named], like: Floats) -> Floats:
    found = np.zeros_like(like)
    for *_, values in named:
        found = found + values
    return found


def _curve(asset: str, label: Text, manner: str, values: Floats) -> dict[str, Any]:
    return {"asset": asset, "label": _both(label), "manner": manner, "values": plain(values)}


# -- lanes -----------------------------------------------------------------------------------------


def _lanes(run: Run, curves: Curves, hourly: Curves) -> dict[str, Any]:
    policy = run["policy"]
    found: dict[str, Any] = {}
    ties = [asset for asset in run["assets"] if asset["role"] == "grid"]
    prices = [
        {"label": _both(label_of(tie)), "values": plain(values)}
        for tie in ties
        if (values := curves.get(policy, f"{tie['name']}/price_import_cny_per_mwh")) is not None
    ]
    marginal = list(_marginal(run, curves))
    if prices or marginal:
        found["price"] = {"import": prices, "marginal": marginal}
    spread = _spread(hourly, policy, ties)
    if spread:
        found["price"]["spread"] = spread
    if prices or marginal:
        start = int(curves.starts[0].astype("datetime64[s]").astype(int))
        gave = [each for each in run["gave_way"] if each.get("from") and each.get("to")]
        found["price"]["scarce"] = [
            [_since(each["from"], start), _since(each["to"], start)] for each in gave
        ]
    brought = _grid_import(curves, policy, ties)
    if brought is not None:
        found["import"] = {"values": plain(brought)}
        theirs = _grid_import(curves, "rules", ties) if policy != "rules" else None
        if theirs is not None:
            found["import"]["rules"] = plain(theirs)
    found["soc"] = list(_states(run, curves))
    found["reasons"] = list(_reasons(run, curves))
    return {key: value for key, value in found.items() if value}


def _spread(
    hourly: Curves, policy: str, ties: Sequence[Mapping[str, Any]]
) -> tuple[float, float] | None:
    """Return the lowest and the highest import price [CNY/MWh], before days are averaged."""
    names = [f"{tie['name']}/price_import_cny_per_mwh" for tie in ties]
    there = [values for name in names if (values := hourly.get(policy, name)) is not None]
    if not there:
        return None
    return float(np.nanmin(there)), float(np.nanmax(there))


def _marginal(run: Run, curves: Curves) -> Iterator[dict[str, Any]]:
    """Yield the marginal price of nodes of energy that have one [CNY/MWh], as many as can be read.

    Nodes behind a transformer cost nearly the same: of curves that lie close one is drawn.
    """
    names = curves.columns.get(run["policy"], {})
    ends = "/price_cny_per_mwh"
    other = {n["name"] for n in run.get("nodes") or [] if n["carrier"] in NO_ENERGY}
    drawn: list[Floats] = []
    for name in names:
        if not name.endswith(ends) or name.removesuffix(ends) in other:
            continue
        values = names[name]
        alike = any(float(np.nanmean(np.abs(values - each))) < _ALIKE for each in drawn)
        if len(drawn) < _CURVES and not alike:
            drawn.append(values)
            yield {"node": name.removesuffix(ends), "values": plain(values)}


def _grid_import(curves: Curves, policy: str, ties: Sequence[Mapping[str, Any]]) -> Floats | None:
    columns = [curves.get(policy, f"{tie['name']}/import_mw") for tie in ties]
    there = [values for values in columns if values is not None]
    return np.sum(there, axis=0) if there else None


def _states(run: Run, curves: Curves) -> Iterator[dict[str, Any]]:
    """Yield each store's state of charge at the end of each step [1]."""
    for asset in run["assets"]:
        values = curves.get(run["policy"], f"{asset['name']}/soc_pu")
        if values is None:
            continue
        found = {
            "label": _both(label_of(asset)),
            "carrier": asset["carrier"],
            "values": plain(values),
        }
        theirs = (
            curves.get("rules", f"{asset['name']}/soc_pu") if run["policy"] != "rules" else None
        )
        if theirs is not None:
            found["rules"] = plain(theirs)
        yield found


def _reasons(run: Run, curves: Curves) -> Iterator[dict[str, Any]]:
    """Yield each asset's reasons as spells in hours; assets that were only idle are left out."""
    if curves.hours[-1] > _REASONS_TO_HOURS:
        return
    start = int(curves.starts[0].astype("datetime64[s]").astype(int))
    carriers = {asset["name"]: asset["carrier"] for asset in run["assets"]}
    by_asset: dict[str, list[Mapping[str, Any]]] = {}
    for reason in run.get("reasons") or []:
        by_asset.setdefault(reason["asset"], []).append(reason)
    for name, reasons in by_asset.items():
        if all(reason["code"] in {"idle", "forecast"} for reason in reasons):
            continue
        kept = [reason for reason in reasons if reason["code"] != "idle"]
        yield {
            "asset": name,
            "label": reasons[0]["label"],
            "carrier": carriers.get(name.partition("/")[0], ""),
            "spells": [
                [_since(reason["from"], start), _since(reason["to"], start), reason["sentence"]]
                for reason in kept[:_MOST_SPELLS]
            ],
        }


def _since(moment: str, start: int) -> float:
    return round((instant(moment).timestamp() - start) / 3600, 4)


def _map(run: Run, hourly: Curves) -> dict[str, Any] | None:
    """Return the clean share of each hour of a run of weeks; None for a shorter one."""
    clean = hourly.get(run["policy"], "park/clean_share_pu")
    if clean is None or hourly.hours[-1] < _MAP_FROM_HOURS:
        return None
    return year_map(hourly, clean)


# -- cooling and jobs ------------------------------------------------------------------------------


def _cooling(run: Run, curves: Curves) -> dict[str, Any] | None:
    """Return the cooling modes of each hall, and the weather they went by."""
    policy = run["policy"]
    modes = [
        {"label": asset["label"], "spells": spells(values, curves.hours)}
        for asset in run["assets"]
        if (values := curves.get(policy, f"{asset['name']}/cooling_mode")) is not None
    ]
    if not modes:
        return None
    found: dict[str, Any] = {
        "halls": modes,
        "modes": [{"code": mode["code"], "label": mode["label"]} for mode in run["cooling_modes"]],
    }
    for key, name in (("air", "weather/t_air_c"), ("wet", "weather/t_wet_c")):
        values = curves.get(policy, name)
        if values is not None:
            found[key] = {"values": plain(values)}
    return found


def _jobs(run: Run, curves: Curves) -> dict[str, Any] | None:
    """Return the work of each class of jobs, beside the clean share of the park."""
    policy = run["policy"]
    pools = [a for a in run["assets"] if a["carrier"] == "compute" and a["role"] == "use"]
    names = curves.columns.get(policy, {})
    ends, columns = _class_columns(names, [pool["name"] for pool in pools])
    if not columns:
        return None
    found: dict[str, Any] = {
        "unit": _JOB_UNITS[ends],
        "classes": [
            {"label": _class_label(run, name, ends), "values": plain(names[name])}
            for name in columns
        ],
    }
    clean = curves.get(policy, "park/clean_share_pu")
    if clean is not None:
        found["clean"] = {"values": plain(clean)}
    theirs = [curves.get("rules", name) for name in columns] if policy != "rules" else []
    there = [values for values in theirs if values is not None]
    if there and len(there) == len(columns):
        found["rules"] = plain(np.sum(there, axis=0))
    return found


def _class_columns(names: Iterable[str], pools: Sequence[str]) -> tuple[str, list[str]]:
    """Return how the columns of the classes end, and the columns."""
    for ends in _JOB_UNITS:
        columns = [name for pool in pools for name in matching(names, pool, ends)]
        if columns:
            return ends, columns
    return "", []


def _class_label(run: Run, column: str, ends: str) -> Mapping[str, str]:
    """Return the words for a class of jobs: those of its reasons, or its own name."""
    part = column.partition("/")[2].removesuffix(ends)
    labels: Iterable[Mapping[str, Any]] = run.get("job_classes") or []
    return next(
        (each["label"] for each in labels if each["name"] == part), {"en": part, "zh": part}
    )
