"""The life of a call: offered, awarded, planned, delivered, held to its baseline, settled, shared.

Each stage is an entry of the ledger; money and energy are postings between accounts of whole fen
and Wh, so that what was paid can be followed back to meters.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.ledger.postings import Account, Posted, Postings, Transfer
from zeropark.ledger.store import Store
from zeropark.operate.envelope import Ability
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
CALL = "call"
_HOUR = 3600.0
_LONGEST_HOURS = 24.0

_POWER = Text(
    "call of {given:g} MW; allowed: more than 0, at most {most:g} MW as offered",
    "调用 {given:g} MW；可用：大于 0，至多所报 {most:g} MW",
)
_TIME = Text(
    "call from {begin} for {hours:g} h; allowed: begins after {now} and lasts up to {most:g} h",
    "调用自 {begin} 起 {hours:g} h；可用：始于 {now} 之后，至多 {most:g} h",
)
_OVERLAPS = Text(
    "call overlaps call {other}; end or wait for that one", "与调用 {other} 重叠；待其结束"
)
_STAGE = Text(
    "call {id} is {stage}; this needs one that is {need}", "调用 {id} 处于{stage}；此操作需要{need}"
)
_SHARES = Text(
    "shares of {parties} add up to {sum:g}; they must be 1", "{parties} 的份额合计 {sum:g}；须为 1"
)


class Stage(Enum):
    """Where a call stands."""

    OFFERED = "offered"
    AWARDED = "awarded"
    DELIVERED = "delivered"
    SETTLED = "settled"


@dataclass(frozen=True)
class Terms:
    """What a product pays.

    price: for delivered energy [CNY/MWh]. penalty: for each MWh that is missing [CNY/MWh]. least:
    share of the called energy below which nothing is paid [1].
    """

    product: str
    price: float
    penalty: float
    least: float = 0.0


@dataclass(frozen=True)
class Call:
    """A call for less import. begin: POSIX s. power: less than the baseline [MW].

    cap: most import while it lasts [MW], as planned at the award; NaN before.
    """

    id: str
    terms: Terms
    begin: float
    hours: float
    power: float
    stage: Stage = Stage.OFFERED
    cap: float = math.nan

    @property
    def end(self) -> float:
        """End [POSIX s]."""
        return self.begin + self.hours * _HOUR

    @property
    def energy(self) -> float:
        """Called energy [MWh]."""
        return self.power * self.hours


@dataclass(frozen=True)
class Settlement:
    """What a call came to: energies [MWh] and money [CNY]; penalty ≥ 0 is paid by the park."""

    baseline: float
    metered: float
    delivered: float
    paid: float
    penalty: float


@dataclass
class Calls:
    """The calls of a park, and what became of them.

    shares: of what is earned, by party, adding up to 1.
    """

    store: Store
    postings: Postings
    tie: str
    shares: Mapping[str, float]
    calls: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = sum(self.shares.values())
        if not math.isclose(total, 1.0):
            raise DataError("shares", _SHARES.format(parties=", ".join(self.shares), sum=total))
        accounts = [Account("grid/call-money", "fen", "grid", "calls")]
        accounts.append(Account("grid/call-energy", "Wh", "grid", "calls"))
        accounts.append(Account("park/call-energy", "Wh", "park", "calls"))
        accounts += [Account(f"{p}/call-money", "fen", p, "calls") for p in self.shares]
        self.postings.open(accounts)

    def offer(self, terms: Terms, ability: Ability, power: float, now: float) -> Call:
        """Offer some of what the envelope says; raises `DataError` for more than that."""
        if not 0.0 < power <= ability.up:
            raise DataError("call_power", _POWER.format(given=power, most=ability.up))
        late = not (math.isfinite(ability.first) and ability.first >= now)
        if late or not 0.0 < ability.hours <= _LONGEST_HOURS:
            begin = _moment(ability.first)
            text = _TIME.format(
                begin=begin, hours=ability.hours, now=_moment(now), most=_LONGEST_HOURS
            )
            raise DataError("call_time", text)
        call = Call(uuid.uuid4().hex[:12], terms, ability.first, ability.hours, power)
        for other in self.calls.values():
            if other.begin < call.end and call.begin < other.end:
                raise DataError("call_overlaps", _OVERLAPS.format(other=other.id))
        return self._at(call)

    def award(self, id_: str, baseline: float) -> Call:
        """Take an award: from now on plan and cycle hold the import under baseline less power.

        baseline: mean import that is reckoned with over the call [MW].
        """
        call = self._of(id_, Stage.OFFERED)
        return self._at(replace(call, stage=Stage.AWARDED, cap=baseline - call.power))

    def limits(self, now: float) -> dict[str, float]:
        """Return the most import at the tie that awarded calls allow at this moment [MW]."""
        caps = [
            call.cap
            for call in self.calls.values()
            if call.stage is Stage.AWARDED and call.begin <= now < call.end
        ]
        return {self.tie: min(caps)} if caps else {}

    def deliver(self, id_: str) -> Call:
        """Let a call be over."""
        return self._at(replace(self._of(id_, Stage.AWARDED), stage=Stage.DELIVERED))

    def settle(self, id_: str, baseline: Floats, metered: Floats) -> Settlement:
        """Settle a delivered call and share what it earned; durable when this returns.

        baseline, metered: mean import of equal intervals that cover the call [MW]. A second time it
        is the same: the transfers are known by the call's id.
        """
        call = self._of(id_, Stage.DELIVERED)
        found = settlement(call, baseline, metered)
        outcomes = self.postings.post(self._transfers(call, found))
        assert all(each in {Posted.CREATED, Posted.EXISTS} for each in outcomes), outcomes
        self._at(replace(call, stage=Stage.SETTLED), found)
        return found

    def _transfers(self, call: Call, found: Settlement) -> list[Transfer]:
        transfers = []
        energy = round(found.delivered * 1e6)
        if energy > 0:
            transfers.append(
                Transfer(f"{call.id}-wh", "park/call-energy", "grid/call-energy", energy, why=CALL)
            )
        net = round((found.paid - found.penalty) * 100.0)
        for party, amount in shared(abs(net), self.shares).items():
            account = f"{party}/call-money"
            ends = ("grid/call-money", account) if net > 0 else (account, "grid/call-money")
            if amount > 0:
                transfers.append(Transfer(f"{call.id}-{party}", *ends, amount, why=CALL))
        return [
            replace(each, linked=i < len(transfers) - 1, about=call.id)
            for i, each in enumerate(transfers)
        ]

    def _of(self, id_: str, stage: Stage) -> Call:
        call = self.calls.get(id_)
        if call is None or call.stage is not stage:
            now = "unknown" if call is None else call.stage.value
            raise DataError("call_stage", _STAGE.format(id=id_, stage=now, need=stage.value))
        return call

    def _at(self, call: Call, found: Settlement | None = None) -> Call:
        """Post where a call stands, then keep it."""
        body = {
            "call": call.id,
            "stage": call.stage.value,
            "product": call.terms.product,
            "begin": round(call.begin * 1e3),
            "hours": f"{call.hours:g}",
            "power_mw": f"{call.power:.6f}",
            "cap_mw": None if math.isnan(call.cap) else f"{call.cap:.6f}",
            "price_cny_per_mwh": f"{call.terms.price:g}",
        }
        if found is not None:
            body |= {f"{name}_mwh": f"{getattr(found, name):.6f}" for name in _ENERGIES}
            body |= {f"{name}_cny": f"{getattr(found, name):.2f}" for name in _MONEY}
        self.store.note(CALL, body, call.id)
        self.calls[call.id] = call
        return call


_ENERGIES = ("baseline", "metered", "delivered")
_MONEY = ("paid", "penalty")


def settlement(call: Call, baseline: Floats, metered: Floats) -> Settlement:
    """Return what a call came to.

    Delivered is what import was below the baseline, interval by interval, at most the called power
    and never less than 0; what is missing pays the penalty; below the least share nothing is paid.
    """
    hours = call.hours / len(baseline)
    less = np.clip(baseline - metered, 0.0, call.power)
    delivered = float(less.sum()) * hours
    missing = call.energy - delivered
    enough = delivered >= call.terms.least * call.energy
    return Settlement(
        float(baseline.sum()) * hours,
        float(metered.sum()) * hours,
        delivered,
        call.terms.price * delivered if enough else 0.0,
        call.terms.penalty * max(0.0, missing),
    )


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


def capped(calls: Sequence[Call], start: float, step: float, count: int) -> Floats:
    """Return the most import that awarded calls allow in each step [MW], inf where none does."""
    found = np.full(count, np.inf)
    for call in calls:
        if call.stage is Stage.AWARDED:
            begins = start + step * np.arange(count)
            inside = (begins < call.end) & (begins + step > call.begin)
            found[inside] = np.minimum(found[inside], call.cap)
    return found
