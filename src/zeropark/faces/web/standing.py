"""What a shift finds in force: alarms, hand controls, locks, limits, and shelves that end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zeropark.operate.alarms import rows
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.faces.web.page import View

_KINDS = {
    "alarm": Text("alarm", "告警"),
    "stop": Text("stop", "急停"),
    "hand": Text("hand control", "人工控制"),
    "lock": Text("lock-out", "检修闭锁"),
    "limit": Text("limit of the grid operator", "电网限值"),
    "shelf": Text("shelved alarm", "搁置告警"),
}
_STOPPED = Text("the park is stopped", "全园急停中")
_MINUTE = 60.0
_HOUR_MINUTES = 60


@dataclass(frozen=True)
class Open:
    """Something in force. kind: in words. on: what it is about. said: more. until: its end."""

    kind: Text
    on: Text
    said: Text
    until: Text

    @property
    def words(self) -> Text:
        """All of it as one line."""
        parts = zip(self.kind, self.on, self.said, self.until, strict=True)
        return Text(*(", ".join(part for part in each if part) for each in parts))


_NONE = Text("", "")


def standing(view: View) -> tuple[list[Open], bool]:
    """Return (what is in force, whether a field service told us).

    Without a field service there are the alarms of the park that is shown, and nothing to command.
    """
    told = view.living.status
    if told is not None:
        return list(_of_service(told)), True
    if view.today is None:
        return [], False
    alarms = (Open(_KINDS["alarm"], each.what, each.text, _NONE) for each in view.today.alarms)
    return list(alarms), False


def _of_service(told: Mapping[str, Any]) -> Iterator[Open]:
    """Yield what a field service says is in force, the most pressing first."""
    if told.get("stopped"):
        yield Open(_KINDS["stop"], _STOPPED, _NONE, _NONE)
    for each in told.get("alarms", ()):
        key, _, source = str(each["id"]).partition(":")
        yield Open(_KINDS["alarm"], _plain(source), rows()[key].title, _NONE)
    for name, value in told.get("hand_mw", {}).items():
        yield Open(_KINDS["hand"], _plain(name), _plain(f"{value * 1e3:,.0f} kW"), _NONE)
    for name in told.get("locked", ()):
        yield Open(_KINDS["lock"], _plain(name), _NONE, _NONE)
    for name, (low, high) in told.get("limits_mw", {}).items():
        span = f"{low * 1e3:,.0f} – {high * 1e3:,.0f} kW"
        yield Open(_KINDS["limit"], _plain(name), _plain(span), _NONE)
    yield from _shelves(told.get("shelved_s", {}).items())


def _shelves(left: Iterable[tuple[str, float]]) -> Iterator[Open]:
    for id_, seconds in sorted(left, key=lambda each: each[1]):
        hours, minutes = divmod(max(1, round(seconds / _MINUTE)), _HOUR_MINUTES)
        until = Text(f"ends in {hours} h {minutes} min", f"{hours} h {minutes} min 后结束")
        yield Open(_KINDS["shelf"], _plain(id_), _NONE, until)


def _plain(words: str) -> Text:
    return Text(words, words)
