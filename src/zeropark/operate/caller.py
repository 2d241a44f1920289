"""Calls while a park is operated: taken from the live envelope, kept in plan and cycle, settled.

What a call needs after its end comes from the ledger's readings, so that it is the same after a
restart. All of that is a clerk's work; the cycle only asks what holds now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.data.published import UnknownFactError, fact
from zeropark.operate.bands import Guard, Lever, Promised
from zeropark.operate.calls import Call, Calls, Stage
from zeropark.operate.clerk import Clerk
from zeropark.operate.desk import Programme
from zeropark.operate.envelope import Ability, envelope
from zeropark.operate.image import Image
from zeropark.operate.lived import Meters, headroom
from zeropark.operate.orders import Asked
from zeropark.operate.product import HOUR, Product, Terms, Way
from zeropark.operate.products import called
from zeropark.operate.told_calls import told
from zeropark.operate.usual import GAMED_FROM, PLAN, Usual, usual
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
_NO_PLAN = Text("call: there is no plan yet; ask again in a minute", "call：尚无计划；稍后再试")
_TOO_FAR = Text(
    "call: the plan reaches {reach:.2f} h ahead, the call would end after that; ask for less",
    "call：计划只到 {reach:.2f} h 之后，调用将超出；请缩短",
)
_PAST = Text(
    "call: begins {begin}, which is past at {now}; name a later begin",
    "call：始于 {begin}，早于当前 {now}；请改用更晚的时刻",
)
_BASELINE = Text(
    "call of {given:g} MW beside the baseline needs {need:.3f} MW beside the plan; the envelope "
    "has {most:.3f} MW; ask for less",
    "相对基线调用 {given:g} MW 需偏离计划 {need:.3f} MW；可用 {most:.3f} MW；请减小",
)
_NO_PRICE = Text(
    "call: {product} has no usual price; name one", "call：{product} 没有通常价格；请写明"
)
# How much the need of a call may be above the envelope by rounding [MW].
_ROUNDING = 1e-6
# How many calls that are over the status tells of.
_SHOWN = 12


@dataclass
class Caller:
    """The calls of a park in operation.

    tie: whose import is called. plan: returns the programme followed now. meters: of the ledger.
    written: whether all readings so far are durable. threaded: False does all at once, for a test.
    """

    calls: Calls
    tie: Kind
    assets: Sequence[Kind]
    levers: Sequence[Lever]
    guards: Sequence[Guard]
    plan: Callable[[], Programme | None]
    meters: Meters
    written: Callable[[], bool]
    threaded: bool = True
    _image: Image | None = None
    _refused: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clerk = Clerk("calls", self.advance, threaded=self.threaded)

    # -- taking a call on ----------------------------------------------------------------------

    def check(self, body: Mapping[str, Any], without: frozenset[str]) -> None:
        """Raise `DataError` with the reason where a call could not be taken on now, and post it."""
        try:
            self._weighed(body, without)
        except DataError as error:
            self._post_refusal(body, error.text)
            raise

    def take(self, asked: Asked, without: frozenset[str]) -> Call:
        """Offer what is asked and take its award; raises `DataError` where that cannot be.

        without: assets that must not be counted on.
        """
        try:
            terms, way, ability, power, reckoned, says = self._weighed(asked.body, without)
            now, step = self._now, self._programme.step
            call = self.calls.offer(terms, way, ability, power, now, step)
        except DataError as error:
            self._post_refusal(asked.body, error.text)
            raise
        return self.calls.award(call.id, reckoned, now, says | {"order": asked.id})

    @property
    def _programme(self) -> Programme:
        programme = self.plan()
        if programme is None:
            raise DataError("no_plan", _NO_PLAN)
        return programme

    @property
    def _now(self) -> float:
        if self._image is None:
            raise DataError("no_plan", _NO_PLAN)
        return self._image.at

    def _weighed(
        self, body: Mapping[str, Any], without: frozenset[str]
    ) -> tuple[Terms, Way, Ability, float, Floats, dict[str, Any]]:
        """Return what would be offered and reckoned with; raises `DataError`."""
        programme, now, image = self._programme, self._now, self._image
        assert image is not None, "now is known"
        product, way, power = called(body["product"]), Way(body["way"]), float(body["power"])
        count = max(1, round(body["hours"] * HOUR / programme.step))
        begin = self._begin(body, programme, now)
        found = envelope(
            programme, image, self.assets, self.levers, self.guards, [count], without, begin
        )
        able = [each for each in found if each.asset == "park" and each.first == begin]
        if not able:
            reach = programme.first + len(programme.outlook) * programme.step - now
            raise DataError("call_far", _TOO_FAR.format(reach=reach / HOUR))
        terms = _terms(product, body, begin)
        self.calls.could(terms, way, able[0], power, now)
        planned = np.array(
            [
                programme.far_at(begin + i * programme.step)[self.tie.name]["import"]
                for i in range(count)
            ]
        )
        before = self._usual(begin, begin + count * programme.step, programme.step)
        reckoned = before.baseline(before.method, planned)
        most = able[0].up if way is Way.LESS else able[0].down
        need = power + float(np.max(way.sign * (planned - reckoned), initial=0.0))
        if product.offered and product.meter == "tie" and need > most + _ROUNDING:
            raise DataError("call_power", _BASELINE.format(given=power, need=need, most=most))
        says = {
            "method": before.method,
            "errors": {name: f"{error:.6f}" for name, error in before.errors.items()},
            "planned_mw": [f"{each:.6f}" for each in planned],
            "levers_mw": self._planned_levers(programme, begin, count),
        }
        return terms, way, able[0], power, reckoned, says

    def _begin(self, body: Mapping[str, Any], programme: Programme, now: float) -> float:
        """Return the begin on the plan's steps [POSIX s]; raises `DataError` for the past."""
        wanted = body.get("begin", now + body["after"] * HOUR)
        if wanted < now - _ROUNDING:
            raise DataError("call_past", _PAST.format(begin=_clock(wanted), now=_clock(now)))
        ahead = -(-(wanted - programme.first) // programme.step)
        return float(programme.first + ahead * programme.step)

    def _usual(self, begin: float, end: float, step: float) -> Usual:
        taken = [
            (call.begin, call.end)
            for call in list(self.calls.calls.values())
            if call.stage is not Stage.REFUSED and call.begin != begin
        ]
        return usual(self.meters, self.tie.name, (begin, end), step, self.calls.zone, taken)

    def _planned_levers(self, programme: Programme, begin: float, count: int) -> dict[str, str]:
        """Return what the plan has each lever do over a call, mean [MW], where it says so."""
        steps = [programme.far_at(begin + i * programme.step) for i in range(count)]
        found = {}
        for lever in self.levers:
            own = [step.get(lever.asset, {}).get(lever.steered.point) for step in steps]
            known = [each for each in own if each is not None]
            if len(known) == count:
                found["/".join(lever.key)] = f"{float(np.mean(known)):.6f}"
        return found

    def _post_refusal(self, body: Mapping[str, Any], why: Text) -> None:
        now = 0.0 if self._image is None else self._image.at
        begin = float(body.get("begin", now + body["after"] * HOUR))
        terms = Terms(body["product"], body["price"], body["penalty"])
        power, hours = float(body["power"]), float(body["hours"])
        self.calls.refuse(terms, Way(body["way"]), begin, hours, power, why, now)

    # -- the cycle's side ----------------------------------------------------------------------

    def look(self, image: Image) -> Promised:
        """Return what calls hold at this moment; what is due is left to the clerk."""
        self._image = image
        if any(self._due(call) for call in list(self.calls.calls.values())):
            self.clerk.ask()
        flows: dict[str, tuple[float, float]] = {}
        firm: dict[str, tuple[float, float]] = {}
        kept = 0.0
        for each in self.calls.promises():
            if each.begin <= image.at < each.end:
                into = firm if each.firm else flows
                low, high = into.get(self.tie.name, (-np.inf, np.inf))
                into[self.tie.name] = (max(low, each.least), min(high, each.most))
                kept += each.kept
        return Promised(flows, firm, self._split(kept))

    def _split(self, kept: float) -> dict[str, float]:
        """Return power to be kept free by store, in the ratio of their rated powers [MW]."""
        if kept <= 0.0:
            return {}
        rated = {each.asset: each.steered.high for each in self.levers if each.steered.stores}
        total = sum(rated.values())
        return {name: kept * power / total for name, power in rated.items()}

    def _due(self, call: Call) -> bool:
        assert self._image is not None, "looked at before"
        now, programme = self._image.at, self.plan()
        if call.stage is Stage.OFFERED:
            return now >= call.begin
        if call.stage.holds and now >= call.end:
            return self.written()
        if call.stage is Stage.AWARDED:
            return programme is not None and programme.made_at >= call.moment - 1e-3
        return call.stage in {Stage.DELIVERED, Stage.MEASURED, Stage.SETTLED}

    def promises(self) -> tuple[Any, ...]:
        """Return what a plan must keep: what calls ask, now and later."""
        return tuple(self.calls.promises())

    # -- the clerk's side ----------------------------------------------------------------------

    def advance(self) -> None:
        """Do what is due with every call, one step of its life after the other."""
        image = self._image
        if image is None:
            return
        for id_ in list(self.calls.calls):
            while self._due(self.calls.calls[id_]):
                self._step(self.calls.calls[id_], image.at)

    def _step(self, call: Call, now: float) -> None:
        if call.stage is Stage.OFFERED:
            self.calls.lapse(call.id, now)
        elif call.stage.holds and now >= call.end:
            self.calls.deliver(call.id, self._metered(call), now)
        elif call.stage is Stage.AWARDED:
            self.calls.planned(call.id, self._as_planned(call), now)
        elif call.stage is Stage.DELIVERED:
            self._measure(call, now)
        elif call.stage is Stage.MEASURED:
            self.calls.settle(call.id, now)
        else:
            shares, rule = self._shares(call)
            self.calls.share(call.id, shares, rule, now)

    def _as_planned(self, call: Call) -> dict[str, Any]:
        programme = self._programme
        steps = [programme.far_at(call.begin + i * call.step) for i in range(call.intervals)]
        imports = [step.get(self.tie.name, {}).get("import") for step in steps]
        return {
            "made_at": round(programme.made_at * 1e3),
            "grade": str(programme.grade.value),
            "import_mw": [None if each is None else f"{each:.6f}" for each in imports],
        }

    def _metered(self, call: Call) -> Floats:
        if call.product.meter == "headroom":
            lasts = fact("reserve_lasts", _date(call.begin)).in_unit("h")
            stores = [a for a in self.assets if any(s.stores for s in a.steered())]
            return headroom(self.meters, stores, call.begin, call.intervals, call.step, lasts)
        return self.meters.means(self.tie.name, "p", call.begin, call.intervals, call.step)

    def _measure(self, call: Call, now: float) -> None:
        """Hold a call to the method that was fixed at its award."""
        method = str(call.said[Stage.AWARDED.value].get("method", PLAN))
        before = self._usual(call.begin, call.end, call.step)
        baseline = before.baseline(method, np.array(call.reckoned))
        gamed = before.gamed
        says = {
            "method": method,
            "gamed_deviations": None if np.isnan(gamed) else f"{gamed:.3f}",
            "gamed": "yes" if gamed >= GAMED_FROM else "unknown" if np.isnan(gamed) else "no",
        }
        self.calls.measure(call.id, baseline, says, now)

    def _shares(self, call: Call) -> tuple[dict[str, float], str]:
        """Return who shares a call, by what each party's devices moved the called way.

        Where nobody's did, by the rated power of stores; without any, the tie's party has all.
        """
        planned = call.said[Stage.AWARDED.value].get("levers_mw", {})
        moved: dict[str, float] = {}
        rated: dict[str, float] = {}
        parties = {asset.name: asset.party or "park" for asset in self.assets}
        for lever in self.levers:
            party = parties[lever.asset]
            if lever.steered.stores:
                rated[party] = rated.get(party, 0.0) + lever.steered.high
            said = planned.get("/".join(lever.key))
            if said is None or lever.steered.caps:
                continue
            point = lever.steered.shown_by
            shown = self.meters.means(lever.asset, point, call.begin, call.intervals, call.step)
            mean = float(np.nanmean(shown)) if np.isfinite(shown).any() else float(said)
            change = call.way.sign * lever.steered.sign * (mean - float(said))
            moved[party] = moved.get(party, 0.0) + max(0.0, change)
        for parts, rule in ((moved, "moved"), (rated, "rated")):
            total = sum(parts.values())
            if total > _ROUNDING:
                return {party: part / total for party, part in parts.items()}, rule
        return {self.tie.party or "park": 1.0}, "tie"

    # -- who looks on --------------------------------------------------------------------------

    def status(self) -> list[dict[str, Any]]:
        """Return the calls that are under way and the last ones that are over, oldest first."""
        return [told(call) for call in list(self.calls.calls.values())[-_SHOWN:]]

    def close(self) -> None:
        """Leave what is due to the next start."""
        self.clerk.close()


def _terms(product: Product, body: Mapping[str, Any], begin: float) -> Terms:
    """Return what is paid: as the call says, else as is usual; raises `DataError` for neither."""
    price = float(body["price"])
    if np.isnan(price):
        if not product.offered:
            price = 0.0
        elif not product.pays:
            raise DataError("call_price", _NO_PRICE.format(product=product.key))
        else:
            try:
                price = fact(product.pays, _date(begin)).in_unit("CNY/MWh")
            except UnknownFactError:
                raise DataError("call_price", _NO_PRICE.format(product=product.key)) from None
    return Terms(product.key, price, float(body["penalty"]))


def _date(at: float) -> dt.date:
    return dt.datetime.fromtimestamp(at, dt.UTC).date()


def _clock(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="minutes")
