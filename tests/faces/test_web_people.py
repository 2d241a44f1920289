"""The people of the control room: passwords, sessions and tokens, with time by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from zeropark.data.errors import DataError
from zeropark.faces.web.people import LONGEST, SESSION_S, SHORTEST, People

WORDS = "twelve marks"


@dataclass
class Clock:
    """Time as a test says it [s]."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let argon2id take little time: how long it takes is the library's, not ours."""
    light = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    monkeypatch.setattr(People, "_words", light)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(tmp_path: Path, clock: Clock) -> Iterator[People]:
    found = People(tmp_path / "people.db", clock)
    yield found
    found.close()


def test_a_new_file_has_nobody_and_only_its_owner_reads_it(people: People, tmp_path: Path) -> None:
    assert not people.anybody()
    assert (tmp_path / "people.db").stat().st_mode & 0o077 == 0


def test_a_password_is_kept_by_argon2_and_nothing_else_of_it(
    people: People, tmp_path: Path
) -> None:
    people.add("Wang", WORDS, "dispatcher", "test")
    entered = people.sign_in("Wang", WORDS, "here")
    assert entered is not None
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"$argon2id$" in kept
    assert WORDS.encode() not in kept
    assert entered[0].encode() not in kept


@pytest.mark.parametrize("length", [SHORTEST - 1, LONGEST + 1])
def test_a_password_too_short_or_long_is_refused(people: People, length: int) -> None:
    with pytest.raises(DataError, match=f"has {length} letters; 12 to 200"):
        people.add("Li", "x" * length, "dispatcher", "test")
    for good in (SHORTEST, LONGEST):
        people.add(f"Li{good}", "x" * good, "dispatcher", "test")
        assert people.sign_in(f"Li{good}", "x" * good, "here")


def test_a_name_a_role_and_a_party_are_checked(people: People) -> None:
    people.add("Li", WORDS, "dispatcher", "test")
    for name, role, said in (
        ("Li", "dispatcher", "there already"),
        ("", "dispatcher", "not allowed"),
        ("a\nb", "dispatcher", "not allowed"),
        ("Xu", "dispatch", "Did you mean 'dispatcher'"),
        ("Xu", "party", "needs one of the park's parties: park"),
    ):
        with pytest.raises(DataError, match=said):
            people.add(name, WORDS, role, "test", None, ("park",))


def test_a_session_ends_after_a_shift_and_on_signing_out(people: People, clock: Clock) -> None:
    people.add("Wang", WORDS, "dispatcher", "test")
    first, second = (people.sign_in("Wang", WORDS, "here") for _ in range(2))
    assert first is not None
    assert second is not None
    people.sign_out(first[0])
    assert people.session(first[0]) is None
    clock.now += SESSION_S - 1
    assert people.session(second[0]) is not None
    clock.now += 1
    assert people.session(second[0]) is None
    assert people.session(None) is None


def test_who_guesses_waits_longer_and_longer(people: People, clock: Clock) -> None:
    people.add("Wang", WORDS, "dispatcher", "test")
    for _ in range(4):
        assert people.sign_in("Wang", "wrong", "there") is None
        assert people.wait("name:Wang", "from:there") == 0.0
    waits = []
    for _ in range(4):
        assert people.sign_in("Wang", "wrong", "there") is None
        waits.append(people.wait("name:Wang", "from:elsewhere"))
    assert waits == [2.0, 4.0, 8.0, 16.0]
    # The same address may not go on with another name, and it is all forgotten after a while.
    assert people.wait("name:Li", "from:there") == 16.0
    clock.now += 15.0
    assert people.wait("name:Wang") == 1.0
    clock.now += 1_000.0
    assert people.wait("name:Wang") == 0.0
    assert people.sign_in("Wang", WORDS, "there") is not None


def test_a_reset_ends_every_session(people: People) -> None:
    people.add("Wang", WORDS, "dispatcher", "test")
    entered = people.sign_in("Wang", WORDS, "here")
    assert entered is not None
    assert people.reset("Wang", "another long one", "test")
    assert not people.reset("nobody", "another long one", "test")
    assert people.session(entered[0]) is None
    assert people.sign_in("Wang", WORDS, "here") is None
    assert people.sign_in("Wang", "another long one", "here") is not None


def test_a_token_ends_in_time_or_at_once(people: People, clock: Clock) -> None:
    owner = people.add("Wang", WORDS, "dispatcher", "test")
    secret, token = people.give_token(owner, "meter room", ("read",), 2)
    assert people.token(secret) == people.tokens()[0]
    assert people.tokens()[0].used == clock.now
    clock.now += 2 * 86_400 - 1
    assert people.token(secret) is not None
    clock.now += 1
    assert people.token(secret) is None
    other, kept = people.give_token(owner, "meter room", ("read",), 2)
    assert kept.id != token.id
    people.revoke(kept.id, "test")
    assert people.token(other) is None


@pytest.mark.parametrize("days", [0, 366])
def test_a_token_lasts_at_most_a_year(people: People, days: int) -> None:
    owner = people.add("Wang", WORDS, "dispatcher", "test")
    with pytest.raises(DataError, match="out of range"):
        people.give_token(owner, "x", ("read",), days)
    with pytest.raises(DataError, match="is no scope"):
        people.give_token(owner, "x", ("red",), 1)
    with pytest.raises(DataError, match="say what it is for"):
        people.give_token(owner, " ", ("read",), 1)


def test_what_was_done_is_kept_without_secrets(people: People) -> None:
    people.add("Wang", WORDS, "dispatcher", "Zhou")
    people.sign_in("Wang", "wrong words here", "there")
    acts = people.acts()
    assert [(who, act) for _, who, act, _ in acts] == [
        ("Wang", "sign_in_failed"),
        ("Zhou", "person_added"),
    ]
    assert "wrong words here" not in str(acts)


def test_who_is_removed_is_gone_with_sessions_and_tokens(people: People) -> None:
    owner = people.add("Wang", WORDS, "dispatcher", "test")
    entered = people.sign_in("Wang", WORDS, "here")
    secret, _ = people.give_token(owner, "x", ("read",), 1)
    people.remove("Wang", "test")
    assert entered is not None
    assert people.session(entered[0]) is None
    assert people.token(secret) is None
    assert people.all() == []
