"""What a planned year says, as a file: written by a study, read by who plans days."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zeropark.assets.kind import Kind
from zeropark.assets.stockroom import Maker
from zeropark.data.errors import DataError
from zeropark.plan.carried import Learned
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

SCHEMA = 1
# Prices and sums are kept to so many digits: that is nearer than any year's weather.
_DIGITS = 6
_NO_YEAR = Text(
    "{file}: not a planned year ({why}); make one with: zeropark plan {park} --study year "
    "--learn {file}",
    "{file}：不是全年计划文件（{why}）；可用此命令生成：zeropark plan {park} --study year "
    "--learn {file}",
)
_OTHER_PARK = Text(
    "{file}: a year of park '{other}', not of '{park}'; learn one of this park with: zeropark plan "
    "{park} --study year --learn {file}",
    "{file}：是园区“{other}”的全年计划，不是“{park}”的；可为本园区生成：zeropark plan {park} "
    "--study year --learn {file}",
)
_OTHER_TIME = Text(
    "{file}: a year from {begin} to {end}; the run begins on {start}. Learn one around it with "
    "--start, or run without --year",
    "{file}：全年计划为 {begin} 至 {end}；运行始于 {start}。用 --start 生成包含该日的一年，或不带 "
    "--year 运行",
)
_OTHER_ASSETS = Text(
    "{file}: it values stocks of {names}, which the park has no longer; learn the year anew",
    "{file}：其中有园区已不存在的库存 {names}；请重新生成全年计划",
)

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _File(BaseModel):
    """The file as it stands: units are the last word of a name, prices CNY/MWh or CNY/t."""

    model_config = ConfigDict(extra="forbid")

    schema_: Annotated[int, Field(alias="schema", ge=SCHEMA, le=SCHEMA)]
    park: str
    study: str
    learned_on: dt.date
    start_at: dt.datetime
    zone: str
    step_hours: Annotated[float, Field(gt=0)]
    seed: int
    worth_cny: dict[str, list[Finite]]
    peaks_mw: dict[str, Finite]
    own_mwh: Annotated[list[Finite], Field(min_length=1)]
    bought_mwh: list[Finite]
    sent_mwh: list[Finite]
    available_mwh: list[Finite]

    @model_validator(mode="after")
    def _as_long_as_each_other(self) -> _File:
        lists = [self.bought_mwh, self.sent_mwh, self.available_mwh, *self.worth_cny.values()]
        if any(len(each) != len(self.own_mwh) for each in lists):
            raise ValueError("its lists differ in length")
        return self


@dataclass(frozen=True)
class Told:
    """A year as it was learned, and where from.

    park, study: names. learned_on: date. seed: of the year's own weather and chance.
    """

    park: str
    study: str
    learned_on: dt.date
    seed: int
    learned: Learned

    @property
    def step_minutes(self) -> int:
        """Length of its steps [min]."""
        return round(self.learned.grid.step_hours * 60)

    @property
    def ends_on(self) -> np.datetime64:
        """The local day after its last one."""
        grid = self.learned.grid
        ends = TimeGrid(grid.end, np.ones(1), grid.zone).local()[0]
        return np.datetime64(ends, "D")


def write(told: Told, place: Path) -> None:
    """Write the file at `place`; raises `OSError` where it cannot be."""
    learned = told.learned
    own, bought, sent, available = (_rounded(each) for each in learned.supply)
    found = {
        "schema": SCHEMA,
        "park": told.park,
        "study": told.study,
        "learned_on": told.learned_on.isoformat(),
        "start_at": f"{learned.grid.start}Z",
        "zone": learned.grid.zone,
        "step_hours": learned.grid.step_hours,
        "seed": told.seed,
        "worth_cny": {name: _rounded(prices) for name, prices in learned.worth.items()},
        "peaks_mw": {str(np.datetime64(month, "M")): peak for month, peak in learned.peaks.items()},
        "own_mwh": own,
        "bought_mwh": bought,
        "sent_mwh": sent,
        "available_mwh": available,
    }
    # Who reads it while it is written still finds the one before.
    part = place.with_name(f"{place.name}.part")
    part.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    part.replace(place)


def read(place: Path, park: str, assets: Sequence[Kind], start: str) -> Told:
    """Return the year at `place` for a run of a park that begins on the local day `start`.

    Raises `DataError` for what is no such file, one of another park or of another time, and
    `OSError` where it cannot be opened.
    """
    try:
        file = _File.model_validate_json(place.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}" if where else first["msg"]
        raise DataError("year_file", _NO_YEAR.format(file=place, why=why, park=park)) from None
    if file.park != park:
        words = _OTHER_PARK.format(file=place, other=file.park, park=park)
        raise DataError("year_park", words)
    names = {asset.name for asset in assets}
    gone = [name for name in file.worth_cny if name.partition("/")[0] not in names]
    if gone:
        words = _OTHER_ASSETS.format(file=place, names=", ".join(gone))
        raise DataError("year_assets", words)
    told = Told(file.park, file.study, file.learned_on, file.seed, _learned(file))
    begins = np.datetime64(told.learned.grid.local()[0], "D")
    if not begins <= np.datetime64(start, "D") < told.ends_on:
        last = told.ends_on - np.timedelta64(1, "D")
        words = _OTHER_TIME.format(file=place, begin=begins, end=last, start=start)
        raise DataError("year_time", words)
    return told


def _learned(file: _File) -> Learned:
    start = np.datetime64(file.start_at.astimezone(dt.UTC).replace(tzinfo=None), "s")
    grid = TimeGrid.regular(start, len(file.own_mwh), file.step_hours * 60, file.zone)
    return Learned(
        grid,
        {name: np.array(prices) for name, prices in file.worth_cny.items()},
        {int(np.datetime64(m, "M").astype(int)): peak for m, peak in file.peaks_mw.items()},
        np.array([file.own_mwh, file.bought_mwh, file.sent_mwh, file.available_mwh]),
    )


def settled_by(assets: Sequence[Kind], told: Told, end: np.datetime64, price: float) -> list[Kind]:
    """Return the assets with stocks settled at `end` as the year values them there.

    price: worth of a MWh after the run [CNY/MWh]. What a park file assumes of the electricity in a
    tonne's inputs (`embodied`) gives way to what the year found.
    """
    worth: Mapping[str, float] = told.learned.worth_at(end)
    return [
        asset.model_copy(update={"embodied": embodied})
        if isinstance(asset, Maker)
        and price > 0.0
        and (embodied := _embodied(asset, worth.get(asset.name), price)) is not None
        else asset
        for asset in assets
    ]


def _embodied(asset: Maker, worth: float | None, price: float) -> float | None:
    """Return the electricity in a tonne's inputs by which it is worth that [MWh/t], or None."""
    if worth is None:
        return None
    return max(0.0, worth / price - asset.energy_of_product)


def account(told: Told, learned: Sequence[Learned]) -> dict[str, Any]:
    """Return what a run was told of, as `run.json` says it; learned: of it and anew since."""
    grid = told.learned.grid
    return {
        "study": told.study,
        "learned_on": told.learned_on.isoformat(),
        "from": f"{grid.start}Z",
        "to": f"{grid.end}Z",
        "step_minutes": told.step_minutes,
        "learned_anew": [f"{each.grid.start}Z" for each in learned[1:]],
    }


def sentence(told: Told, anew: int) -> Text:
    """Return what a report says of it; anew: how often it was learned again since."""
    hours = told.step_minutes / 60
    return Text(
        f"Plans were told of a year: learned on {told.learned_on} in steps of {hours:g} h, "
        f"{anew} times anew as the run went; it values what is left in stock.",
        f"计划参考了全年计划：{told.learned_on} 生成，步长 {hours:g} h，运行中重新计算 {anew} "
        "次；末期库存按其估值。",
    )


def _rounded(values: Any) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in np.asarray(values).tolist()]
