"""Between a caller's wire and `operate`: a process of its own that hands over what is wanted.

It is neither plan nor device: it hears a caller's protocol, asks `operate` over its local socket as
any person would, and tells the caller what became of it. What it took stands in a journal, so that
a restart neither asks twice nor forgets to end a limit. Without it, and without its caller, what
was promised is kept and a limit in force stays: both only narrow.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zeropark.data.errors import DataError
from zeropark.devices.grid.contract import Fate, Form, Heard, Side, Told, Unfit, Wanted
from zeropark.devices.grid.openadr3_events import overlapped
from zeropark.model.caller import CallerLine
from zeropark.units.text import Text

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Hands a command to operate and returns its answer; raises `DataError` with its sentence."""
_QUARTER_S = 900.0
_ROLE = "dispatcher"
# A call is settled soon after its end; one that is not after this long never will be [s].
_UNSETTLED_S = 3600.0
# A certificate is spoken of so long before it expires [s].
_AHEAD_S = 30 * 86_400.0
_OVER = frozenset({"settled", "shared"})
_NEVER = frozenset({"refused", "lapsed"})
_SAME_MW = 1e-6
_ASKING, _HELD = "asking", Fate.TAKEN.value

_NOT_QUARTER = Text(
    "{id}: from {begin} for {hours:g} h; calls begin and end on the quarter hour",
    "{id}：自 {begin} 起 {hours:g} h；调用须在整刻钟开始和结束",
)
_OVERLAPS = Text("{id} overlaps {other}, which was taken", "{id} 与已接受的 {other} 重叠")
_TAKEN = {
    Form.LESS: Text("{id} is taken: {power:g} MW less import", "{id} 已接受：少受电 {power:g} MW"),
    Form.MORE: Text("{id} is taken: {power:g} MW more import", "{id} 已接受：多受电 {power:g} MW"),
}
_LIMIT_TAKEN = Text(
    "{id} is taken: import up to {power:g} MW", "{id} 已接受：受电至多 {power:g} MW"
)
_HOLDS = Text("{id} holds: import up to {power:g} MW", "{id} 生效：受电至多 {power:g} MW")
_ENDED = Text("{id} is over", "{id} 已结束")
_DELIVERED = Text(
    "{id} is over: {delivered:.3f} of {called:.3f} MWh delivered",
    "{id} 已结束：交付 {delivered:.3f}/{called:.3f} MWh",
)
_UNSETTLED = Text("{id} is over; operate shows no settlement", "{id} 已结束；operate 未显示结算")
_WITHDRAWN = Text("{id} is withdrawn", "{id} 已撤回")
_EXPIRES = Text(
    "a certificate of {name} expires on {day}; have it renewed",
    "{name} 的证书将于 {day} 到期；请更换",
)
_KEPT = Text(
    "{id} was withdrawn or changed after it was taken; the park keeps what it took",
    "{id} 在接受后被撤回或更改；园区维持原承诺",
)


@dataclass
class Noted:
    """Something wanted and where it stands.

    stage: asked, taken, holds, ended or declined. order, call: operate's names for it. before: the
    limit that held before ours [MW]. replaces: what this changes while it holds, to go back to
    where the change is refused. told: what the caller knows. kept: whether it was changed or
    withdrawn too late.
    """

    wanted: Wanted | Unfit
    stage: str
    text: Text
    order: str = ""
    call: str = ""
    before: tuple[float, float] | None = None
    replaces: Wanted | None = None
    told: str = ""
    kept: bool = False
    energies: Mapping[str, float] = field(default_factory=dict)

    @property
    def fate(self) -> Fate | None:
        """What the caller is to know; None while nothing is decided."""
        return _FATES.get(self.stage)

    @property
    def binding(self) -> Wanted | None:
        """What was promised and is not over; None where nothing is."""
        open_ = self.stage in {"asked", "taken", "holds"}
        return self.wanted if open_ and isinstance(self.wanted, Wanted) else None


_FATES = {
    "taken": Fate.TAKEN,
    "holds": Fate.TAKEN,
    "declined": Fate.DECLINED,
    "ended": Fate.DONE,
}


class Journal:
    """What was wanted, durable: a file that is written anew before anybody hears of a change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.noted: dict[str, Noted] = {}
        if path.is_file():
            told = json.loads(path.read_text(encoding="utf-8"))
            self.noted = {id_: _noted(each) for id_, each in told.items()}

    def write(self) -> None:
        """Make what is noted durable; raises `OSError` where the disk takes nothing."""
        said = {id_: asdict(each) for id_, each in self.noted.items()}
        draft = self._path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(said, file, ensure_ascii=False, default=_plain)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _plain(value: object) -> object:
    assert isinstance(value, Form), "nothing else of a note is no JSON"
    return value.value


def _noted(said: Mapping[str, Any]) -> Noted:
    raw, before, replaces = said["wanted"], said["before"], said["replaces"]
    wanted = _wanted(raw) if isinstance(raw, Mapping) else Unfit(raw[0], Text(*raw[1]))
    told: dict[str, Any] = {"wanted": wanted, "text": Text(*said["text"])}
    told["replaces"] = None if replaces is None else _wanted(replaces)
    return Noted(**{**said, **told, "before": None if before is None else tuple(before)})


def _wanted(said: Mapping[str, Any]) -> Wanted:
    return Wanted(**{**said, "form": Form(said["form"])})


@dataclass
class Bridge:
    """Hands one caller's wishes to operate.

    steady: counts seconds, never back. refused: changes that were, to be told. expiring: the end
    of a certificate that was spoken of, POSIX s.
    """

    line: CallerLine
    side: Side
    ask: Ask
    journal: Journal
    steady: Callable[[], float]
    heard_at: float = -math.inf
    silent: Text | None = None
    refused: list[tuple[Wanted, Text]] = field(default_factory=list)
    expiring: float = math.nan

    async def once(self) -> list[Text]:
        """Look once; return what there is to say of it, each thing once.

        The caller is asked every so often, operate each time.
        """
        said: list[Text] = []
        try:
            status = self.ask({"verb": "see", **self._actor})
        except DataError as error:
            # Without operate nothing can be promised; what is under way it remembers itself.
            return self._once_silent(error.text)
        self.silent = None
        if "at" not in status:
            return said
        now = dt.datetime.fromisoformat(str(status["at"])).timestamp()
        await self.side.show(status)
        waited = self.steady() - self.heard_at
        if self.side.listens or waited >= self.line.every * 3600.0:
            self.heard_at = self.steady()
            heard = await self.side.hear(now)
            if heard is not None:
                said += self._withdrawn(heard, status)
                said += self._new(heard, status, now)
        said += self._follow(status, now)
        if said:
            self.journal.write()
        await self._tell()
        return said + self._expires(now)

    def _expires(self, now: float) -> list[Text]:
        """Say once of each certificate that it expires soon."""
        ends = self.side.health().certificate_ends
        if ends is None or ends - now > _AHEAD_S or ends == self.expiring:
            return []
        self.expiring = ends
        day = dt.datetime.fromtimestamp(ends, dt.UTC).date()
        return [_EXPIRES.format(name=self.line.name, day=day)]

    def _once_silent(self, text: Text) -> list[Text]:
        was, self.silent = self.silent, text
        return [] if was == text else [text]

    @property
    def _actor(self) -> dict[str, str]:
        return {"actor": "peer", "name": self.line.name, "role": _ROLE, "channel": "protocol"}

    # -- what is new ------------------------------------------------------------------------------

    def _new(self, heard: Heard, status: Mapping[str, Any], now: float) -> list[Text]:
        noted, said = self.journal.noted, []
        for unfit in heard.unfit:
            if unfit.id not in noted:
                noted[unfit.id] = Noted(unfit, "declined", unfit.text)
                said.append(unfit.text)
        for wanted in heard.wanted:
            before = noted.get(wanted.id)
            if before is not None and before.wanted == wanted:
                continue
            if before is not None and before.binding is not None and wanted.form.called:
                said += self._keep(before)
                continue
            found = self._considered(wanted, status)
            if before is not None and before.stage == "holds":
                self._changed(before, found, status, now)
            noted[wanted.id] = found
            said.append(found.text)
        return said

    def _changed(self, before: Noted, after: Noted, status: Mapping[str, Any], now: float) -> None:
        """Let a limit that was changed while it holds go over into the new one, without a gap."""
        binding = after.binding
        if binding is not None and binding.begin <= now:
            after.before, after.order = before.before, _ASKING
            after.replaces = before.binding
        else:
            self._release(before, status)

    def _keep(self, noted: Noted) -> list[Text]:
        if noted.kept:
            return []
        noted.kept = True
        return [_KEPT.format(id=noted.wanted.id)]

    def _considered(self, wanted: Wanted, status: Mapping[str, Any]) -> Noted:
        """Return how something new is taken: asked for, waiting for its time, or declined."""
        bound = [b for each in self.journal.noted.values() if (b := each.binding) is not None]
        other = overlapped(wanted, bound)
        if other is not None:
            return Noted(wanted, "declined", _OVERLAPS.format(id=wanted.id, other=other.id))
        if wanted.form is Form.LIMIT:
            return Noted(wanted, "taken", _LIMIT_TAKEN.format(id=wanted.id, power=wanted.power))
        there = self._call_of(wanted, status)
        if there is not None:
            # Asked before a restart that came between the asking and the noting.
            return Noted(wanted, "taken", _taken(wanted), call=str(there["call"]))
        return self._asked(wanted)

    def _asked(self, wanted: Wanted) -> Noted:
        """Ask operate for a call; return whether it will look at it, or why not."""
        if wanted.begin % _QUARTER_S or wanted.hours * 3600.0 % _QUARTER_S:
            begin = dt.datetime.fromtimestamp(wanted.begin, dt.UTC).isoformat(timespec="seconds")
            text = _NOT_QUARTER.format(id=wanted.id, begin=begin, hours=wanted.hours)
            return Noted(wanted, "declined", text)
        body: dict[str, Any] = {
            "verb": "call",
            "why": f"{self.line.name}: {wanted.id}",
            "product": self.line.product,
            "way": wanted.form.value,
            "power": wanted.power,
            "begin": wanted.begin,
            "hours": wanted.hours,
        }
        agreed = {
            "price": self.line.price if wanted.price is None else wanted.price,
            "penalty": self.line.penalty if wanted.penalty is None else wanted.penalty,
        }
        # What neither side says is as operate has it for the product.
        body |= {name: value for name, value in agreed.items() if value is not None}
        try:
            answer = self.ask({**body, **self._actor})
        except DataError as error:
            return Noted(wanted, "declined", error.text)
        return Noted(wanted, "asked", _taken(wanted), order=str(answer["order"]))

    def _withdrawn(self, heard: Heard, status: Mapping[str, Any]) -> list[Text]:
        """Let go of what a caller no longer has in force."""
        there = {each.id for each in heard.wanted} | {each.id for each in heard.unfit}
        if not heard.whole:
            there |= set(self.journal.noted) - set(heard.withdrawn)
        said = []
        for id_, noted in list(self.journal.noted.items()):
            if id_ in there:
                continue
            binding = noted.binding
            if binding is None:
                del self.journal.noted[id_]
            elif binding.form.called:
                said += self._keep(noted)
            else:
                if noted.stage == "holds":
                    self._release(noted, status)
                noted.stage, noted.text = "ended", _WITHDRAWN.format(id=id_)
                said.append(noted.text)
        return said

    # -- what goes on -----------------------------------------------------------------------------

    def _follow(self, status: Mapping[str, Any], now: float) -> list[Text]:
        said = []
        for noted in self.journal.noted.values():
            wanted = noted.binding
            if wanted is None:
                continue
            before = noted.stage
            if wanted.form is Form.LIMIT:
                self._follow_limit(noted, wanted, status, now)
            else:
                self._follow_call(noted, wanted, status, now)
            if noted.stage != before:
                said.append(noted.text)
        return said

    def _follow_limit(
        self, noted: Noted, wanted: Wanted, status: Mapping[str, Any], now: float
    ) -> None:
        if now >= wanted.end:
            if noted.stage == "holds":
                self._release(noted, status)
            noted.stage, noted.text = "ended", _ENDED.format(id=wanted.id)
        elif noted.stage == "taken" and now >= wanted.begin:
            if noted.order != _ASKING:
                held = status["limits_mw"].get(self.line.asset)
                noted.before = None if held is None else (float(held[0]), float(held[1]))
                # What held before must be known even where the asking is cut short.
                noted.order = _ASKING
                self.journal.write()
            # A narrower limit of somebody else's goes before ours.
            before = noted.before
            high = wanted.power if before is None else min(wanted.power, before[1])
            low = {} if before is None else {"low": before[0]}
            why = f"{self.line.name}: {wanted.id}"
            try:
                self.ask(
                    {"verb": "limit", "on": self.line.asset, "high": high, **low, "why": why}
                    | self._actor
                )
            except DataError as error:
                if noted.replaces is None:
                    noted.stage, noted.text = "declined", error.text
                    return
                # The change is refused: what held before it holds on.
                self.refused.append((wanted, error.text))
                noted.wanted, noted.replaces, noted.told = noted.replaces, None, _HELD
                noted.stage, noted.text = "holds", error.text
            else:
                noted.replaces = None
                noted.stage, noted.text = "holds", _HOLDS.format(id=wanted.id, power=high)

    def _release(self, noted: Noted, status: Mapping[str, Any]) -> None:
        """Let go of a limit of ours, unless somebody else set another one since."""
        wanted = noted.wanted
        assert isinstance(wanted, Wanted), "nothing else holds"
        held, before = status["limits_mw"].get(self.line.asset), noted.before
        ours = wanted.power if before is None else min(wanted.power, before[1])
        if held is None or abs(float(held[1]) - ours) > _SAME_MW:
            return
        why = {"why": f"{self.line.name}: {wanted.id} is over", "on": self.line.asset}
        if before is None:
            self.ask({"verb": "unlimit", **why, **self._actor})
        else:
            self.ask({"verb": "limit", "low": before[0], "high": before[1], **why, **self._actor})

    def _follow_call(
        self, noted: Noted, wanted: Wanted, status: Mapping[str, Any], now: float
    ) -> None:
        if noted.stage == "asked":
            fate = status.get("orders", {}).get(noted.order)
            if fate is not None and fate["stage"] == "voided":
                noted.stage, noted.text = "declined", Text(fate["en"], fate["zh"])
                return
            call = self._call_of(wanted, status)
            if call is not None:
                noted.stage, noted.call = "taken", str(call["call"])
                noted.text = _taken(wanted)
        call = next((c for c in status["calls"] if c["call"] == noted.call), None)
        if call is not None and call["stage"] in _OVER:
            noted.energies = {
                name: float(call[f"{name}_mwh"]) for name in _ENERGIES if f"{name}_mwh" in call
            }
            noted.stage = "ended"
            noted.text = _DELIVERED.format(
                id=wanted.id, delivered=call["delivered_mwh"], called=call["called_mwh"]
            )
        elif now > wanted.end + _UNSETTLED_S:
            noted.stage, noted.text = "ended", _UNSETTLED.format(id=wanted.id)

    def _call_of(self, wanted: Wanted, status: Mapping[str, Any]) -> Mapping[str, Any] | None:
        linked = {each.call for each in self.journal.noted.values()}
        for call in status["calls"]:
            if call["stage"] in _NEVER or call["call"] in linked:
                continue
            alike = abs(call["begin"] - wanted.begin) < 1.0 and call["way"] == wanted.form.value
            if alike and abs(call["power_mw"] - wanted.power) <= _SAME_MW:
                found: Mapping[str, Any] = call
                return found
        return None

    async def _tell(self) -> None:
        """Tell the caller what it does not know yet; what it does not take is told next time."""
        changed = False
        while self.refused:
            wanted, text = self.refused[0]
            if not await self.side.tell(wanted, Told(Fate.DECLINED, text, {})):
                return
            self.refused.pop(0)
        for noted in self.journal.noted.values():
            fate = noted.fate
            if fate is None or noted.told == fate.value:
                continue
            if not await self.side.tell(noted.wanted, Told(fate, noted.text, noted.energies)):
                break
            noted.told, changed = fate.value, True
        if changed:
            self.journal.write()


_ENERGIES = ("baseline", "metered", "delivered")


def _taken(wanted: Wanted) -> Text:
    return _TAKEN[wanted.form].format(id=wanted.id, power=wanted.power)
