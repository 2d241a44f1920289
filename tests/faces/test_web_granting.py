"""Roles change at once for another; into one that commands nobody brings himself alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.faces.test_web import living, park, people, room, secrets
from tests.faces.test_web_factors import Clock
from zeropark.data.errors import DataError
from zeropark.faces.web.granting import WAIT_S, Granting
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.people import People
from zeropark.faces.web.roles import ROLES, commands

__all__ = ["living", "park", "people", "room", "secrets"]  # fixtures
WORDS = "twelve marks"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Iterator[People]:
    found = People(tmp_path / "people.db", clock)
    for name in ("Zhou", "Qian"):
        found.add(name, WORDS, "operator", "test")
    yield found
    found.close()


def role_of(people: People, name: str) -> str:
    return next(each.role for each in people.all() if each.name == name)


@pytest.mark.parametrize("role", list(ROLES))
def test_oneself_is_given_no_role_that_commands_at_once(file: People, role: str) -> None:
    granting = Granting(file)
    holds = granting.change("Zhou", role, "Zhou", "park", ("park",))
    assert holds is not commands(role)
    assert role_of(file, "Zhou") == (role if holds else "operator")
    assert granting.change("Qian", role, "Zhou", "park", ("park",))
    assert role_of(file, "Qian") == role


def test_it_holds_after_a_day_and_not_a_second_before(file: People, clock: Clock) -> None:
    granting = Granting(file)
    granting.change("Zhou", "dispatcher", "Zhou", None, ())
    clock.now += WAIT_S - 1.0
    assert [each.name for each in granting.waiting()] == ["Zhou"]
    assert role_of(file, "Zhou") == "operator"
    clock.now += 1.0
    assert granting.waiting() == []
    assert role_of(file, "Zhou") == "dispatcher"


def test_a_second_person_grants_or_refuses_it(file: People) -> None:
    granting = Granting(file)
    granting.change("Zhou", "dispatcher", "Zhou", None, ())
    with pytest.raises(DataError, match="a second person grants it"):
        granting.grant("Zhou", "Zhou")
    granting.refuse("Zhou", "Qian")
    with pytest.raises(DataError, match="nobody waits"):
        granting.grant("Zhou", "Qian")
    granting.change("Zhou", "dispatcher", "Zhou", None, ())
    granting.grant("Zhou", "Qian")
    assert role_of(file, "Zhou") == "dispatcher"
    assert [act for _, _, act, _ in file.acts()][:4] == [
        "role_changed", "role_asked", "role_refused", "role_asked",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role", "key"),
    [
        ("Zhou", "dispatch", "person_role"),
        ("Zhou", "party", "person_party"),
        ("Sun", "auditor", "person_absent"),
    ],
)
def test_a_change_that_cannot_be_is_a_sentence(
    file: People, name: str, role: str, key: str
) -> None:
    with pytest.raises(DataError) as refused:
        Granting(file).change(name, role, "Qian", None, ("park",))
    assert refused.value.key == key


def test_every_page_says_who_would_command(
    room: TestClient, people: People, secrets: dict[str, str]
) -> None:
    session = people.session(secrets["operator"])
    assert session is not None
    cookie = {"Cookie": f"{COOKIE}={secrets['operator']}"}
    form = {"csrf": session.csrf, "name": "operator", "role": "dispatcher"}
    room.post("/people/role", data=form, headers=cookie)
    assert role_of(people, "operator") == "operator"
    text = room.get("/now?lang=en", headers={"Cookie": f"{COOKIE}={secrets['auditor']}"}).text
    assert "operator gave himself the role dispatcher, which commands: it holds in 24 h" in text
    own = {"csrf": session.csrf, "name": "operator", "grant": "1"}
    text = room.post("/people/decide?lang=en", data=own, headers=cookie).text
    assert "a second person grants it" in text
    Granting(people).refuse("operator", "test")
    text = room.get("/now?lang=en", headers={"Cookie": f"{COOKIE}={secrets['auditor']}"}).text
    assert "gave himself" not in text
