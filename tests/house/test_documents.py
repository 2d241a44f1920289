"""What a document names exists: commands, options, targets, files."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.house import repository

CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
DECISION = re.compile(r"\d{4}-[a-z0-9-]+\.md")
STATUS = re.compile(r"^Status: (proposed|accepted|replaced by \d{4})$", re.MULTILINE)
DATE = re.compile(r"^Date: \d{4}-\d\d-\d\d$", re.MULTILINE)
WHY = re.compile(r"^## Why\n\n\S", re.MULTILINE)
OPTION = re.compile(r"--[a-z][a-z-]+")


@cache
def lines() -> tuple[tuple[str, str], ...]:
    """Return every line of code in a document, as (document, line)."""
    found = []
    for path in repository.documents():
        for block, inline in CODE.findall(path.read_text(encoding="utf-8")):
            text = re.sub(r"\\\n\s*", "", block or inline)
            found += [(repository.name(path), line.split("#")[0]) for line in text.splitlines()]
    return tuple(found)


def commands() -> dict[str, set[str]]:
    """Return each documented command of zeropark with the options documented for it."""
    found: dict[str, set[str]] = {}
    for _, line in lines():
        said = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?zeropark(?= |$)(.*)", line)
        if said:
            verb = re.match(
                r" (ledger key [a-z]+|(?:ledger|site|device|grid|user) [a-z]+|[a-z]+)(?= |$)",
                said[1],
            )
            found.setdefault(verb[1] if verb else "", set()).update(OPTION.findall(said[1]))
    return found


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    text = (repository.ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]+):(?!=)", text, re.MULTILINE))


@pytest.mark.parametrize("command", sorted(commands()))
def test_a_documented_command_exists_with_its_options(command: str) -> None:
    program = Path(sys.executable).with_name("zeropark")
    asked = [str(program), *command.split(), "--help"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert commands()[command] - {"--help"} <= set(OPTION.findall(answer.stdout))


def test_a_documented_make_target_exists() -> None:
    named = {
        (document, target)
        for document, line in lines()
        if (said := re.match(r"\s*(?:\$ )?make((?: [a-z][a-z-]+)+)\s*$", line))
        for target in said[1].split()
    }
    assert named
    assert not [pair for pair in named if pair[1] not in targets()]


def test_make_help_names_every_target_a_person_uses() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"],  # noqa: S607 - make of the path
        cwd=repository.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = set(re.findall(r"^ +make ([a-z-]+)", said, re.MULTILINE))
    asked = {"run", "check", "test", "test-all", "bench-setup", "bench", "docs", "clean", "help"}
    assert asked <= listed <= targets()


@pytest.mark.parametrize("path", [*repository.documents()], ids=repository.name)
def test_a_linked_file_exists(path: Path) -> None:
    links = LINK.findall(path.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in local if link and not (path.parent / link).exists()]


def test_every_decision_says_its_status_its_date_and_why() -> None:
    pages = [p for p in repository.documents() if p.parent.name == "decisions"]
    decisions = [page for page in pages if page.name != "index.md"]
    assert decisions
    for page in decisions:
        text = page.read_text(encoding="utf-8")
        assert DECISION.fullmatch(page.name), page
        assert text.startswith(f"# {page.name[:4]}: "), page
        assert re.search(r"^Status: (proposed|accepted|replaced by \d{4})$", text, re.MULTILINE), (
            page
        )
        assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE), page
        assert re.search(r"^## Why\n\n\S", text, re.MULTILINE), page


def test_a_number_stands_for_one_decision() -> None:
    numbers = [p.name[:4] for p in repository.documents() if DECISION.fullmatch(p.name)]
    assert numbers
    assert sorted(numbers) == sorted(set(numbers))


def test_the_guide_for_changes_is_one_page() -> None:
    guide = (repository.ROOT / "AGENTS.md").read_text(encoding="utf-8")
    assert len(guide.splitlines()) <= 66
