"""What job slack is worth, against a published table: nine cells within three points."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from zeropark.assets.battery import Battery
from zeropark.assets.data_hall import DataHall
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.job_pool import JobClass, JobPool
from zeropark.assets.kind import Horizon, Kind
from zeropark.assets.pv import Pv
from zeropark.data.outlook import Outlook
from zeropark.data.weather.readers import read_weather
from zeropark.formulation.layout import Layout
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.queue import Work
from zeropark.formulation.solver import Solver
from zeropark.model.tariff import Tariff

Floats = npt.NDArray[np.float64]
DATA = Path(__file__).parents[2].parent / "shared" / "data"
STUDY: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("job_slack_c4.yaml").read_text(encoding="utf-8")
)
POINTS = 3.0
YEAR = 8760


def _jobs() -> tuple[Floats, Floats, Floats]:
    """Arrival, length [h] and power [MW] of each job; the mean of all power is the study's."""
    with (DATA / STUDY["jobs"]).open(encoding="utf-8") as file:
        rows = [
            (float(r["arrival_time"]), float(r["length"]), float(r["cpus"]))
            for r in csv.DictReader(file)
        ]
    arrival, length, cpus = np.array(rows).T
    scale = STUDY["it_jobs_mw"] * YEAR / float((length * cpus)[arrival < YEAR].sum())
    return arrival, length, cpus * scale


def _busy(arrival: Floats, length: Floats, power: Floats) -> Floats:
    """Mean power of each hour of the year if all jobs run as they come [MW], shape (8760,)."""
    edges = np.arange(YEAR + 1.0)
    total = np.zeros(YEAR + 1)
    for moment, sign in ((arrival, 1.0), (arrival + length, -1.0)):
        order = np.argsort(moment)
        at = np.searchsorted(moment[order], edges)
        count = np.concatenate([[0.0], np.cumsum(power[order])])[at]
        first = np.concatenate([[0.0], np.cumsum((power * moment)[order])])[at]
        total += sign * (count * edges - first)
    return np.diff(total)


def _assets(peak: float, e_nom: float) -> dict[str, list[Kind]]:
    """The park of the study: a thousand cores take a megawatt, so kcore-h are MWh of machines."""
    found = [
        GridTie(name="tie", node="bus", import_max=9.0, export_max=0.0, tariff="least_import"),
        _roof(),
        _hall(peak),
        _pool(peak),
    ]
    return {asset.kind: [asset] for asset in [*found, *([_battery(e_nom)] if e_nom > 0 else [])]}


def _roof() -> Kind:
    words = dict(STUDY["pv"])
    return _read(
        Pv, name="roof", node="bus", arrays=[{"tilt": words.pop("tilt")}], dirt=0.0, **words
    )


def _hall(peak: float) -> Kind:
    words = dict(STUDY["hall"])
    share = float(words.pop("supply_loss").rstrip(" %")) / 100
    none = dict.fromkeys(("fan_share", "pump_share", "misc_share", "fouling"), 0.0)
    size = {"p_nom": f"{peak} MW", "p_idle": "0 MW", "cores": f"{peak * 1e3} core"}
    ways = {"ways": ["waterside"], "supply_loss": [0.0, share, 0.0]}
    return _read(DataHall, name="hall", node="bus", compute="it", **size, **ways, **none, **words)


def _pool(peak: float) -> Kind:
    base = JobClass(name="base", mean=STUDY["it_base_mw"] * 1e3, online=True)
    mean = STUDY["it_jobs_mw"] * 1e3
    work = JobClass(name="work", mean=mean, parallel=1.0, run_time=1.0, preemptible=True)
    return JobPool(name="jobs", node="it", cores=peak * 1e3, classes=(base, work))


def _battery(e_nom: float) -> Kind:
    words = dict(STUDY["battery"])
    ideal = {"standing_loss": 0.0, "floor": 0.0, "ceiling": 1.0, "wear_cost": "0 CNY/MWh"}
    words["efficiency_best"] = words["efficiency"]
    return _read(Battery, name="bat", node="bus", e_nom=f"{e_nom} MWh", **ideal, **words)


def _read(kind: type[Kind], **words: object) -> Kind:
    return kind.model_validate(words, context={"file": True})


@pytest.fixture(scope="module")
def table() -> tuple[Floats, Floats]:
    """Green share and curtailed share [%] of each battery and slack."""
    if not (DATA / STUDY["weather"]).exists() or not (DATA / STUDY["jobs"]).exists():
        pytest.skip("the weather and job files of the shared data are not beside the repository")
    weather = read_weather(DATA / STUDY["weather"]).weather
    bands = [{"name": "all", "hours": ["0-24"], "price": 1.0}]
    tariff = Tariff.model_validate(
        {"name": "least_import", "energy": [{"from": "1900-01-01", "bands": bands}]}
    )
    outlook = Outlook(weather.grid, weather, {"least_import": tariff}, weather.grid)
    arrival, length, power = _jobs()
    busy = _busy(arrival, length, power)
    green, curtailed = [], []
    for e_nom in STUDY["battery_mwh"]:
        kinds = _assets(float(busy.max()) + STUDY["it_base_mw"], e_nom)
        sums = np.array([_year(kinds, outlook, busy, slack) for slack in STUDY["slack_hours"]])
        bought, used, made, there = sums.T
        green.append(100 * (1 - bought / used))
        curtailed.append(100 * (1 - made / there))
    return np.array(green), np.array(curtailed)


def _year(kinds: dict[str, list[Kind]], outlook: Outlook, busy: Floats, slack: float) -> Floats:
    """Import, use, PV made and PV available over the year's blocks [MWh]."""
    steps = STUDY["block_hours"]
    names = [Balance("bus", "electricity"), Balance("it", "compute")]
    program = Program(names, kinds, Layout(np.ones(steps)))
    solver = Solver(program)
    total = np.zeros(4)
    for first in range(0, YEAR, steps):
        block = outlook.window(first, first + steps)
        program.update(_inputs(kinds, block, busy[first : first + steps], slack))
        plan = Plan.read(program, solver.solve(), 0)
        bought = plan.amounts("grid_tie", "import").sum()
        made = plan.amounts("pv", "p").sum()
        stored = 0.0
        if "battery" in kinds:
            stored = (
                plan.amounts("battery", "charge") - plan.amounts("battery", "discharge")
            ).sum()
        there = kinds["pv"][0].signals(block)["available"].sum()
        total += np.array([bought, bought + made - stored, made, there])
    return total


def _inputs(
    kinds: dict[str, list[Kind]], block: Outlook, busy: Floats, slack: float
) -> dict[str, Inputs]:
    """The block's signals, and the work of each hour as a piece that may wait `slack` [h]."""
    steps = len(busy)
    begin = np.arange(float(steps))
    due = np.minimum(begin + 1.0 + slack, float(steps))
    work = Work(np.ones(steps, dtype=np.intp), busy, np.maximum(busy, 1e-9), begin, due)
    none = work.some(np.zeros(steps, dtype=bool))
    base = np.array([STUDY["it_base_mw"], 0.0])
    found = {}
    for kind, (asset,) in kinds.items():
        device = asset.device(block, np.random.default_rng(1)) if kind != "job_pool" else None
        readings = (
            {"queue": work, "started": none, "online": base} if device is None else device.read()
        )
        own = asset.situation(readings, Horizon(block.grid, 0.0))
        found[kind] = Inputs({**asset.signals(block), **own.signals}, own.figures)
    return found


def test_the_green_share_of_all_nine_cells(table: tuple[Floats, Floats]) -> None:
    assert table[0] == pytest.approx(np.array(STUDY["green_share_percent"]), abs=POINTS)


def test_the_curtailed_share_without_a_battery(table: tuple[Floats, Floats]) -> None:
    """With one, surplus may be lost in it: least import does not say how much is curtailed."""
    assert table[1][0] == pytest.approx(
        np.array(STUDY["curtailed_percent_without_battery"]), abs=POINTS
    )
