"""A small park that needs no file: a tie, a load, a roof and a battery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zeropark.assets.battery import Battery
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Kind
from zeropark.assets.load import Load
from zeropark.model.park import Node, Park
from zeropark.model.series import Profile
from zeropark.model.tariff import Tariff
from zeropark.operate.build import RunRequest
from zeropark.operate.run import Run
from zeropark.units.place import Place

XINING = Place(36.6, 101.8, 2260.0, "Asia/Shanghai")


def tariff(interval: float = 0.25, demand: float = 35_200.0) -> Tariff:
    """The Qinghai 10 kV shape: cheap noon, dear evening [CNY/MWh], demand [CNY/MW-month]."""
    bands = [
        {"name": "peak", "hours": ["7-9", "17-23"], "price": 586.8},
        {"name": "valley", "hours": ["9-17"], "price": 241.2},
        {"name": "flat", "hours": ["23-7"], "price": 416.7},
    ]
    export = [{"name": "all", "hours": ["0-24"], "price": 100.0}]
    return Tariff.model_validate(
        {
            "name": "simple",
            "energy": [{"from": "2020-01-01", "bands": bands}],
            "export": [{"from": "2020-01-01", "bands": export}],
            "demand": {"price": demand, "interval": interval},
        }
    )


def small_assets(load_mw: float = 1.0, p_nom: float = 1.0, e_nom: float = 2.0) -> list[Kind]:
    return [
        GridTie(
            name="tie", node="bus", import_max=5.0, export_max=4.0, contract=2.0, tariff="simple"
        ),
        Load(name="works", node="bus", profile=Profile(constant=load_mw)),
        Battery(name="bat", node="bus", p_nom=p_nom, e_nom=e_nom),
    ]


def park_of(assets: Sequence[Kind], *, zone: str = "Asia/Shanghai", **tariffs: Any) -> Park:
    place = Place(XINING.latitude, XINING.longitude, XINING.altitude, zone)
    return Park(
        name="small",
        place=place,
        region="qinghai",
        nodes=(Node(name="bus", carrier="electricity"),),
        assets=tuple(assets),
        tariffs=(tariff(**tariffs),),
    )


def request_of(park: Park, **changes: Any) -> RunRequest:
    known: dict[str, Any] = {"start": "2026-04-17", "days": 1, "compare": False}
    return RunRequest(park, Path(), **{**known, **changes})


@pytest.fixture
def small_run() -> Run:
    return Run(request_of(park_of(small_assets())))


def silent(*_: object) -> None:
    """A progress nobody watches."""


def random_generator(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 20_260_417])
