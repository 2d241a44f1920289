"""`operate` as a service: a park's devices, its ledger, its commands, its plans, in one process."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.ledger.postings import Postings
from zeropark.ledger.store import Store
from zeropark.operate.authority import VERBS, Actor, must_be_allowed
from zeropark.operate.bands import levers_of
from zeropark.operate.beat import NAME as BEAT
from zeropark.operate.beat import Heart
from zeropark.operate.build import RunRequest
from zeropark.operate.caller import Caller
from zeropark.operate.calls import Calls
from zeropark.operate.chronicle import Chronicle
from zeropark.operate.clock import Clock, ScaledClock
from zeropark.operate.controllers import Advice
from zeropark.operate.cycle import Cycle, Report, Settings
from zeropark.operate.desk import Desk, Programme, Request, RollingPlans, Told
from zeropark.operate.diary import Diary
from zeropark.operate.fleet import Fleet
from zeropark.operate.leading import Leadership
from zeropark.operate.lived import Meters
from zeropark.operate.orders import ORDER, Box, remembered
from zeropark.operate.run import Run
from zeropark.operate.socket import NAME, Listener
from zeropark.operate.trial import Change
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

# Days a season of plans is made for: today, and as far as a horizon looks.
_SEASON_DAYS = 4
# Cycles at a time while the first hours are hurried through: fewer than devices wait for.
_HURRY_CYCLES = 2.0
_NO_TRIAL = Text(
    "this park's operate keeps no plan to try another by; trials need --simulated",
    "该园区的 operate 不保留可试算的计划；试算需要 --simulated",
)
WRITTEN = ("handover", "access", "people")
"""Kinds of entries that people write beside commands: notes of a shift, looks at another's data,
and what was done with people by hand."""
_NO_KIND = Text(
    "no entry is called '{given}'{meant} Allowed: {allowed}",
    "没有条目类型“{given}”{meant}可用：{allowed}",
)
_NOT_AN_ENTRY = Text("an entry's body is a JSON object", "条目内容应为 JSON 对象")
_NO_NUMBER = Text("'{given}' is not a number", "“{given}”不是数")
# A lever told this near to its safe value is at rest [MW].
_AT_REST_MW = 1e-3
# How long one that took over leaves levers where they are until its first plan is there [s].
_STAY_S = 300.0


class Seasons:
    """Plans for months: each day a fresh world of weather and history, the month's peak kept.

    told: what is done with a plan. year: returns what the plans of a day are told of a year, asked
    at each midnight.
    """

    def __init__(
        self,
        request: RunRequest,
        deadline: float,
        told: Told | None = None,
        year: Callable[[dt.date], Advice | None] = lambda _day: None,
    ) -> None:
        self._request, self._deadline, self._told, self._year = request, deadline, told, year
        self._zone = ZoneInfo(request.park.place.zone)
        self._day: dt.date | None = None
        self._plans: RollingPlans | None = None
        self._peak = request.peak_so_far

    def make(self, request: Request) -> Programme | None:
        """Return a plan for the moment of the request; see `RollingPlans.make`."""
        day = dt.datetime.fromtimestamp(request.now, self._zone).date()
        if self._plans is None or day != self._day:
            same_month = self._day is not None and day.month == self._day.month
            if self._plans is not None:
                self._peak = self._plans.peak() if same_month else 0.0
            asked = replace(
                self._request,
                start=day.isoformat(),
                days=_SEASON_DAYS,
                peak_so_far=self._peak,
                compare=False,
            )
            run = Run(asked, self._deadline, year=self._year(day))
            self._plans, self._day = RollingPlans(run, self._told), day
        return self._plans.make(request)


@dataclass
class Service:
    """A park in operation. `run` lives until `stop` says so.

    store: open for writing. fleet: its devices. clock: of the park. make: plans. zone: the park's.
    leadership: the lease it leads by, where the store may have a standby.
    """

    assets: Sequence[Kind]
    fleet: Fleet
    store: Store
    clock: Clock
    make: Callable[[Request], Programme | None]
    settings: Settings = field(default_factory=Settings)
    standing: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    threaded: bool = True
    zone: str = "UTC"
    leadership: Leadership | None = None
    chronicle: Chronicle | None = None

    def __post_init__(self) -> None:
        levers = levers_of(self.assets)
        # On a fast clock a cycle may be longer than what an order waits: it is taken all the same.
        least = 2.0 * self.settings.seconds
        self.box = Box(self.assets, levers, self.store.note, self.clock.steady, least=least)
        self._recall()
        self.desk = Desk(self.make, threaded=self.threaded)
        self.diary = Diary(self.store, self.assets, threaded=self.threaded)
        self.cycle = Cycle(
            self.assets,
            self.fleet,
            self.box,
            self.desk,
            self.diary,
            self.clock,
            self.settings,
            self.standing,
        )
        if self.leadership is not None:
            lease = self.leadership
            self.cycle.leads = lambda: lease.allows(self.fleet.patience)
            self.cycle.stay = _STAY_S
        self.caller = self._caller()
        self.report: Report | None = None
        self.stopping = False

    @property
    def lost(self) -> bool:
        """Whether another instance leads now."""
        return self.leadership is not None and self.leadership.lost

    def _caller(self) -> Caller | None:
        """Return who takes calls; nobody does in a park without a tie."""
        tie = next((asset for asset in self.assets if asset.role == "grid"), None)
        if tie is None:
            return None
        cycle, store = self.cycle, self.store
        parties = dict.fromkeys(asset.party or "park" for asset in self.assets)
        caller = Caller(
            Calls(store, Postings(store), list(parties), self.zone),
            tie,
            self.assets,
            cycle.levers,
            cycle.guards,
            lambda: self.desk.latest,
            Meters(store.registry, store.history),
            lambda: self.diary.waiting == 0,
            self.threaded,
        )
        cycle.caller = caller
        self.box.on_call = lambda asked: caller.take(asked, cycle.without)
        self.box.may_call = lambda body: caller.check(body, cycle.without)
        return caller

    def _recall(self) -> None:
        """Let the orders that were in force before be in force again."""
        rows = self.store.database.rows(
            "SELECT size FROM entry WHERE kind = 'command' AND subject = ? ORDER BY size", (ORDER,)
        )
        entries = self.store.log.entries(size for (size,) in rows)
        for entry in remembered(self.box, entries):
            self.store.note("command", entry, ORDER)

    # -- what others see and ask ---------------------------------------------------------------

    def answer(self, said: Any, actor: Actor) -> Mapping[str, Any]:
        """Answer a command: `see` with how things stand, others as the box does."""
        verb = said.get("verb") if isinstance(said, Mapping) else None
        if verb == "see":
            must_be_allowed(actor, "see", "park")
            return self.status()
        if verb == "calls":
            must_be_allowed(actor, "calls", "park")
            return self.called()
        if verb in {"look", "try"}:
            return self._told(said, actor)
        if verb == "enter":
            must_be_allowed(actor, "enter", "park")
            return self._enter(said)
        return self.box.ask(said, actor)

    def _enter(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """Post what people write down beside commands; durable before the answer."""
        kind, body, subject = str(said.get("kind")), said.get("body"), str(said.get("subject", ""))
        if kind not in WRITTEN:
            text = with_meant(
                _NO_KIND, meant(kind, WRITTEN), given=kind[:40], allowed=", ".join(WRITTEN)
            )
            raise DataError("kind_unknown", text)
        if not isinstance(body, Mapping):
            raise DataError("not_an_entry", _NOT_AN_ENTRY)
        return {"entry": self.store.note(kind, body, subject[:80])}

    def _told(self, said: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """Return what was lived and planned, or what another plan would be."""
        must_be_allowed(actor, "see" if said["verb"] == "look" else "try", "park")
        chronicle = self.chronicle
        if said["verb"] == "try":
            if chronicle is None:
                raise DataError("no_trial", _NO_TRIAL)
            named = (field.name for field in fields(Change))
            return chronicle.trial(
                Change(**{name: _number(said[name]) for name in named if name in said})
            )
        clock = {"now": self.clock.now(), "speed": self.clock.speed, "status": self.status()}
        if chronicle is None:
            return clock
        life, rows, plans = (int(_number(said.get(name, 0))) for name in ("life", "rows", "plans"))
        return {**clock, **chronicle.tell(life, max(0, rows), plans)}

    def status(self) -> dict[str, Any]:
        """Return how the park stands, units last in names."""
        report, cycle = self.report, self.cycle
        programme, orders = self.desk.latest, self.box.orders
        found: dict[str, Any] = {
            "epoch": None if self.leadership is None else self.leadership.epoch,
            "leads": cycle.leads(),
            "cycles": cycle.count,
            "overruns": cycle.overruns,
            "stopped": orders.stopped,
            "asked": list(self.box.shown),
            "newest": self.box.newest(),
            "unexplained": self.box.waiting_for_reasons(),
            "locked": sorted(orders.locked),
            "hand_mw": {f"{a}/{p}": value for (a, p), value in orders.hand.items()},
            "limits_mw": {name: list(pair) for name, pair in orders.limits.items()},
            "left_out": sorted(cycle.back_off.until),
            "alarms": [
                {
                    "id": each.id,
                    "priority": each.row.priority,
                    "state": each.state.value,
                    "title": each.row.title.en,
                    "action": each.row.action.en,
                    "said": each.said,
                }
                for each in cycle.alarms.standing()
            ],
            "shelved_s": cycle.alarms.shelves(self.clock.steady()),
            "burden": cycle.alarms.burden(self.clock.steady()),
            **self.called(),
            "orders": {
                order: {"stage": stage, "en": why.en, "zh": why.zh}
                for order, (stage, why) in list(self.box.fates.items())
            },
            "waiting_pages": self.diary.waiting,
            "plan": None
            if programme is None
            else {
                "grade": str(programme.grade.value),
                "why": programme.why,
                "age_s": round(self.clock.now() - programme.made_at, 1),
                "seconds": round(programme.seconds, 3),
            },
        }
        if report is not None:
            found |= self._seen(report)
        return found

    def called(self) -> dict[str, Any]:
        """Return the calls, and how likely the next one is delivered in full [1]."""
        if self.caller is None:
            return {"calls": []}
        confidence = self.caller.calls.confidence()
        return {
            "calls": self.caller.status(),
            "confidence": {
                "asked": confidence.asked,
                "delivered": confidence.delivered,
                "share": round(confidence.share, 4),
            },
            "calls_failing": self.caller.clerk.failed,
        }

    def _seen(self, report: Report) -> dict[str, Any]:
        image, programme = report.image, self.desk.latest
        planned: dict[str, str] = {}
        if programme is not None:
            planned = {each.asset: str(each.code) for each in programme.reasons_at(image.at)}
        return {
            "at": dt.datetime.fromtimestamp(image.at, dt.UTC).isoformat(timespec="seconds"),
            "flows_mw": {
                guard.asset: image.good(guard.asset, guard.guarded.point)
                for guard in self.cycle.guards
            },
            "levers": {
                f"{lever.asset}/{lever.steered.point}": {
                    "told_mw": report.told[lever.asset][lever.steered.point],
                    "shown_mw": image.good(lever.asset, lever.steered.shown_by),
                    "why": self.cycle.reason(lever.asset, planned, report.moved_by),
                }
                for lever in self.cycle.levers
            },
            "soc": {
                asset.name: image.good(asset.name, "soc")
                for asset in self.assets
                if asset.role == "store"
            },
            "bad_readings": {
                f"{a}/{p}": state.name.lower() for (a, p), state in image.bad().items()
            },
        }

    # -- living --------------------------------------------------------------------------------

    async def run(
        self,
        folder: Path,
        lasts: float,
        live: Callable[[Report], None],
        *,
        rest: bool = True,
        before: float = 0.0,
    ) -> None:
        """Live for `lasts` [s] or until `stopping`, then lead the levers to rest and end.

        before: how much is lived first, as fast as it can be [s]; only on a clock that can be
        skipped.
        rest: whether that is waited for. folder: where the socket and the beat are. Raises
        `DataError` where they cannot be there.
        """
        heart = Heart(folder / BEAT)
        listener = Listener(folder / NAME, self.answer)
        try:
            await self._hurry(heart, before)
            until = self.clock.steady() + lasts
            await self._cycles(heart, until, live, leaving=False)
            rest = rest and not self.lost
            self.cycle.leaving = rest
            calm = self.clock.steady() + 1.2 * self.settings.travel + 2 * self.settings.seconds
            if rest:
                await self._cycles(heart, calm, live, leaving=True)
        finally:
            listener.close()
            self.desk.close()
            self.diary.close()
            if self.caller is not None:
                self.caller.close()
            if self.chronicle is not None:
                self.chronicle.close()
            await self.fleet.close()
        heart.rest()

    async def _hurry(self, heart: Heart, before: float) -> None:
        """Live so much of the park's time [s] without waiting for it."""
        clock, chronicle = self.clock, self.chronicle
        if before <= 0.0 or chronicle is None or not isinstance(clock, ScaledClock):
            return
        until = clock.now() + before
        self.desk.waited_for = chronicle.catching_up = True
        clock.hold()
        while clock.now() < until and not self.stopping:
            self.report = await self.cycle.once()
            heart.beat()
            clock.skip(_HURRY_CYCLES * self.settings.seconds)
            # Others want the processor too, such as who answers at the socket.
            await asyncio.sleep(0)
        clock.go()
        self.desk.waited_for = chronicle.catching_up = False
        self.cycle.plan_soon()

    async def _cycles(
        self, heart: Heart, until: float, live: Callable[[Report], None], *, leaving: bool
    ) -> None:
        clock, seconds = self.clock, self.settings.seconds
        due = clock.steady()
        while True:
            self.report = await self.cycle.once()
            heart.beat()
            live(self.report)
            over = (self.at_rest if leaving else self.stopping) or self.lost
            if over or clock.steady() >= until:
                return
            due += seconds
            late = clock.steady() - due
            self.cycle.late = max(0.0, late)
            if late > 0.0:
                # The present counts: what was missed is not made up for.
                self.cycle.overruns += 1
                due = clock.steady()
            await asyncio.sleep(max(0.0, due - clock.steady()) / clock.speed)

    @property
    def at_rest(self) -> bool:
        """Whether every lever was told its safe value."""
        report = self.report
        return report is not None and all(
            abs(report.told[each.asset][each.steered.point] - each.steered.rest) < _AT_REST_MW
            for each in self.cycle.levers
        )


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise DataError("not_a_number", _NO_NUMBER.format(given=str(given)[:40]))
    return float(given)


assert "see" in VERBS, "the table knows it"
