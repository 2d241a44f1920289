"""Who may ask for what; every refusal is a whole sentence."""

from __future__ import annotations

import pytest

from tests.operate.conftest import small_assets
from zeropark.data.errors import DataError
from zeropark.operate.authority import (
    NARROWING,
    OBJECTS,
    ROLES,
    TABLE,
    VERBS,
    Actor,
    must_be_allowed,
)
from zeropark.operate.bands import levers_of
from zeropark.operate.orders import ON_ASSETS, Box

COMMANDED = set(VERBS) - {
    "see", "calls", "try", "prove", "change", "enter", "hand_over", "back_up",
}  # fmt: skip


def actor(role: str, name: str = "li") -> Actor:
    return Actor("os_user", name, role, "local")


@pytest.mark.parametrize("role", ROLES)
def test_anybody_may_stop_the_park(role: str) -> None:
    must_be_allowed(actor(role), "stop", "park")


@pytest.mark.parametrize("role", [role for role in ROLES if role != "dispatcher"])
def test_only_a_dispatcher_ends_a_stop(role: str) -> None:
    with pytest.raises(DataError) as refused:
        must_be_allowed(actor(role), "resume", "park")
    assert refused.value.key == "not_allowed"


def test_a_command_without_a_role_is_refused_by_name() -> None:
    with pytest.raises(DataError) as refused:
        must_be_allowed(actor(""), "hold", "asset")
    assert refused.value.text.en == (
        "hold: the command carries no role; say one of leadership, dispatcher, party, "
        "specialist, auditor, system"
    )
    assert refused.value.text.zh.startswith("hold：命令没有角色")


def test_a_command_of_nobody_is_refused() -> None:
    with pytest.raises(DataError) as refused:
        must_be_allowed(actor("dispatcher", ""), "hold", "asset")
    assert refused.value.key == "actor_absent"


def test_an_unknown_role_is_refused_with_what_was_meant() -> None:
    with pytest.raises(DataError) as refused:
        must_be_allowed(actor("dispacher"), "hold", "asset")
    assert "'dispacher' is not known. Did you mean 'dispatcher'?" in refused.value.text.en


def test_a_party_commands_its_own_and_nothing_else() -> None:
    must_be_allowed(actor("party"), "hold", "own")
    with pytest.raises(DataError) as refused:
        must_be_allowed(actor("party"), "hold", "asset")
    assert refused.value.text.en == (
        "party of the park may not set a device by hand (an asset); "
        "allowed for: dispatcher, specialist"
    )
    assert refused.value.text.zh == "园区企业不得人工设定（资产）；可由：调度员、专业工程师"


def test_an_auditor_sees_all_and_moves_nothing() -> None:
    verbs = {verb for (verb, _), roles in TABLE.items() if "auditor" in roles}
    assert verbs == {"see", "calls", "prove", "stop", "explain"}


@pytest.mark.parametrize("verb", sorted(COMMANDED))
@pytest.mark.parametrize("role", list(ROLES))
def test_the_box_that_the_command_line_asks_keeps_the_table(role: str, verb: str) -> None:
    assets = small_assets()
    box = Box(assets, levers_of(assets), lambda *_: 1, lambda: 0.0)
    kind = "alarm" if verb in {"acknowledge", "shelve"} else "order" if verb == "explain" else ""
    kind = kind or ("asset" if verb in ON_ASSETS else "park")
    on = {"asset": "tie" if verb in {"limit", "unlimit"} else "bat"}.get(kind, "")
    said = {"verb": verb, "on": on, "why": "test", "value": 0.1, "power": 0.1, "hours": 1.0}
    allowed = role in TABLE.get((verb, kind), frozenset())
    try:
        box.ask(said, actor(role))
    except DataError as error:
        assert (error.key == "not_allowed") is not allowed  # noqa: PT017 - either may be
    else:
        assert allowed


def test_the_table_speaks_of_known_things_only() -> None:
    for (verb, on), roles in TABLE.items():
        assert verb in VERBS
        assert on in OBJECTS
        assert roles
        assert roles <= set(ROLES)
    assert {verb for verb, _ in TABLE} == set(VERBS)
    assert set(VERBS) >= NARROWING
