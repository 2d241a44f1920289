"""The house keeps its manners: sizes, names, and nothing of the machine it was written on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house import repository

LONGEST_FUNCTION = 60
LONGEST_FILE = 600
# Longer ones, by name, each with its reason. A function that got shorter leaves the list.
LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES: dict[str, str] = {}
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "core", "base", "misc"}

# Written in halves so that this file does not hold what it looks for.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com"]
HOSTS += ["yarn" + "pkg.com", "deb." + "debian.org", "npm" + "mirror.com", "pypi." + "tuna"]
PLACES = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/tm" + "p/", "/Us" + "ers/", "/op" + "t/"]


def lengths(path: Path) -> dict[str, int]:
    """Return the lines of each function, docstring and decorators not counted."""
    found = {}
    for node in ast.walk(repository.parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            first, last = body[0].lineno, node.end_lineno
            assert last is not None, "parsed from text, so every node has its last line"
            found[f"{repository.name(path)}:{node.name}"] = last - first + 1
    return found


def test_no_function_is_longer_than_a_screen() -> None:
    found = {key: n for path in repository.python() for key, n in lengths(path).items()}
    long = {key for key, n in found.items() if n > LONGEST_FUNCTION}
    assert long == set(LONG_FUNCTIONS)


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    long = {
        repository.name(path)
        for path in repository.python()
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    }
    assert long == set(LONG_FILES)


def test_a_long_function_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "ROOT", tmp_path)
    written = tmp_path / "long.py"
    written.write_text("def f():\n    '''Words.'''\n" + "    x = 1\n" * 61, encoding="utf-8")
    assert lengths(written) == {"long.py:f": 61}


def test_no_file_has_a_name_that_says_nothing() -> None:
    paths = [Path(repository.name(path)) for path in repository.python()]
    assert not [path for path in paths if BANNED_NAMES & {*path.parent.parts, path.stem}]


@pytest.mark.parametrize("word", [*HOSTS, *PLACES])
def test_no_file_names_a_registry_or_a_place_on_a_machine(word: str) -> None:
    sought = re.compile(r"(?<![\w.~])" + re.escape(word) if word[0] == "/" else re.escape(word))
    found = []
    for path in repository.files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [repository.name(path)] if sought.search(text) else []
    assert not found


def test_no_work_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    pages = [*repository.python(), *repository.documents()]
    assert not [p for p in pages if marks.search(p.read_text(encoding="utf-8"))]


def test_no_test_is_expected_to_fail() -> None:
    marks = re.compile(r"pytest\.mark\.(xf" + r"ail|sk" + r"ip\b)")
    assert not [p for p in repository.python("tests") if marks.search(p.read_text("utf-8"))]


def test_every_room_says_what_belongs_there() -> None:
    inits = [path for path in repository.python("src") if path.name == "__init__.py"]
    assert inits
    assert not [p for p in inits if not ast.get_docstring(repository.parsed(p))]
