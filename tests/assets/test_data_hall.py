"""A hall's plan has the slope of its plant, cooling follows the weather, thin air costs fans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.assets.yard import XINING, day, outlook_of, parse, program_of, with_arrivals
from zeropark.assets.data_hall import COOLING_MODES, WAYS, DataHall, HallDevice, Way
from zeropark.data.outlook import Outlook
from zeropark.data.weather import Weather
from zeropark.data.weather.climate import climate
from zeropark.data.weather.generate import typical_year
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.units.timegrid import TimeGrid


def _hall(**changes: object) -> DataHall:
    nameplate: dict[str, object] = {
        "name": "hall",
        "node": "bus",
        "compute": "it",
        "p_nom": 1.2,
        "p_idle": 0.3,
        "cores": 100_000.0,
    }
    return DataHall.model_validate({**nameplate, **changes})


@pytest.fixture(scope="module")
def year() -> Outlook:
    """Every 37th hour of a typical year in Xining, warmed by turns so that compressors run too."""
    weather = typical_year(climate("xining"), XINING, seed=1)
    hours = weather.grid
    starts = slice(0, 8760, 37)
    count = len(range(8760)[starts])
    grid = TimeGrid.regular(hours.start, count, 60, hours.zone)
    warmer = np.tile([0.0, 6.0, 14.0], count)[:count]
    columns = {
        name: getattr(weather, name)[starts]
        for name in ("ghi", "dni", "dhi", "t_air", "t_dew", "pressure", "wind_speed")
    }
    columns["t_air"] = columns["t_air"] + warmer
    columns["t_dew"] = np.minimum(columns["t_dew"] + warmer, columns["t_air"])
    return Outlook(grid, Weather.of(grid, XINING, columns), {}, grid)


def _device(hall: DataHall, outlook: Outlook, dirt: float = 0.5) -> HallDevice:
    assert outlook.weather is not None
    return HallDevice(hall, hall.climate(outlook.weather), 1.0 - hall.fouling * dirt)


def _planned_power(hall: DataHall, outlook: Outlook, it: float) -> np.ndarray:
    """The plan's electricity at machine power `it`, by hand from its signals [MW], each step."""
    signals = {name: array[0] for name, array in hall.signals(outlook).items()}
    left = np.full(len(outlook.grid), it - hall.p_idle)
    power = signals["standing"].copy()
    for k in range(sum(name.startswith("width_") for name in signals)):
        piece = np.clip(left, 0.0, signals[f"width_{k}"])
        power += piece * signals[f"slope_{k}"]
        left -= piece
    cool = np.maximum(0.0, it - signals["free"]) * signals["per_heat"]
    return np.asarray(power + cool)


@pytest.mark.parametrize("ways", [(way,) for way in WAYS] + [(), WAYS])
def test_marginal_pue_agrees_with_the_plant_within_two_percent(
    ways: tuple[Way, ...], year: Outlook
) -> None:
    """Over the year's weather and all loads; at a kink itself a slope has no one value."""
    hall = _hall(ways=ways)
    device = _device(hall, year)
    free = hall.signals(year)["free"][0]
    compared = 0
    for it in np.linspace(0.33, 1.17, 29):
        step = 0.02
        planned = (
            _planned_power(hall, year, it + step) - _planned_power(hall, year, it - step)
        ) / (2 * step)
        lived = np.array(
            [
                (device.power(i, it + step)[0] - device.power(i, it - step)[0]) / (2 * step)
                for i in range(len(year.grid))
            ]
        )
        plain = (np.abs(free - it) > 2 * step) | (free >= hall.p_nom * 0.97)
        compared += int(plain.sum())
        assert planned[plain] == pytest.approx(lived[plain], rel=0.02)
    assert compared > 0.9 * 29 * len(year.grid)


@pytest.mark.parametrize("dirt", [0.0, 1.0])
def test_the_best_case_never_takes_more_than_the_plant(dirt: float, year: Outlook) -> None:
    hall = _hall(ways=WAYS)
    device = _device(hall, year, dirt)
    for it in np.linspace(hall.p_idle, hall.p_nom, 41):
        best = _planned_power(hall, year.at_its_best(), it)
        lived = np.array([device.power(i, it)[0] for i in range(len(year.grid))])
        assert np.all(best <= lived + 1e-12)


def test_the_way_of_cooling_is_the_first_that_carries_all_else_the_best() -> None:
    grid = TimeGrid.regular(np.datetime64("2026-01-01"), 5, 60, XINING.zone)
    columns = {
        "t_air": np.array([-10.0, 15.0, 22.0, 30.0, 45.0]),
        "t_dew": np.array([-20.0, 5.0, 8.0, 10.0, 39.0]),
        "pressure": np.full(5, 77.2),
        "wind_speed": np.zeros(5),
        **{name: np.zeros(5) for name in ("ghi", "dni", "dhi")},
    }
    weather = Weather.of(grid, XINING, columns)
    hall = _hall(ways=("indirect_dry", "indirect_evaporative"))
    found = hall.climate(weather)
    names = [COOLING_MODES[code][0] for code in found.code.tolist()]
    # Dry works up to 36 - 12/0.7 = 18.9 degC; a wet bulb does the same for sprayed air.
    dry, wet = "indirect_dry", "indirect_evaporative"
    assert names == [dry, dry, wet, wet, "compressor"]
    assert found.share[:3].tolist() == [1, 1, 1]
    assert found.wet.tolist() == [0, 0, 1, 1, 0]
    assert _hall(ways=()).climate(weather).share.tolist() == [0] * 5


def test_a_mode_says_when_the_compressor_helps() -> None:
    outlook = outlook_of(day())
    assert outlook.weather is not None
    hot = replace(
        outlook.weather, t_air=outlook.weather.t_air + 10, t_wet=outlook.weather.t_wet + 7
    )
    device = _device(_hall(ways=("indirect_dry",)), replace(outlook, weather=hot))
    modes = set()
    for index in range(96):
        device.step(index, 0.25, {}, {"compute": -90.0})
        modes.add(COOLING_MODES[int(device.read()["cooling_mode"])][0])
    assert modes == {"indirect_dry", "mixed"}


def test_thin_air_takes_the_fans_power_by_the_square_of_density() -> None:
    """At 77.2 kPa and 24 degC the density is 0.905 kg/m3: (1.204 / 0.905)² = 1.77."""
    outlook = outlook_of(day(4))
    assert outlook.weather is not None
    high = _hall().climate(outlook.weather).thin
    low = _hall().climate(replace(outlook.weather, pressure=np.full(4, 101.325))).thin
    assert high == pytest.approx(np.full(4, 1.77), abs=0.01)
    assert low == pytest.approx(np.full(4, 1.03), abs=0.01)


def test_supply_loss_by_hand() -> None:
    """Half load of 1.2 MW: 1.2 · (0.02 + 0.5 · 0.02 + 0.25 · 0.02) = 0.042 MW."""
    assert _hall().supply(0.6) == pytest.approx(0.042)


def test_pue_is_a_result_and_that_of_a_good_hall_in_xining(year: Outlook) -> None:
    device = _device(_hall(), year)
    used = sum(device.power(i, 0.76)[0] for i in range(len(year.grid)))
    assert 1.12 < used / (0.76 * len(year.grid)) < 1.25


def test_recovered_heat_is_no_more_than_the_machines_give_and_nothing_is_lost() -> None:
    hall = _hall(heat="warm", recoverable=0.5)
    device = _device(hall, outlook_of(day()))
    total = 0.0
    for index in range(96):
        flows = device.step(index, 0.25, {"heat": 5.0}, {"compute": -60.0})
        assert flows["heat"] == pytest.approx(0.5 * device.it)
        total += 0.25 * sum(flows[port] for port in ("node", "heat"))
        assert device.account().lost == pytest.approx(-total, abs=1e-9)


def test_handed_on_heat_spares_the_compressor() -> None:
    hall = _hall(heat="warm", ways=())
    device = _device(hall, outlook_of(day()))
    alone, given = device.power(0, 1.0), device.power(0, 1.0, 0.4)
    assert given[1] == pytest.approx(alone[1] - 0.4)
    assert given[0] < alone[0]


def test_a_hall_gives_what_the_pool_asks_up_to_its_cores() -> None:
    device = _device(_hall(), outlook_of(day()))
    assert device.step(0, 0.25, {}, {"compute": -40.0})["compute"] == 40.0
    assert device.step(1, 0.25, {}, {"compute": -400.0})["compute"] == 100.0
    assert device.step(2, 0.25, {}, {"compute": 0.0})["compute"] == 0.0
    assert device.it == pytest.approx(0.3)


def test_a_hall_sheds_cores_to_spare_power_and_shows_both_flows() -> None:
    device = _device(_hall(), outlook_of(day()))
    device.step(0, 0.25, {}, {"compute": -80.0})
    before = device.p
    assert device.adjust("node", 0.2, 0.25) == pytest.approx(0.2, abs=1e-6)
    assert device.p == pytest.approx(before - 0.2, abs=1e-6)
    assert device.flows["compute"] < 80.0
    assert device.adjust("node", 9.0, 0.25) < before - 0.2
    assert device.kcores == 0.0


def test_the_plan_serves_the_cores_asked_for_at_the_pieces_own_cost() -> None:
    """The example hall and its online jobs: the plan's power is what its signals say by hand."""
    assets = parse(DataHall.example)
    outlook = with_arrivals(outlook_of(day()), assets)
    program = program_of(assets, outlook)
    plan = Plan.read(program, Solver(program).solve(), 0)
    hall = next(asset for asset in assets if isinstance(asset, DataHall))
    kcores = plan.amounts("job_pool", "run").sum(axis=0) / 0.25
    power = plan.amounts("grid_tie", "import")[0] / 0.25
    for step in (0, 40, 95):
        it = hall.p_idle + hall.p_kcore * kcores[step]
        assert power[step] == pytest.approx(_planned_power(hall, outlook, it)[step], rel=1e-6)


def test_machines_at_rest_take_less_than_at_work() -> None:
    with pytest.raises(ValueError, match=r"p_idle is 1\.2 MW and p_nom 1\.2 MW"):
        _hall(p_idle=1.2)
