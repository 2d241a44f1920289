"""The fast cycle: frozen image, health, controllers that narrow, write, read back, post.

Nothing in it waits for the solver, the disk or a device that is silent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.devices.contract import Outcome, Written
from zeropark.formulation.reasons import WORDS
from zeropark.ledger import canonical
from zeropark.operate.alarms import Annunciator, Change
from zeropark.operate.bands import Bands, Guard, Lever, guards_of, levers_of, wishes
from zeropark.operate.caller import Caller
from zeropark.operate.clock import Clock
from zeropark.operate.desk import Desk, Request
from zeropark.operate.diary import Diary, Entry, Page
from zeropark.operate.envelope import TAPER
from zeropark.operate.fleet import BackOff, Fleet
from zeropark.operate.follow import follow
from zeropark.operate.image import Image, Judge, State, rules_of
from zeropark.operate.orders import ORDER, Box
from zeropark.operate.safety import Bumpless, in_order

Floats = npt.NDArray[np.float64]
_PLAN_EVERY = 900.0
_PLAN_OLD = 3_600.0
# A set-point that moves by less is the same one [MW].
_SAME = 1e-4
# A device does not follow when it does the contrary, or nothing, for so long [s] or three cycles.
_FOLLOW_WITHIN = 60.0
# What counts as doing something, of the lever's range [1].
_SOME, _MUCH = 0.02, 0.1
# After so many cycles that were not lived nobody knows any more what devices hold.
_PAUSED_CYCLES = 3.5
_CERTIFICATE = 30.0 * 86_400.0
_FROZEN_AFTER = 900.0


@dataclass(frozen=True)
class Settings:
    """How the cycle is run.

    seconds: of a cycle. plan_every [s]. stale_after: how long a stamp may stand still [s]. travel:
    time a set-point takes through its whole range [s]: the bound of every step in power that is
    not safety's. keep_every: readings are posted so often [s]. forecast_jump: change of load or sun
    since the last plan that asks for a new one [MW]. margin: share of a limit that stores keep free
    for what changes within a cycle [1].
    """

    seconds: float = 1.0
    plan_every: float = _PLAN_EVERY
    stale_after: float = 10.0
    travel: float = 60.0
    keep_every: float = 1.0
    forecast_jump: float = 0.5
    margin: float = 0.02


@dataclass
class Report:
    """What a cycle did. written: set-points sent. moved_by: who moved a set-point off its wish."""

    image: Image
    told: dict[str, dict[str, float]]
    written: dict[str, dict[str, Written]]
    moved_by: dict[tuple[str, str], str]
    changes: list[Change]
    replanned: str = ""


@dataclass
class _Doubt:
    """Since when a lever does not do what it was told [s, steady]; None while it does."""

    since: dict[int, float] = field(default_factory=dict)


class Cycle:
    """Runs a park second by second; `once` is one cycle.

    wires, box, desk and diary are its surroundings: any of them may fail without the cycle failing.
    """

    def __init__(
        self,
        assets: Sequence[Kind],
        fleet: Fleet,
        box: Box,
        desk: Desk,
        diary: Diary | None,
        clock: Clock,
        settings: Settings | None = None,
        standing: Mapping[tuple[str, str], tuple[float, float]] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.assets, self.fleet, self.box, self.desk = assets, fleet, box, desk
        self._diary, self._clock = diary, clock
        self.alarms = Annunciator()
        self.levers = levers_of(assets)
        self.guards = guards_of(assets, self.levers)
        seconds = self.settings.seconds
        self._first, self._controllers = in_order(
            self.guards, box.orders, standing or {}, seconds, self.settings.margin
        )
        shown = {(lever.asset, lever.steered.shown_by) for lever in self.levers}
        written = {(a.name, p.name) for a in assets for p in a.shown_points() if p.writable}
        self._setpoints_only = written - shown
        names = {device: list(points) for device, points in fleet.names.items()}
        self._names = names
        rules = rules_of(assets, _FROZEN_AFTER)
        self._judge = Judge(names, rules, self.settings.stale_after)
        count = len(self.levers)
        spans = np.array([lever.steered.high - lever.steered.low for lever in self.levers])
        self._spans = np.where(np.isfinite(spans), spans, np.inf)
        self._bumpless = Bumpless(
            np.full(count, np.nan), self._spans * seconds / self.settings.travel
        )
        self._sent: dict[str, tuple[float, dict[str, float]]] = {}
        self.back_off = BackOff()
        self.caller: Caller | None = None
        self._doubt = _Doubt()
        self._held_to = np.full(count, np.nan)
        self._planned_at = -np.inf
        self._asked_for = ("", frozenset[str]())
        self._kept_at = -np.inf
        self._outside: float | None = None
        self._posted: dict[tuple[str, str], float] = {}
        self.count = self.overruns = 0
        self.late = 0.0
        self._lived_at = -np.inf
        self.leaving = False
        self.leads: Callable[[], bool] = lambda: True
        self._held: Mapping[str, Mapping[str, float]] = {}
        self.stay, self._began_at = 0.0, np.inf

    # -- one cycle -----------------------------------------------------------------------------

    async def once(self) -> Report:
        """Live through one cycle and say what was done."""
        readouts = await self.fleet.read()
        image = self._judge.image(readouts, self._clock.now(), self._clock.steady())
        if self.caller is not None:
            self.box.orders.calls = self.caller.look(image)
        orders = self.box.take(self.alarms)
        self._first.excluded = self.back_off.resting(image.steady)
        leads = self.leads()
        paused = image.steady - self._lived_at > _PAUSED_CYCLES * self.settings.seconds
        if paused or not leads:
            # Stopped for a while, or another one led: begin again from what devices hold and do.
            self._bumpless.last[:] = np.nan
            self._sent.clear()
        self._lived_at = image.steady
        self._began_at = min(self._began_at, image.steady)
        if leads and not np.isfinite(self._bumpless.last).all():
            self._held = await self.fleet.held()
        shown = Bands(self.levers, image, np.zeros(len(self.levers))).shown
        self._begin_from(shown)
        bands = Bands(self.levers, image, self._wishes(image))
        for controller in (*self._controllers, self._bumpless):
            controller.narrow(image, bands)
        told = self._told(bands)
        due = self._due(told, image.steady) if leads else {}
        written = await self.fleet.write(self._with_heartbeats(due))
        # What devices show was read before this write: they are held to the one before it.
        self._held_to = self._bumpless.last.copy()
        self._note_written(bands, due, written, image.steady)
        causes = self._causes(image, bands, written)
        changes = self.alarms.look(causes, image.steady, self.fleet.gateways)
        why = self._replan(image, orders, told)
        moved = {
            lever.key: bands.reason(i)
            for i, lever in enumerate(self.levers)
            if bands.reason(i) and self._binds(i, bands)
        }
        report = Report(image, told, written, moved, changes, why)
        self._post(report, orders, due)
        self.count += 1
        return report

    def _binds(self, i: int, bands: Bands) -> bool:
        """Return whether a set-point holds its device: a cap above what it does holds nothing."""
        lever, shown = self.levers[i], float(bands.shown[i])
        return not (lever.steered.caps and shown < bands.meant[i] - _SAME)

    def _wishes(self, image: Image) -> Floats:
        """Return what plan and hand ask; a store follows what the plan meant within its step."""
        programme = self.desk.latest
        if self.leaving:
            return np.array([lever.steered.rest for lever in self.levers])
        plan = {} if programme is None else programme.at(image.at)
        asked = wishes(self.levers, plan, self.box.orders.hand)
        if programme is None:
            return self._stayed(asked, image)
        for i, lever in enumerate(self.levers):
            planned = plan.get(lever.asset, {})
            by_hand = lever.key in self.box.orders.hand
            if not lever.steered.stores or by_hand or "worth" not in planned:
                continue
            for guard in self.guards:
                shown = image.good(guard.asset, guard.guarded.point)
                here = image.good(lever.asset, lever.steered.shown_by)
                wanted = plan.get(guard.asset, {})
                if shown is None or here is None or "import" not in wanted:
                    continue
                need = guard.guarded.sign * shown + here - float(asked[i])
                asked[i] += follow(need, planned, wanted, *programme.prices)
                break
        return asked

    def _stayed(self, asked: Floats, image: Image) -> Floats:
        """Return what is wished before the first plan: one that took over stays for a while."""
        stays = np.isfinite(self._bumpless.last) & (image.steady - self._began_at < self.stay)
        by_hand = np.array([lever.key in self.box.orders.hand for lever in self.levers])
        return np.where(stays & ~by_hand, self._bumpless.last, asked)

    def _begin_from(self, shown: Floats) -> None:
        """At the first sight of a device, begin from what it does now: no step in power."""
        last = self._bumpless.last
        unknown = ~np.isfinite(last)
        seen = np.array(
            [
                self._held.get(lever.asset, {}).get(lever.steered.point, lever.steered.rest)
                if lever.steered.caps
                else does
                for lever, does in zip(self.levers, shown.tolist(), strict=True)
            ]
        )
        self._bumpless.last = np.where(unknown, seen, last)

    def _told(self, bands: Bands) -> dict[str, dict[str, float]]:
        """Return all set-points: of the levers as narrowed, of the rest as planned."""
        programme, now = self.desk.latest, self._clock.now()
        plan = {} if programme is None else programme.at(now)
        writable = {a.name: {p.name for p in a.shown_points() if p.writable} for a in self.assets}
        out = self._first.excluded | self.box.orders.locked
        found: dict[str, dict[str, float]] = {}
        if not (self.box.orders.stopped or self.leaving):
            for asset, points in plan.items():
                own = {p: float(v) for p, v in points.items() if p in writable.get(asset, ())}
                if own and asset not in out:
                    found[asset] = own
        for lever, value in zip(self.levers, bands.meant.tolist(), strict=True):
            found.setdefault(lever.asset, {})[lever.steered.point] = value
        return found

    def _due(
        self, told: Mapping[str, Mapping[str, float]], steady: float
    ) -> dict[str, dict[str, float]]:
        """Return what must be sent: what changed, and what its device would soon forget."""
        found: dict[str, dict[str, float]] = {}
        for place, (asset, points) in enumerate(told.items()):
            wire = self.fleet.wires.get(asset)
            if wire is None:
                continue
            # Told at once, many would be due at once ever after: each has a moment of its own.
            patience = (wire.watchdog or 0.0) / 3.0 * (1.0 - place / (2.0 * len(told)))
            at, sent = self._sent.get(asset, (-np.inf, {}))
            moved = any(abs(v - sent.get(p, np.inf)) > _SAME for p, v in points.items())
            forgets = wire.watchdog is not None and steady - at >= patience
            if moved or forgets:
                found[asset] = dict(points)
        return found

    def _with_heartbeats(
        self, due: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, float | None]]:
        """Return what is due with what keeps the devices' watchdogs quiet."""
        return {
            asset: {**points, **self.fleet.wires[asset].heartbeat(self.count)}
            for asset, points in due.items()
        }

    def _note_written(
        self,
        bands: Bands,
        due: Mapping[str, Mapping[str, float]],
        written: Mapping[str, Mapping[str, Written]],
        steady: float,
    ) -> None:
        """Remember what devices hold; what was not taken is sent again in the next cycle."""
        for asset, points in due.items():
            if all(each.outcome.done for each in written[asset].values()):
                self._sent[asset] = (steady, dict(points))
            else:
                self._sent.pop(asset, None)
        for i, lever in enumerate(self.levers):
            outcome = written.get(lever.asset, {}).get(lever.steered.point)
            if not self.leads():
                self._bumpless.last[i] = np.nan
            elif outcome is None or outcome.outcome.done:
                self._bumpless.last[i] = bands.meant[i]

    # -- what is wrong -------------------------------------------------------------------------

    def _causes(
        self,
        image: Image,
        bands: Bands,
        written: Mapping[str, Mapping[str, Written]],
    ) -> list[tuple[str, str, str]]:
        """Return the causes of alarms that last at this moment: (key, source, words)."""
        now = image.at
        found: list[tuple[str, str, str]] = []
        bad = self._bad(image)
        silent = {a for a, wire in self.fleet.wires.items() if not wire.driver.health().answering}
        silent |= {asset for asset in bad if self._shows_nothing(asset, image)}
        behind = self.fleet.gateways
        for gateway in set(behind.values()):
            own = {asset for asset, each in behind.items() if each == gateway}
            if len(own) > 1 and own <= silent:
                found.append(("gateway_silent", gateway, f"{len(own)} devices"))
        found += [("device_silent", asset, "") for asset in silent]
        for asset, states in bad.items():
            # What is wrong with one device is one alarm, however many points it has.
            if asset not in silent:
                said = ", ".join(f"{point}: {state.words.en}" for point, state in states.items())
                found.append(("reading_bad", asset, said))
        for asset, wire in self.fleet.wires.items():
            ends = wire.driver.health().certificate_ends
            if ends is not None and ends - now < _CERTIFICATE:
                found.append(("certificate_ends", asset, f"{(ends - now) / 86_400.0:.0f} days"))
        found += self._causes_of_flows(image)
        found += self._causes_of_levers(image, bands, written)
        programme = self.desk.latest
        if programme is not None and now - programme.made_at > _PLAN_OLD:
            found.append(("plan_old", "planner", self.desk.failed))
        if self.late > self.settings.seconds / 2.0:
            found.append(("overrun", "cycle", f"{self.late:.2f} s"))
        return found + self._causes_of_ours()

    def _bad(self, image: Image) -> dict[str, dict[str, State]]:
        """Return the readings that cannot be believed, by asset and point."""
        found: dict[str, dict[str, State]] = {}
        for (asset, point), state in image.bad().items():
            # A set-point that nothing shows back is no reading.
            if (asset, point) not in self._setpoints_only:
                found.setdefault(asset, {})[point] = state
        return found

    def _shows_nothing(self, asset: str, image: Image) -> bool:
        """Return whether nothing of a device came, or is of this time."""
        every = [image.value(asset, point) for point in self._names[asset]]
        return all(each.state is State.STALE or not np.isfinite(each.at) for each in every)

    def _causes_of_ours(self) -> list[tuple[str, str, str]]:
        found = []
        if not self.leads():
            found.append(("not_leading", "operate", ""))
        if self._diary is not None and self._diary.failing:
            found.append(("not_recorded", "ledger", self._diary.failing))
        return found

    def _causes_of_flows(self, image: Image) -> list[tuple[str, str, str]]:
        found = []
        for guard in self.guards:
            shown = image.good(guard.asset, guard.guarded.point)
            if shown is None:
                found.append(("flow_blind", guard.asset, ""))
                continue
            low, high = self._limits(guard)
            flow = guard.guarded.sign * shown
            band = 0.01 * max(abs(low), abs(high), _SAME)
            if not low - band <= flow <= high + band:
                found.append(
                    ("limit_broken", guard.asset, f"{flow:.3f} MW of {low:.3f} to {high:.3f}")
                )
        return found

    def _limits(self, guard: Guard) -> tuple[float, float]:
        return self.box.orders.limit(guard.asset, guard.guarded.low, guard.guarded.high)

    def _causes_of_levers(
        self, image: Image, bands: Bands, written: Mapping[str, Mapping[str, Written]]
    ) -> list[tuple[str, str, str]]:
        """Return devices that refuse or do not follow; they are left alone for a while."""
        found, steady = [], image.steady
        resting = self._first.excluded
        for i, lever in enumerate(self.levers):
            asset = lever.asset
            if lever.steered.stores and "charge_unknown" in bands.why[i]:
                found.append(("charge_unknown", asset, ""))
            outcome = written.get(asset, {}).get(lever.steered.point)
            refused = outcome is not None and not outcome.outcome.done
            refused = refused and outcome is not None and outcome.outcome is not Outcome.NOT_LEADING
            refused = refused and self.fleet.wires[asset].driver.health().answering
            # No answer in time is no refusal: it is sent again, and doubted if that lasts.
            late = refused and outcome is not None and outcome.outcome is Outcome.NO_ANSWER
            refused = refused and not late
            astray = self._astray(i, image, bands) or late
            if not (refused or astray):
                self._doubt.since.pop(i, None)
                if asset not in resting and self._asked_for_much(i):
                    self.back_off.follows(asset)
            elif asset not in resting:
                since = self._doubt.since.setdefault(i, steady)
                if refused or steady - since >= max(_FOLLOW_WITHIN, 3 * self.settings.seconds):
                    self.back_off.leave(asset, steady)
                    self._doubt.since.pop(i, None)
            if asset in self.back_off.until:
                said = "" if outcome is None else outcome.outcome.words.en
                found.append(("not_following", asset, said))
        return found

    def _astray(self, i: int, image: Image, bands: Bands) -> bool:
        """Return whether a lever does the contrary of what it was told, or nothing of much.

        Less than told is no fault: cells taper near the ends of their band, to nothing at last.
        """
        lever, told, shown = self.levers[i], float(self._held_to[i]), float(bands.shown[i])
        span = float(self._spans[i])
        if np.isnan(shown) or not np.isfinite(span) or not np.isfinite(told):
            return False
        if lever.steered.caps:
            return shown > told + _MUCH * span
        contrary = shown * told < 0.0 and abs(shown - told) > _MUCH * span
        idle = abs(shown) <= _SOME * span and abs(told) > _MUCH * span
        beyond = abs(shown) > abs(told) + _MUCH * span
        return contrary or beyond or (idle and not self._tapers(lever, image, told))

    def _tapers(self, lever: Lever, image: Image, told: float) -> bool:
        """Return whether a store is so near to the end it is led to that it may do nothing."""
        soc = image.good(lever.asset, "soc") if lever.steered.stores else None
        if soc is None:
            return False
        return soc >= lever.ceiling - TAPER if told < 0.0 else soc <= lever.floor + TAPER

    def _asked_for_much(self, i: int) -> bool:
        """Return whether a lever is told enough to show that it follows."""
        told = abs(float(self._bumpless.last[i]))
        return self.levers[i].steered.caps or told > _MUCH * float(self._spans[i])

    # -- plans and the ledger ------------------------------------------------------------------

    def _replan(
        self, image: Image, orders: Sequence[Mapping[str, Any]], told: Mapping[str, Any]
    ) -> str:
        """Ask for a plan where one is due; return why, or nothing."""
        without = self.without
        outside = self._outside_flow(image)
        why = ""
        if self.leaving:
            return why
        if image.steady - self._planned_at >= self.settings.plan_every:
            why = "time"
        elif any(entry["stage"].startswith("taken") for entry in orders):
            why = "order"
        elif without != self._asked_for[1]:
            why = "outage"
        elif self._jumped(outside):
            why = "forecast"
        if not why:
            return ""
        self._planned_at, self._asked_for = image.steady, (why, without)
        self._outside = outside
        promises = () if self.caller is None else self.caller.promises()
        self.desk.ask(Request(image.at, image.readings(), without, why, dict(told), promises))
        return why

    def plan_soon(self) -> None:
        """Have the next cycle ask for a plan."""
        self._planned_at = -np.inf

    @property
    def without(self) -> frozenset[str]:
        """Assets that a plan may not count on: left out, locked, or in somebody's hand."""
        held = {asset for asset, _ in self.box.orders.hand}
        return frozenset(self._first.excluded | self.box.orders.locked | held)

    def _outside_flow(self, image: Image) -> float | None:
        """Return what the park takes with all stores at rest [MW]: load less sun and wind."""
        total = 0.0
        for guard in self.guards:
            shown = image.good(guard.asset, guard.guarded.point)
            if any(a.name == guard.asset and a.role == "grid" for a in self.assets):
                if shown is None:
                    return None
                total += shown
        for lever in self.levers:
            if lever.steered.stores:
                total += image.good(lever.asset, lever.steered.shown_by) or 0.0
        return total

    def _jumped(self, outside: float | None) -> bool:
        return (
            outside is not None
            and self._outside is not None
            and abs(outside - self._outside) > self.settings.forecast_jump
        )

    def _post(
        self,
        report: Report,
        orders: Sequence[Mapping[str, Any]],
        due: Mapping[str, Mapping[str, float]],
    ) -> None:
        if self._diary is None:
            return
        image = report.image
        entries: list[Entry] = [("command", entry, ORDER) for entry in orders]
        moved = {
            asset: points
            for asset, points in due.items()
            if any(self._is_news(asset, point, value) for point, value in points.items())
        }
        if moved:
            entries.append(("command", self._command(report, moved), "cycle"))
        entries += [("alarm", each.as_entry(image.at), each.id) for each in report.changes]
        keep = image.steady - self._kept_at >= self.settings.keep_every - 1e-9
        if keep:
            self._kept_at = image.steady
        if keep or entries:
            self._diary.add(Page(image if keep else None, entries))

    def _is_news(self, asset: str, point: str, value: float) -> bool:
        """Return whether a set-point differs from what was posted last; keeps it."""
        last = self._posted.get((asset, point))
        if last is not None and abs(last - value) <= _SAME:
            return False
        self._posted[asset, point] = value
        return True

    def _command(self, report: Report, moved: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
        """Return the entry of a cycle's set-points: from which image, what, why, what was held."""
        image = report.image
        shown = {f"{a}/{p}": _text(image.good(a, p)) for a, p in image.index}
        programme = self.desk.latest
        reasons: Mapping[str, str] = {}
        if programme is not None:
            reasons = {each.asset: str(each.code) for each in programme.reasons_at(image.at)}
        codes = {asset: self.reason(asset, reasons, report.moved_by) for asset in moved}
        return {
            "step": round(image.at * 1000),
            "image": hashlib.sha256(canonical.dumps(shown)).hexdigest(),
            "written": {a: {p: _text(v) for p, v in points.items()} for a, points in moved.items()},
            "outcome": {
                a: {p: each.outcome.value for p, each in report.written.get(a, {}).items()}
                for a in moved
            },
            "why": codes,
        }

    def reason(
        self,
        asset: str,
        planned: Mapping[str, str],
        moved_by: Mapping[tuple[str, str], str],
    ) -> str:
        """Return the code of why a set-point is what it is: safety's, the hand's, or the plan's."""
        for (name, _), who in moved_by.items():
            if name == asset and who != self._bumpless.name:
                return who
        if any(name == asset for name, _ in self.box.orders.hand):
            assert "hand" in WORDS, "the code has words"
            return "hand"
        return planned.get(asset, "rest")


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"
