"""A trial: the newest plan made once more with a limit, a price or the sun otherwise.

It plans and lives nothing; the plant and the running planner are not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.operate.ahead import Ahead, look
from zeropark.operate.build import balances
from zeropark.operate.controllers import Asked, price_bands
from zeropark.operate.forecaster import Signals
from zeropark.operate.horizon import Steps
from zeropark.operate.planner import Planner
from zeropark.operate.run import Run
from zeropark.units.text import Text

# How far each may be moved: shares of what is [1].
FACTORS = {"contract": (0.2, 3.0), "price": (0.2, 3.0), "sun": (0.0, 1.5)}
_OUT = Text(
    "{name} {given:g}: out of range. Allowed: {low:g} to {high:g}, 1 is as it is",
    "{name} {given:g}：超出范围。允许 {low:g} 至 {high:g}，1 为现行",
)
_NAMES = {
    "contract": Text("contracted demand", "合同需量"),
    "price": Text("price of dear hours", "峰时电价"),
    "sun": Text("sun and wind", "风光预测"),
}
_NO_PLAN = Text("no plan has been made yet; try again shortly", "尚无计划；稍后再试")


@dataclass(frozen=True)
class Change:
    """What is otherwise in a trial, each as a share of what is [1].

    contract: contracted import of every tie. price: import price in each day's dear hours. sun:
    what sun and wind are foreseen to give. Raises `DataError` for a share out of range.
    """

    contract: float = 1.0
    price: float = 1.0
    sun: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        for name, (low, high) in FACTORS.items():
            given = float(getattr(self, name))
            if not low <= given <= high:
                name_en, name_zh = _NAMES[name]
                values = {"given": given, "low": low, "high": high}
                text = Text(
                    _OUT.en.format(name=name_en, **values), _OUT.zh.format(name=name_zh, **values)
                )
                raise DataError("trial_range", text)

    @property
    def nothing(self) -> bool:
        """Whether all is as it is."""
        return self == Change()


def attempt(run: Run, asked: Asked | None, steps: Steps, change: Change) -> Ahead:
    """Return the plan that would have been made at the newest plan's step.

    run: whose park and world. asked: what the newest plan was asked from. steps: of its horizon.
    Raises `DataError` where no plan has been made yet, or none could be.
    """
    if asked is None:
        raise DataError("trial_early", _NO_PLAN)
    assets = [_with(asset, change) for asset in run.world.assets]
    planner = Planner(assets, balances(run.request.park), steps, called=True)
    signals = _signals(asked, planner.kinds, change)
    plan = planner.plan(asked.index, signals, asked.readings, asked.horizon)
    assert plan is not None, "without a deadline there is always a plan"
    return look(run.world, planner, plan, asked)


def _with(asset: Kind, change: Change) -> Kind:
    """Return the asset with its contract changed, where it has one."""
    if asset.role != "grid":
        return asset
    contract = float(getattr(asset, "contract_limit", np.inf)) * change.contract
    return asset.model_copy(update={"contract": contract}) if np.isfinite(contract) else asset


def _signals(asked: Asked, kinds: dict[str, Any], change: Change) -> Signals:
    found: Signals = {kind: dict(signals) for kind, signals in asked.signals.items()}
    grid = asked.horizon.grid
    for kind, assets in kinds.items():
        own = found[kind]
        if assets[0].role == "grid" and "price_import" in own:
            prices = own["price_import"]
            dear = np.array([np.array(price_bands(row, grid)) == "high" for row in prices])
            own["price_import"] = np.where(dear, prices * change.price, prices)
        if assets[0].role == "source" and "available" in own:
            own["available"] = own["available"] * change.sun
    return found
