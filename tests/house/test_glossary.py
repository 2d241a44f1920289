"""One word for one thing, in both languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from babel.messages.pofile import read_po

from tests.house import repository

PAGE = repository.ROOT / "docs/reference/glossary.md"
COLUMNS = ["term", "zh", "unit", "symbol", "definition", "source"]


def glossary() -> dict[str, set[str]]:
    """Return the Chinese words of each English term."""
    rows = repository.tables(PAGE.read_text(encoding="utf-8"))
    return {row["term"]: set(row["zh"].split(" / ")) for row in rows}


def labels() -> Iterator[tuple[str, str, str]]:
    """Yield (place, en, zh) of every text that the code carries in both languages."""
    for path in repository.python("src"):
        for node in ast.walk(repository.parsed(path)):
            match node:
                case ast.Call(func=ast.Name("Text"), args=[ast.Constant(en), ast.Constant(zh)]):
                    yield f"{repository.name(path)}:{node.lineno}", str(en), str(zh)
    for path in repository.files():
        if path.suffix == ".po":
            with path.open("rb") as text:
                for message in read_po(text):
                    if isinstance(message.id, str) and message.id:
                        yield repository.name(path), message.id, str(message.string)


def test_every_row_is_complete() -> None:
    rows = [*repository.tables(PAGE.read_text(encoding="utf-8"))]
    assert len(rows) > 50
    for row in rows:
        assert list(row) == COLUMNS, row
        assert all(row.values()), row


def test_no_word_stands_for_two_things() -> None:
    rows = [*repository.tables(PAGE.read_text(encoding="utf-8"))]
    words = [word for row in rows for word in [row["term"], *row["zh"].split(" / ")]]
    assert sorted(words) == sorted(set(words))


def test_names_in_the_code_are_the_words_of_the_glossary() -> None:
    known = glossary()
    seen = [(place, en.casefold(), zh) for place, en, zh in labels() if en.casefold() in known]
    assert seen
    assert not [(place, en, zh) for place, en, zh in seen if zh not in known[en]]
