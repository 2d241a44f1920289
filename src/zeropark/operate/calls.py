"""The life of a call: offered, awarded, planned, delivered, held to its baseline, settled, shared.

Each step is an entry of the ledger that says all that the next one rests on, so that whoever opens
the ledger after a `kill -9` goes on from there; money and energy are postings between accounts of
whole fen and Wh, known by the call's id, so that doing a step twice is doing it once.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.ledger.postings import Account, Posted, Postings, Transfer
from zeropark.ledger.store import Store
from zeropark.operate.envelope import Ability, Confidence
from zeropark.operate.product import (
    HOUR,
    Asked,
    Product,
    Promise,
    Settlement,
    Terms,
    Way,
)
from zeropark.operate.products import called
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
CALL = "call"
"""Kind of the ledger's entries about calls; their subject is the call's id."""
# A call counts as delivered in full from this share of its energy on [1].
_IN_FULL = 0.95

_POWER = Text(
    "call of {given:g} MW; allowed: more than 0, at most {most:g} MW as offered",
    "调用 {given:g} MW；可用：大于 0，至多所报 {most:g} MW",
)
_TIME = Text(
    "call from {begin} for {hours:g} h; allowed: begins after {now} and lasts up to {most:g} h",
    "调用自 {begin} 起 {hours:g} h；可用：始于 {now} 之后，至多 {most:g} h",
)
_NOTICE = Text(
    "{product}: begins {begin}; it must be called {need}; call it earlier, or as another product",
    "{product}：始于 {begin}；须{need}调用；请提前，或改用其他产品",
)
_DAY_BEFORE = Text("on an earlier day", "提前一日")
_HOURS_BEFORE = Text("{hours:g} h before or earlier", "提前 {hours:g} h")
_WAY = Text(
    "{product}: way '{given}'; allowed: {allowed}", "{product}：方向“{given}”；可用：{allowed}"
)
_OVERLAPS = Text(
    "call overlaps call {other}; end or wait for that one", "与调用 {other} 重叠；待其结束"
)
_STAGE = Text(
    "call {id} is {stage}; this needs one that is {need}", "调用 {id} 处于{stage}；此操作需要{need}"
)


class Stage(Enum):
    """Where a call stands."""

    OFFERED = "offered"
    AWARDED = "awarded"
    PLANNED = "planned"
    DELIVERED = "delivered"
    MEASURED = "measured"
    SETTLED = "settled"
    SHARED = "shared"
    REFUSED = "refused"
    LAPSED = "lapsed"

    @property
    def words(self) -> Text:
        """What it is called."""
        return STAGES[self]

    @property
    def holds(self) -> bool:
        """Whether plan and cycle keep what was promised."""
        return self in {Stage.AWARDED, Stage.PLANNED}


STAGES: Mapping[Stage, Text] = {
    Stage.OFFERED: Text("offered", "已申报"),
    Stage.AWARDED: Text("awarded", "已中标"),
    Stage.PLANNED: Text("in the plan", "已入计划"),
    Stage.DELIVERED: Text("delivered", "已执行"),
    Stage.MEASURED: Text("held to its baseline", "已对基线"),
    Stage.SETTLED: Text("settled", "已结算"),
    Stage.SHARED: Text("shared to parties", "已分配"),
    Stage.REFUSED: Text("refused", "已拒绝"),
    Stage.LAPSED: Text("lapsed: nobody awarded it", "已失效：无人中标"),
}
assert set(STAGES) == set(Stage), "every stage has words"
_AFTER: Mapping[Stage, frozenset[Stage]] = {
    Stage.AWARDED: frozenset({Stage.OFFERED}),
    Stage.LAPSED: frozenset({Stage.OFFERED}),
    Stage.PLANNED: frozenset({Stage.AWARDED}),
    # A call that ends before anybody made a plan is over all the same.
    Stage.DELIVERED: frozenset({Stage.AWARDED, Stage.PLANNED}),
    Stage.MEASURED: frozenset({Stage.DELIVERED}),
    Stage.SETTLED: frozenset({Stage.MEASURED}),
    Stage.SHARED: frozenset({Stage.SETTLED}),
}


@dataclass(frozen=True)
class Call:
    """A call. begin: POSIX s. power: the called way beside the baseline [MW]. step: of plans [s].

    reckoned: import that was reckoned with at the award, by step [MW]; empty before. moment: when
    it came to its stage [POSIX s]. said: what each stage that was reached says, by stage, as it
    stands in the ledger.
    """

    id: str
    terms: Terms
    way: Way
    begin: float
    hours: float
    power: float
    step: float = 900.0
    stage: Stage = Stage.OFFERED
    reckoned: tuple[float, ...] = ()
    moment: float = 0.0
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def product(self) -> Product:
        """What is called."""
        return called(self.terms.product)

    @property
    def end(self) -> float:
        """End [POSIX s]."""
        return self.begin + self.hours * HOUR

    @property
    def energy(self) -> float:
        """Called energy [MWh]."""
        return self.power * self.hours

    @property
    def asked(self) -> Asked:
        """What its product settles."""
        return Asked(self.terms, self.way, self.power, self.hours)

    @property
    def intervals(self) -> int:
        """How many steps it is metered in."""
        return max(1, round(self.hours * HOUR / self.step))

    def promises(self) -> list[Promise]:
        """Return what it asks of tie and stores, step by step, where it was awarded."""
        holds = self.product.holds
        if holds is None or not self.stage.holds:
            return []
        ends = [self.begin + self.step * (i + 1) for i in range(len(self.reckoned))]
        return [
            replace(holds(self.asked, reckoned), begin=end - self.step, end=end)
            for reckoned, end in zip(self.reckoned, ends, strict=True)
        ]

    def as_entry(self) -> dict[str, Any]:
        """Return what every entry of a call says."""
        return {
            "call": self.id,
            "product": self.terms.product,
            "way": self.way.value,
            "begin": round(self.begin * 1e3),
            "hours": f"{self.hours:.6f}",
            "step_s": f"{self.step:g}",
            "power_mw": f"{self.power:.6f}",
            "price_cny_per_mwh": f"{self.terms.price:.6f}",
            "penalty_cny_per_mwh": f"{self.terms.penalty:.6f}",
            "least": f"{self.terms.least:.6f}",
        }


def call_of(entries: Sequence[Mapping[str, Any]]) -> Call:
    """Return a call from its entries in the ledger, oldest first."""
    last = entries[-1]
    said = {entry["stage"]: dict(entry.get("says", {})) for entry in entries}
    reckoned = said.get(Stage.AWARDED.value, {}).get("reckoned_mw", ())
    price, penalty = float(last["price_cny_per_mwh"]), float(last["penalty_cny_per_mwh"])
    return Call(
        last["call"],
        Terms(last["product"], price, penalty, float(last["least"])),
        Way(last["way"]),
        float(last["begin"]) / 1e3,
        float(last["hours"]),
        float(last["power_mw"]),
        float(last["step_s"]),
        Stage(last["stage"]),
        tuple(float(each) for each in reckoned),
        float(last["moment"]) / 1e3,
        said,
    )


@dataclass
class Calls:
    """The calls of a park, and what became of them; those in the ledger are there again.

    parties: whose devices deliver. zone: the park's, for what is called on an earlier day.
    """

    store: Store
    postings: Postings
    parties: Sequence[str]
    zone: str = "UTC"
    calls: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounts = [Account("grid/call-money", "fen", "grid", "calls")]
        accounts.append(Account("grid/call-energy", "Wh", "grid", "calls"))
        accounts.append(Account("park/call-energy", "Wh", "park", "calls"))
        accounts += [Account(f"{p}/call-money", "fen", p, "calls") for p in self.parties]
        self.postings.open(accounts)
        rows = self.store.database.rows(
            "SELECT size, subject FROM entry WHERE kind = ? ORDER BY size", (CALL,)
        )
        found: dict[str, list[Mapping[str, Any]]] = {}
        entries = self.store.log.entries(size for size, _ in rows)
        for (_, subject), entry in zip(rows, entries, strict=True):
            found.setdefault(subject, []).append(entry)
        self.calls |= {id_: call_of(own) for id_, own in found.items()}

    # -- before it begins ----------------------------------------------------------------------

    def could(self, terms: Terms, way: Way, ability: Ability, power: float, now: float) -> Call:
        """Return the call that could be offered; raises `DataError` with the reason where none."""
        product = called(terms.product)
        most = ability.up if way is Way.LESS else ability.down
        if not product.offered:
            most = math.inf
        if not 0.0 < power <= most or not math.isfinite(power):
            raise DataError("call_power", _POWER.format(given=power, most=most))
        if way not in product.ways:
            allowed = ", ".join(each.value for each in product.ways)
            said = _WAY.format(product=product.key, given=way.value, allowed=allowed)
            raise DataError("call_way", said)
        late = not (math.isfinite(ability.first) and ability.first >= now)
        if late or not 0.0 < ability.hours <= product.longest:
            text = _TIME.format(
                begin=_moment(ability.first),
                hours=ability.hours,
                now=_moment(now),
                most=product.longest,
            )
            raise DataError("call_time", text)
        self._must_be_early(product, ability.first, now)
        call = Call(uuid.uuid4().hex[:12], terms, way, ability.first, ability.hours, power)
        for other in self.calls.values():
            there = other.stage.holds or other.stage is Stage.OFFERED
            soft = product.offered and other.product.offered
            if there and soft and other.begin < call.end and call.begin < other.end:
                raise DataError("call_overlaps", _OVERLAPS.format(other=other.id))
        return call

    def _must_be_early(self, product: Product, begin: float, now: float) -> None:
        notice, zone = product.notice, ZoneInfo(self.zone)
        days = [dt.datetime.fromtimestamp(at, zone).date() for at in (now, begin)]
        if notice.day_before and not days[0] < days[1]:
            need = _DAY_BEFORE
        elif begin - now < notice.hours * HOUR:
            need = _HOURS_BEFORE.format(hours=notice.hours)
        else:
            return
        at = _moment(begin)
        text = Text(
            _NOTICE.en.format(product=product.key, begin=at, need=need.en),
            _NOTICE.zh.format(product=product.key, begin=at, need=need.zh),
        )
        raise DataError("call_notice", text)

    def offer(
        self,
        terms: Terms,
        way: Way,
        ability: Ability,
        power: float,
        now: float,
        step: float = 900.0,
    ) -> Call:
        """Offer some of what the envelope says; raises `DataError` where that cannot be.

        now: POSIX s. step: of plans [s].
        """
        call = replace(self.could(terms, way, ability, power, now), step=step)
        cost = ability.cost_up if way is Way.LESS else ability.cost_down
        says = {"most_mw": _said(ability.up if way is Way.LESS else ability.down)}
        return self._at(call, Stage.OFFERED, says | {"cost_cny_per_mwh": _said(cost)}, now)

    def award(
        self, id_: str, reckoned: Floats, now: float, says: Mapping[str, Any] | None = None
    ) -> Call:
        """Take an award: from now on plan and cycle keep what the product holds.

        reckoned: import by step over the call [MW], the baseline as far as it is known now. says:
        what it rests on.
        """
        call = replace(
            self._of(id_, Stage.AWARDED), reckoned=tuple(round(float(x), 6) for x in reckoned)
        )
        body = {"reckoned_mw": [f"{each:.6f}" for each in call.reckoned], **(says or {})}
        return self._at(call, Stage.AWARDED, body, now)

    def refuse(self, terms: Terms, way: Way, begin: float, hours: float, power: float, why: Text,
               now: float) -> Call:  # fmt: skip
        """Post a call that was not taken on, and why."""
        call = Call(uuid.uuid4().hex[:12], terms, way, begin, hours, power)
        return self._at(call, Stage.REFUSED, {"because": why.en, "because_zh": why.zh}, now)

    def lapse(self, id_: str, now: float) -> Call:
        """Let an offer go that nobody awarded in time."""
        return self._at(self._of(id_, Stage.LAPSED), Stage.LAPSED, {}, now)

    def planned(self, id_: str, says: Mapping[str, Any], now: float) -> Call:
        """Post the first plan that reckons with a call."""
        return self._at(self._of(id_, Stage.PLANNED), Stage.PLANNED, says, now)

    # -- after it ended ------------------------------------------------------------------------

    def deliver(self, id_: str, metered: Floats, now: float) -> Call:
        """Let a call be over. metered: means by step [MW], NaN where nobody metered."""
        body = {"metered_mw": [_said(float(each)) for each in metered]}
        return self._at(self._of(id_, Stage.DELIVERED), Stage.DELIVERED, body, now)

    def measure(self, id_: str, baseline: Floats, says: Mapping[str, Any], now: float) -> Call:
        """Hold a call to its baseline, by step [MW]. says: method, its error, what looks gamed."""
        body = {"baseline_mw": [_said(float(each)) for each in baseline], **says}
        return self._at(self._of(id_, Stage.MEASURED), Stage.MEASURED, body, now)

    def settle(self, id_: str, now: float) -> Settlement:
        """Settle a call from what stands in the ledger, and post the energy."""
        call = self._of(id_, Stage.SETTLED)
        found = settlement(call)
        energy = round(found.delivered * 1e6)
        if energy > 0 and call.product.offered:
            ends = ("park/call-energy", "grid/call-energy")
            self._post([Transfer(f"{call.id}-wh", *ends, energy, why=CALL, about=call.id)])
        body = {f"{name}_mwh": _said(getattr(found, name)) for name in ENERGIES}
        body |= {f"{name}_cny": f"{getattr(found, name):.2f}" for name in MONEY}
        self._at(call, Stage.SETTLED, body, now)
        return found

    def share(self, id_: str, shares: Mapping[str, float], rule: str, now: float) -> dict[str, int]:
        """Share what a settled call earned or lost; return whole fen by party.

        shares: by party, adding up to 1. rule: how they came to be.
        """
        call = self._of(id_, Stage.SHARED)
        said = call.said[Stage.SETTLED.value]
        net = round((float(said["paid_cny"]) - float(said["penalty_cny"])) * 100.0)
        parts = shared(abs(net), shares)
        transfers = []
        for party, amount in parts.items():
            account = f"{party}/call-money"
            ends = ("grid/call-money", account) if net > 0 else (account, "grid/call-money")
            if amount > 0:
                transfers.append(
                    Transfer(f"{call.id}-{party}", *ends, amount, why=CALL, about=call.id)
                )
        last = len(transfers) - 1
        self._post([replace(each, linked=i < last) for i, each in enumerate(transfers)])
        sign = 1 if net >= 0 else -1
        body = {
            "rule": rule,
            "shares": {party: f"{share:.6f}" for party, share in shares.items()},
            "fen": {party: sign * amount for party, amount in parts.items()},
        }
        self._at(call, Stage.SHARED, body, now)
        return {party: sign * amount for party, amount in parts.items()}

    def _post(self, transfers: Sequence[Transfer]) -> None:
        if transfers:
            outcomes = self.postings.post(transfers)
            assert all(each in {Posted.CREATED, Posted.EXISTS} for each in outcomes), outcomes

    # -- what holds ----------------------------------------------------------------------------

    def promises(self) -> list[Promise]:
        """Return what awarded calls ask, now and later."""
        return [promise for call in list(self.calls.values()) for promise in call.promises()]

    def confidence(self) -> Confidence:
        """Return how far calls so far came true."""
        return confidence_of(list(self.calls.values()))

    def _of(self, id_: str, next_: Stage) -> Call:
        call = self.calls.get(id_)
        need = _AFTER[next_]
        if call is None or call.stage not in need:
            now = Text("unknown", "未知") if call is None else call.stage.words
            needed = [stage.words for stage in Stage if stage in need]
            text = Text(
                _STAGE.en.format(id=id_, stage=now.en, need=" or ".join(n.en for n in needed)),
                _STAGE.zh.format(id=id_, stage=now.zh, need="或".join(n.zh for n in needed)),
            )
            raise DataError("call_stage", text)
        return call

    def _at(self, call: Call, stage: Stage, says: Mapping[str, Any], now: float) -> Call:
        """Post where a call stands at a moment of the park [POSIX s], then keep it."""
        body = call.as_entry() | {"stage": stage.value, "moment": round(now * 1e3)}
        self.store.note(CALL, body | {"says": dict(says)}, call.id)
        said = {**call.said, stage.value: says}
        self.calls[call.id] = replace(call, stage=stage, moment=now, said=said)
        return self.calls[call.id]


ENERGIES = ("baseline", "metered", "asked", "delivered", "missing")
MONEY = ("paid", "penalty")


def settlement(call: Call) -> Settlement:
    """Return what a call came to from the baseline and the metered means it was held to."""
    settle = call.product.settle
    assert settle is not None, "what is called is settled"
    metered = numbers(call.said[Stage.DELIVERED.value]["metered_mw"])
    baseline = numbers(call.said[Stage.MEASURED.value]["baseline_mw"])
    return settle(call.asked, baseline, metered)


def delivered_share(call: Call) -> float:
    """Return which share of the asked energy a settled call delivered [1]."""
    said = call.said[Stage.SETTLED.value]
    asked = float(said["asked_mwh"])
    return float(said["delivered_mwh"]) / asked if asked > 0.0 else 1.0


def confidence_of(calls: Sequence[Call]) -> Confidence:
    """Return how far calls came true: how many were settled, and delivered in full."""
    shares = [
        delivered_share(call)
        for call in calls
        if Stage.SETTLED.value in call.said and call.product.offered
    ]
    return Confidence(len(shares), sum(share >= _IN_FULL for share in shares))


def numbers(said: Sequence[str | None]) -> Floats:
    """Return numbers of an entry; what nobody knew is NaN."""
    return np.array([np.nan if each is None else float(each) for each in said])


def _said(value: float) -> str | None:
    return f"{value:.6f}" if math.isfinite(value) else None


def shared(amount: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Return whole parts of an amount that add up to it, by largest remainder."""
    exact = {party: amount * share for party, share in shares.items()}
    found = {party: math.floor(value) for party, value in exact.items()}
    left = amount - sum(found.values())
    by_rest = sorted(exact, key=lambda party: (found[party] - exact[party], party))
    for party in by_rest[:left]:
        found[party] += 1
    return found


def _moment(at: float) -> str:
    if not math.isfinite(at):
        return str(at)
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="minutes")
