"""Commands as desks and programs give them: once, not over a change, with a factor, or at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.operate.conftest import small_assets
from zeropark.data.errors import DataError
from zeropark.operate.alarms import Annunciator
from zeropark.operate.authority import AT_ONCE, NARROWING, VERBS, WIDENING, Actor
from zeropark.operate.bands import levers_of
from zeropark.operate.clock import HandClock
from zeropark.operate.orders import Box, remembered

LI = Actor("person", "Li", "dispatcher", "web")
WANG = Actor("person", "Wang", "dispatcher", "web")


@dataclass
class Desk:
    """A box, its clock, and what stands in its ledger."""

    clock: HandClock = field(default_factory=HandClock)
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    full: bool = False

    def __post_init__(self) -> None:
        self.box = self.again()

    def again(self) -> Box:
        """Return a box as after a restart."""
        assets = small_assets()
        box = Box(assets, levers_of(assets), self.note, self.clock.steady)
        remembered(box, self.entries)
        self.box = box
        return box

    def note(self, kind: str, body: Mapping[str, Any], subject: str) -> int:
        """Keep an entry, or fail as a full disk does."""
        assert (kind, subject) == ("command", "order")
        if self.full:
            raise OSError
        self.entries.append(dict(body))
        return len(self.entries)

    def ask(self, actor: Actor = LI, **said: Any) -> str:
        """Ask and return the order's number."""
        return self.say(said, actor)

    def say(self, said: Mapping[str, Any], actor: Actor = LI) -> str:
        """Ask and return the order's number."""
        factor = {"factor": "totp"} if said["verb"] in WIDENING else {}
        return str(self.box.ask({"why": "test", **factor, **said}, actor)["order"])

    def take(self) -> None:
        """Let a cycle take what waits."""
        self.entries += self.box.take(Annunciator())


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({"verb": "stop"}, "stopped"),
        ({"verb": "lock", "on": "bat"}, "locked"),
        ({"verb": "rest", "on": "bat"}, "hand"),
    ],
)
def test_what_narrows_needs_no_reason_and_one_may_follow_within_an_hour(
    desk: Desk, said: dict[str, Any], held: str
) -> None:
    order = desk.ask(**said, why="")
    desk.take()
    assert getattr(desk.box.orders, held)
    (waiting,) = desk.box.waiting_for_reasons()
    assert (waiting["order"], waiting["minutes_left"]) == (order, 60.0)
    desk.clock.at += 3_600.0
    assert desk.box.waiting_for_reasons()
    desk.ask(verb="explain", on=order, why="smoke in the battery room")
    desk.take()
    assert not desk.box.waiting_for_reasons()
    with pytest.raises(DataError, match="waits for a reason"):
        desk.ask(verb="explain", on=order, why="again")


def test_after_an_hour_a_reason_comes_too_late(desk: Desk) -> None:
    order = desk.ask(verb="stop", why="")
    desk.take()
    desk.clock.at += 3_600.1
    assert not desk.box.waiting_for_reasons()
    with pytest.raises(DataError) as refused:
        desk.ask(verb="explain", on=order)
    assert refused.value.key == "explained"
    assert "一小时" in refused.value.text.zh


def test_a_reason_still_waited_for_outlives_a_restart(desk: Desk) -> None:
    order = desk.ask(verb="stop", why="")
    desk.take()
    assert desk.again().orders.stopped
    assert [each["order"] for each in desk.box.waiting_for_reasons()] == [order]
    desk.ask(verb="explain", on=order, why="a drill")
    desk.take()
    assert not desk.again().waiting_for_reasons()


@pytest.mark.parametrize("verb", sorted(set(VERBS) - AT_ONCE))
def test_every_other_command_says_why(desk: Desk, verb: str) -> None:
    if verb in {
        "see",
        "acknowledge",
        "try",
        "prove",
        "change",
        "enter",
        "calls",
        "hand_over",
        "back_up",
    }:
        return
    with pytest.raises(DataError) as refused:
        desk.box.ask({"verb": verb, "on": "tie", "value": 0.1, "factor": "totp"}, LI)
    assert refused.value.key == "why_absent"


@pytest.mark.parametrize("channel", ["web", "api", "local"])
@pytest.mark.parametrize("verb", sorted(WIDENING))
def test_from_a_desk_or_a_program_what_widens_takes_a_second_factor(
    desk: Desk, verb: str, channel: str
) -> None:
    actor = Actor("person", "Li", "dispatcher", channel)
    on = "tie" if verb in {"limit", "unlimit"} else "bat"
    said = {"verb": verb, "on": on, "why": "test", "value": 0.1, "power": 0.1}
    if channel != "local":
        with pytest.raises(DataError) as refused:
            desk.box.ask(said, actor)
        assert refused.value.key == "factor_absent"
        assert desk.entries == []
        said["factor"] = "totp"
    desk.box.ask(said, actor)
    assert desk.entries[-1].get("factor", "") == said.get("factor", "")


def test_what_narrows_never_takes_a_second_factor() -> None:
    assert not AT_ONCE & WIDENING
    assert AT_ONCE <= NARROWING


def test_a_command_with_a_key_is_done_once_even_over_a_restart(desk: Desk) -> None:
    said = {"verb": "hold", "on": "bat", "value": 0.25, "once": "k1"}
    first = desk.say(said)
    assert desk.say(said) == first
    desk.take()
    assert len(desk.entries) == 2
    desk.again()
    assert desk.say(said) == first
    assert len(desk.entries) == 2
    with pytest.raises(DataError) as refused:
        desk.say({**said, "value": 0.5})
    assert refused.value.key == "once_other"
    # Another's key is another's.
    assert desk.say(said, WANG) != first


def test_who_asks_by_an_older_page_is_told_who_came_before(desk: Desk) -> None:
    seen = desk.box.newest().get("bat", "")
    desk.ask(verb="hold", on="bat", value=0.25, seen=seen)
    with pytest.raises(DataError) as refused:
        desk.ask(WANG, verb="hold", on="bat", value=0.5, seen=seen)
    assert refused.value.key == "changed_since"
    assert refused.value.text.en.startswith("Li did 'set a device by hand' here")
    assert refused.value.text.zh.startswith("Li 在本页显示后执行了")
    # To stop is never refused so, and who has looked again may go on.
    desk.ask(WANG, verb="rest", on="bat", seen=seen)
    desk.ask(WANG, verb="hold", on="bat", value=0.5, seen=desk.box.newest()["bat"])


def test_what_became_of_a_command_is_shown(desk: Desk) -> None:
    desk.ask(verb="hold", on="bat", value=0.25, seconds=5)
    assert [each["stage"] for each in desk.box.shown] == ["asked"]
    desk.clock.at += 5.1
    desk.take()
    (shown,) = desk.box.shown
    assert shown["stage"] == "voided"
    assert shown["because"] == "not taken within 5 s; ask again"


def test_what_stops_is_never_too_late_and_a_fast_clock_voids_nothing_before_its_cycles(
    desk: Desk,
) -> None:
    desk.ask(verb="stop", seconds=1)
    desk.clock.at += 1_000.0
    desk.take()
    assert desk.box.orders.stopped
    desk.box.least = 180.0
    for late, stage in ((180.0, "taken"), (180.1, "voided")):
        desk.ask(verb="hold", on="bat", value=0.1, seconds=10)
        desk.clock.at += late
        desk.take()
        assert desk.entries[-1]["stage"] == stage


def test_a_stop_on_a_full_disk_is_done_and_known_by_its_key(desk: Desk) -> None:
    desk.full = True
    answer = desk.box.ask({"verb": "stop", "once": "k"}, LI)
    assert not answer["recorded"]
    assert desk.box.ask({"verb": "stop", "once": "k"}, LI) == answer
    desk.take()
    assert desk.box.orders.stopped
    with pytest.raises(OSError):  # noqa: PT011 - as the disk says it
        desk.ask(verb="hold", on="bat", value=0.1, once="h")
    desk.full = False
    desk.ask(verb="hold", on="bat", value=0.1, once="h")


def test_a_safe_value_of_what_has_none_is_refused(desk: Desk) -> None:
    with pytest.raises(DataError, match="nothing there can be set by hand; allowed: works, bat"):
        desk.ask(verb="rest", on="tie")
