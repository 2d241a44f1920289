"""The second factor: published codes, one step of skew, good once, and recovery codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from zeropark.data.errors import DataError
from zeropark.faces.web import totp
from zeropark.faces.web.factors import GOOD_S, RECOVERY, Factors
from zeropark.faces.web.people import People

# RFC 6238, appendix B: eight digits, the seed repeated to the length of the hash.
SEED = b"12345678901234567890"
VECTORS = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


@pytest.mark.parametrize(("at", "sha1", "sha256", "sha512"), VECTORS)
def test_codes_are_those_of_the_standard(at: int, sha1: str, sha256: str, sha512: str) -> None:
    for digest, length, code in (
        ("sha1", 20, sha1),
        ("sha256", 32, sha256),
        ("sha512", 64, sha512),
    ):
        seed = (SEED * 4)[:length]
        assert totp.code_at(seed, at, 8, digest) == code
    assert totp.code_at(SEED, at) == sha1[2:]


# RFC 4226, appendix D: the first ten codes of six digits.
HOTP = [
    "755224", "287082", "359152", "969429", "338314",
    "254676", "287922", "162583", "399871", "520489",
]  # fmt: skip


@pytest.mark.parametrize("counter", range(10))
def test_codes_by_counter_are_those_of_the_standard(counter: int) -> None:
    assert totp.code_at(SEED, counter * totp.STEP_S) == HOTP[counter]


@pytest.mark.parametrize(
    ("off", "good"),
    [(-60.0, False), (-30.0, True), (0.0, True), (30.0, True), (60.0, False)],
)
def test_one_step_of_skew_is_forgiven_and_no_more(off: float, good: bool) -> None:
    now = 1_000_000_000.0 - 1_000_000_000 % totp.STEP_S
    code = totp.code_at(SEED, now + off)
    assert (totp.step_of(SEED, code, now, -1) is not None) is good


@dataclass
class Clock:
    """Time as a test says it [s]."""

    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def factors(tmp_path: Path, clock: Clock) -> Iterator[Factors]:
    people = People(tmp_path / "people.db", clock)
    yield Factors(people)
    people.close()


def set_up(factors: Factors, clock: Clock) -> tuple[bytes, list[str]]:
    """Return (secret, recovery codes) of Li's authenticator."""
    secret = factors.begin("Li")
    codes = factors.confirm("Li", totp.code_at(secret, clock.now))
    clock.now += totp.STEP_S
    return secret, codes


def test_a_factor_is_good_at_its_desk_for_a_quarter_of_an_hour(
    factors: Factors, clock: Clock
) -> None:
    secret, _ = set_up(factors, clock)
    with pytest.raises(DataError, match="give the code of your authenticator"):
        factors.show("desk", "Li", "")
    assert factors.show("desk", "Li", totp.code_at(secret, clock.now)) == "totp"
    clock.now += GOOD_S - 1.0
    assert factors.show("desk", "Li", "") == "within"
    with pytest.raises(DataError):
        factors.show("another desk", "Li", "")
    clock.now += 1.0
    with pytest.raises(DataError):
        factors.show("desk", "Li", "")


def test_a_clock_set_back_makes_no_factor_good_for_longer(factors: Factors, clock: Clock) -> None:
    secret, _ = set_up(factors, clock)
    factors.show("desk", "Li", totp.code_at(secret, clock.now))
    clock.now -= 3_600.0
    assert not factors.good("desk")


def test_a_code_is_good_once(factors: Factors, clock: Clock) -> None:
    secret, _ = set_up(factors, clock)
    code = totp.code_at(secret, clock.now)
    factors.show("desk", "Li", code)
    with pytest.raises(DataError, match="wrong or was used"):
        factors.show("desk", "Li", code)


def test_recovery_codes_are_good_once_each_and_kept_hashed(
    factors: Factors, clock: Clock, tmp_path: Path
) -> None:
    _, codes = set_up(factors, clock)
    assert len(set(codes)) == RECOVERY
    # A clock that is off by an hour makes codes by time wrong, and these not.
    clock.now += 3_600.0
    assert factors.show("desk", "Li", codes[0]) == "recovery"
    assert factors.left("Li") == RECOVERY - 1
    with pytest.raises(DataError):
        factors.show("other", "Li", codes[0])
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert all(code.encode() not in kept for code in codes)


def test_who_guesses_codes_waits(factors: Factors, clock: Clock) -> None:
    secret, codes = set_up(factors, clock)
    wrong = "000000" if totp.step_of(secret, "000000", clock.now, -1) is None else "000001"
    for _ in range(5):
        with pytest.raises(DataError, match="wrong or was used"):
            factors.show("desk", "Li", wrong)
    with pytest.raises(DataError, match="wait 3 s"):
        factors.show("desk", "Li", codes[0])
    clock.now += 3.0
    assert factors.show("desk", "Li", codes[0]) == "recovery"


def test_a_second_authenticator_is_refused_until_the_first_is_forgotten(
    factors: Factors, clock: Clock
) -> None:
    set_up(factors, clock)
    with pytest.raises(DataError, match="a second factor already"):
        factors.begin("Li")
    factors.forget("Li")
    assert not factors.has("Li")
    factors.begin("Li")
