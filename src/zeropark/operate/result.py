"""What a run came to, by the names of `run.json`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zeropark import __version__
from zeropark.data.published import Fact, UnknownFactError, fact
from zeropark.formulation.reasons import Reason, limit_words
from zeropark.formulation.solver import Grade
from zeropark.model.park import Park
from zeropark.operate.build import RunRequest
from zeropark.operate.loop import Gave, Outcome
from zeropark.operate.planner import Planner
from zeropark.operate.world import World
from zeropark.units.text import Text

# Below this share of the rules' cost there is nothing to capture, only noise [1].
_LEAST_TO_CAPTURE = 0.01
# Carriers that are counted in other units than energy.
_NO_ENERGY = frozenset({"compute", "material"})


@dataclass
class Results:
    """All that was lived and planned in a run.

    outcomes: by policy. planner: of the main run, None where rules ran it.
    seconds: wall time of all.
    """

    request: RunRequest
    world: World
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    planner: Planner | None = None
    seconds: float = 0.0

    @property
    def park(self) -> Park:
        """The park of the run."""
        return self.request.park


def as_json(results: Results) -> dict[str, Any]:
    """Return the content of `run.json`."""
    request, world = results.request, results.world
    main = results.outcomes[request.policy]
    found: dict[str, Any] = {
        "schema": 1,
        "park": request.park.name,
        "park_label": both(request.park.shown),
        "place": _place(request.park),
        "start": request.start,
        "start_at": f"{world.grid.start}Z",
        "end": f"{world.grid.end}Z",
        "days": request.days,
        "step_minutes": request.step_minutes,
        "horizon_hours": request.horizon_hours,
        "policy": request.policy,
        "seed": request.seed,
        "partial": main.figures.interrupted,
        "days_run": main.figures.hours / 24,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "simulated": True,
        **figures(results, main),
        "gave_way": [gave_json(world, gave) for gave in main.gave_way],
        "plans": _plans(results),
        "reasons": list(reasons_json(world, main.reasons)),
        "energy": _energy(world, main),
        "assets": assets_json(world),
        "nodes": [{"name": node.name, "carrier": node.carrier} for node in request.park.nodes],
        "cooling_modes": _cooling_modes(world),
        "factors": [_fact(each) for each in _factors(results)],
        "assumptions": _assumptions(results),
        "findings": [both(finding.text) for finding in world.findings],
    }
    if "foresight" in results.outcomes:
        found["compare"] = _compare(results, found)
    return found


def figures(results: Results, outcome: Outcome) -> dict[str, Any]:
    """Return one policy's figures."""
    modes = {mode["code"]: mode["name"] for mode in _cooling_modes(results.world)}
    halls = sum(
        1 for asset in results.world.assets if "compute" in asset.ports() and asset.role != "use"
    )
    found = outcome.figures.as_json(modes, halls)
    tally = _tally(results.world, outcome)
    found["clean_share_contract"] = outcome.figures.clean_share_contract()
    found["clean_share_grid_mix"] = _with_grid_mix(results, outcome)
    found["self_use_share"] = outcome.figures.self_use()
    found["cost_cny"] = {"total": sum(outcome.costs.values()), **outcome.costs}
    factor = _grid_factor(results)
    found["co2_t"] = None if factor is None else outcome.figures.imported * factor.in_unit("t/MWh")
    jobs, green = outcome.figures.jobs, outcome.figures.green_jobs
    found["jobs"] = {
        "done": tally.get("jobs_done"),
        "late": tally.get("jobs_late"),
        "green_share": green / jobs if jobs > 0 else None,
    }
    found["ev"] = {"served_mwh": tally.get("ev_served_mwh"), "short_mwh": tally.get("ev_short_mwh")}
    found["base"] = _base(tally) | _smoothing(results, outcome)
    found["direct_supply"] = _direct(results, outcome)
    found["heat_dumped_mwh"] = tally.get("heat_dumped_mwh")
    found["green_contracts"] = {
        name: {"delivered_mwh": given, "matched_mwh": matched}
        for name, (given, matched) in outcome.figures.traded().items()
    }
    found["reserve_cost_cny"] = outcome.reserve_cost
    return found


def _base(tally: Mapping[str, float]) -> dict[str, Any]:
    """Return the share of steps in which remote bases kept their downward limits [1]."""
    steps = tally.get("ramp_steps", 0.0)
    return {"ramp_kept_share": tally["ramp_steps_kept"] / steps if steps else None}


def _smoothing(results: Results, outcome: Outcome) -> dict[str, Any]:
    """Return the smoothness of each base, and the first one's in short."""
    by_base = {
        name: base.as_json(results.world.end_price)
        for name, base in outcome.figures.smoothing.items()
    }
    first = next((found for found in by_base.values() if found is not None), None)
    told = first or {"with_storage": {}, "without_storage": {}}
    return {
        "ramp_p99_mw": told["with_storage"].get("ramp_p99_mw"),
        "ramp_p99_without_mw": told["without_storage"].get("ramp_p99_mw"),
        "kept_without_share": told["without_storage"].get("down_kept_share"),
        "smoothing_cny_per_mwh": told.get("cost_cny_per_mwh"),
        "by_base": by_base,
    }


def _direct(results: Results, outcome: Outcome) -> dict[str, Any] | None:
    """Return the ratios of direct supply and what the rule asks of a year; None without a base."""
    found = outcome.figures.direct_supply()
    if not outcome.figures.smoothing:
        return None
    at = dt.date.fromisoformat(results.request.start)
    asked = {
        "self_use_share": ("direct_self_use_min", 1.0),
        "load_share": ("direct_load_share_min", 1.0),
        "export_share": ("direct_export_max", -1.0),
    }
    told: dict[str, Any] = dict(found)
    for name, (rule, sign) in asked.items():
        limit, share = fact(rule, at).in_unit("1"), found[name]
        told[f"{name}_limit"] = limit
        told[f"{name}_kept"] = None if share is None else sign * (share - limit) >= 0.0
    return told


def _tally(world: World, outcome: Outcome) -> dict[str, float]:
    tally: dict[str, float] = {}
    if not outcome.lived:
        return tally
    for asset in world.assets:
        for name, amount in asset.tally(outcome.readings[asset.name]).items():
            tally[name] = tally.get(name, 0.0) + amount
    return tally


def _with_grid_mix(results: Results, outcome: Outcome) -> float | None:
    share, mix = outcome.figures.clean_share(), _fact_of(results, "grid_clean_share")
    if share is None or mix is None:
        return None
    return share + (1.0 - share) * mix.value


def _compare(results: Results, main: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: figures(results, results.outcomes[name]) for name in ("rules", "foresight", "played")
    }
    plan = main["cost_cny"]["total"]
    rules, best = (found[name]["cost_cny"]["total"] for name in ("rules", "foresight"))
    served = main["served_mwh"]
    found["regret_cny_per_mwh"] = (plan - best) / served if served else None
    found["captured"] = captured([rules], [plan], [best])
    found["win"] = _wins(main, found["rules"])
    perfect = results.outcomes.get("perfect_forecast")
    if perfect is not None:
        # Plant against model: the same plan, lived. Horizon: two days, arrivals as expected.
        without_errors = sum(perfect.costs.values())
        played = found["played"]["cost_cny"]["total"]
        found["missing_cny"] = {
            "plant": played - best,
            "horizon": without_errors - played,
            "forecast": plan - without_errors,
        }
    return found


def captured(rules: Iterable[float], plan: Iterable[float], best: Iterable[float]) -> float | None:
    """Return how much of the way from rules to foresight the plan went, over the days together [1].

    None where there is less than 1 % of the rules' cost to gain.
    """
    rules, plan, best = list(rules), list(plan), list(best)
    possible = sum(rules) - sum(best)
    if possible < _LEAST_TO_CAPTURE * abs(sum(rules)):
        return None
    return (sum(rules) - sum(plan)) / possible


def _wins(plan: Mapping[str, Any], rules: Mapping[str, Any]) -> bool:
    """Return whether the plan is cheaper and leaves nobody worse served than the rules do."""
    pairs = [
        (plan["jobs"]["late"], rules["jobs"]["late"]),
        (plan["ev"]["short_mwh"], rules["ev"]["short_mwh"]),
        (plan["unserved_mwh"], rules["unserved_mwh"]),
    ]
    no_worse = all((ours or 0.0) <= (theirs or 0.0) + 1e-6 for ours, theirs in pairs)
    return no_worse and bool(plan["cost_cny"]["total"] < rules["cost_cny"]["total"])


def _plans(results: Results) -> dict[str, Any]:
    planner = results.planner
    if planner is None:
        return {"count": 0}
    timing, grades = planner.timing, planner.grades
    steps = np.array(timing.steps or (0.0,)) * 1e3
    return {
        "count": sum(grades.values()),
        **{grade.value: grades[grade] for grade in Grade},
        "gap_max": max(timing.gaps, default=0.0),
        "build_s": timing.build,
        "update_s": timing.update,
        "solve_s": timing.highs,
        "around_solve_s": timing.solve - timing.highs,
        "read_s": timing.read,
        "step_ms_p50": float(np.percentile(steps, 50)),
        "step_ms_p95": float(np.percentile(steps, 95)),
        "wall_s": results.seconds,
    }


def gave_json(world: World, gave: Gave) -> dict[str, Any]:
    """Return what gave way, when, by how much, and the sentence that says so."""
    starts, grid = world.grid.starts, world.grid
    owner = gave.asset.partition("/")[0]
    limits = next((asset.limits for asset in world.assets if asset.name == owner), {})
    limit, label = limit_words(limits, gave.limit), _label(world, gave.asset)
    words, unit = limit.words, limit.unit
    lasting = np.timedelta64(round(float(grid.hours[gave.last]) * 3600), "s")
    first, last = grid.local()[gave.first], grid.local()[gave.last] + lasting
    span = f"{_clock(first)}–{_clock(last)}"
    return {
        "asset": gave.asset,
        "limit": gave.limit,
        "from": f"{starts[gave.first]}Z",
        "to": f"{starts[gave.last] + lasting}Z",
        "amount": gave.amount,
        "unit": unit,
        "sentence": {
            "en": f"Gave way: {label.en}, {words.en}, {span}, short by {gave.amount:.3g} {unit}",
            "zh": f"让步：{label.zh}，{words.zh}，{span}，短缺 {gave.amount:.3g} {unit}",
        },
    }


def _clock(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[m]")).replace("T", " ")[5:]


def reasons_json(world: World, found: Iterable[tuple[int, Reason]]) -> Iterable[dict[str, Any]]:
    """Yield one entry per spell in which an asset's reason stayed the same."""
    spells: dict[str, dict[str, Any]] = {}
    length = np.timedelta64(round(world.grid.step_hours * 3600), "s")
    for index, reason in found:
        start = world.grid.starts[index]
        spell = spells.get(reason.asset)
        if spell is not None and spell["code"] == reason.code and spell["to"] == f"{start}Z":
            spell["to"] = f"{start + length}Z"
            continue
        if spell is not None:
            yield spell
        spells[reason.asset] = {
            "asset": reason.asset,
            "label": both(_label(world, reason.asset)),
            "from": f"{start}Z",
            "to": f"{start + length}Z",
            "code": reason.code,
            "sentence": both(reason.sentence),
        }
    yield from spells.values()


def _label(world: World, name: str) -> Text:
    """Return the words for an asset, or for a part of one (`jobs/render`)."""
    owner, _, part = name.partition("/")
    for asset in world.assets:
        if asset.name == owner:
            own, its = asset.shown, asset.shown_member(part)
            return Text(f"{own.en}, {its.en}", f"{own.zh}：{its.zh}") if part else own
    return Text(name, name)


def _energy(world: World, outcome: Outcome) -> dict[str, Any]:
    """Return each asset's energy in and out by carrier [MWh], from the meters."""
    made, taken = outcome.figures.made, outcome.figures.taken
    sources, uses, losses = [], [], []
    for asset in world.assets:
        carriers = {port.carrier for port in asset.ports().values()} - _NO_ENERGY
        for carrier in sorted(carriers):
            entry = {
                "asset": asset.name,
                "label": both(asset.shown),
                "kind": asset.kind,
                "carrier": carrier,
                "clean": asset.clean or carrier != "electricity",
            }
            gave, took = made.get((asset.name, carrier), 0.0), taken.get((asset.name, carrier), 0.0)
            if asset.role == "store":
                losses.append({**entry, "mwh": outcome.figures.lost_in(asset.name, took - gave)})
                sources.append({**entry, "mwh": gave})
                uses.append({**entry, "mwh": took})
            elif asset.role == "carry":
                losses.append({**entry, "mwh": took - gave})
                uses.append({**entry, "mwh": took - gave})
            else:
                if gave > 0 or asset.role in {"source", "grid"}:
                    sources.append({**entry, "mwh": gave})
                if took > 0 or asset.role == "use":
                    uses.append({**entry, "mwh": took})
    return {"sources": sources, "uses": uses, "losses": losses}


def assets_json(world: World) -> list[dict[str, Any]]:
    """Return each asset's name, kind, role, label and carrier."""
    return [
        {
            "name": asset.name,
            "kind": asset.kind,
            "role": asset.role,
            "clean": asset.clean,
            "label": both(asset.shown),
            "carrier": next(iter(port.carrier for port in asset.ports().values()), ""),
        }
        for asset in world.assets
    ]


def _cooling_modes(world: World) -> list[dict[str, Any]]:
    for asset in world.assets:
        for point in asset.points:
            if point.name == "cooling_mode":
                return [
                    {"code": code, "name": words.en.replace(" ", "_"), "label": both(words)}
                    for code, words in enumerate(point.codes)
                ]
    return []


# -- facts -----------------------------------------------------------------------------------


def _factors(results: Results) -> list[Fact]:
    found = [_fact_of(results, "grid_factor"), _fact_of(results, "grid_clean_share")]
    return [each for each in found if each is not None]


def _grid_factor(results: Results) -> Fact | None:
    return _fact_of(results, "grid_factor")


def _fact_of(results: Results, name: str) -> Fact | None:
    return regional(results.park, name, dt.date.fromisoformat(results.request.start))


def regional(park: Park, name: str, at: dt.date) -> Fact | None:
    """Return a fact of the park's region at a date, else the nation's; None where neither is."""
    region = park.region or "national"
    for candidate in (f"{name}_{region}", f"{name}_national"):
        try:
            return fact(candidate, at)
        except UnknownFactError:
            continue
    return None


def _fact(each: Fact) -> dict[str, Any]:
    return {
        "name": each.name,
        "label": both(each.label),
        "value": each.value,
        "unit": each.unit,
        "from": str(each.since),
        "source": each.source,
        "status": each.status,
    }


def _assumptions(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "where": number.where,
            "label": both(number.label),
            "value": number.value,
            "unit": number.unit,
            "source": number.source.words if number.source else "",
            "status": number.source.status if number.source else "assumption",
        }
        for number in results.park.assumptions()
    ]


def _place(park: Park) -> dict[str, Any]:
    place = park.place
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "altitude_m": place.altitude,
        "zone": place.zone,
    }


def both(text: Text) -> dict[str, str]:
    """Return a text in both languages by name."""
    return {"en": text.en, "zh": text.zh}
