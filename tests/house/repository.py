"""The files of this repository, as git sees them, and what is written in them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Return every file that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of the path
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def name(path: Path) -> str:
    """Return the path as it is written in a document, from the root."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def python(*rooms: str) -> Iterator[Path]:
    """Yield the Python files under the named folders, under all where none is named."""
    for path in files():
        if path.suffix == ".py" and (not rooms or name(path).startswith(rooms)):
            yield path


def documents() -> Iterator[Path]:
    """Yield the documents a person reads."""
    for path in files():
        if path.suffix == ".md":
            yield path


def tables(text: str) -> Iterator[dict[str, str]]:
    """Yield the rows of the Markdown tables in a text, by the heads of their columns."""
    head: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not head:
            head = cells
        elif set("".join(cells)) - set("-: "):
            yield dict(zip(head, cells, strict=True))
