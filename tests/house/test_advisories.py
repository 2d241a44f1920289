"""No lock pins a version with a fault that is known here."""

from __future__ import annotations

import re
from itertools import chain

import pytest
import yaml

from tests.house import repository

PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([0-9][0-9.]*)", re.MULTILINE)
ADVISORIES = yaml.safe_load(
    (repository.ROOT / "tests/house/advisories.yaml").read_text(encoding="utf-8")
)


def parts(version: str) -> tuple[int, ...]:
    """Return a version as numbers, without the zeros it ends in."""
    found = [int(part) for part in version.strip(".").split(".")]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def pinned() -> dict[str, set[str]]:
    """Return every version that a lock names, by package."""
    found: dict[str, set[str]] = {}
    files = repository.ROOT.glob("requirements*.txt")
    for name, version in chain(*(PINNED.findall(f.read_text(encoding="utf-8")) for f in files)):
        found.setdefault(name, set()).add(version)
    return found


def test_versions_are_compared_as_numbers() -> None:
    assert parts("3.10.0") > parts("3.9.9")
    assert parts("2.4.0") == parts("2.4")
    assert parts("2.3.9") < parts("2.4")


@pytest.mark.parametrize("known", ADVISORIES, ids=lambda known: known["package"])
def test_no_lock_pins_a_version_with_a_known_fault(known: dict[str, str]) -> None:
    there = pinned()
    assert len(there) > 50
    for version in there.get(known["package"], set()):
        assert parts(version) >= parts(known["fixed"]), known["id"]


def test_most_of_what_is_listed_is_really_pinned() -> None:
    there = pinned()
    used = [known for known in ADVISORIES if known["package"] in there]
    assert len(used) > len(ADVISORIES) / 2
