"""Reads a report as a person would: its words in one language, its tables, what it carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Element:
    """A tag with its attributes, and what it holds in order: texts and elements."""

    tag: str
    given: dict[str, str]
    holds: list[Element | str] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """Return all elements of a tag below this one, in order."""
        found = []
        for each in self.holds:
            if isinstance(each, Element):
                found += [each] if each.tag == tag else []
                found += each.all(tag)
        return found

    def every(self) -> list[Element]:
        """Return all elements below this one, in order."""
        inside = [each for each in self.holds if isinstance(each, Element)]
        return [found for each in inside for found in (each, *each.every())]

    def text(self, language: str = "en") -> str:
        """Return the words below this element in one language, as the page shows them."""
        if self.given.get("lang", language) not in {language, ""}:
            return ""
        parts = [each if isinstance(each, str) else each.text(language) for each in self.holds]
        return "".join(parts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].holds.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].holds.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].holds.append(data)


@dataclass(frozen=True)
class Page:
    """A report's page. source: its text. root: its elements, with <html> in `root`."""

    source: str
    root: Element

    @property
    def body(self) -> Element:
        """The page's body."""
        return self.root.all("body")[0]

    def of_class(self, name: str) -> list[Element]:
        """Return the elements of a class."""
        return [each for each in self.root.every() if name in each.given.get("class", "").split()]

    def rows(self, table: str, language: str = "en") -> dict[str, list[str]]:
        """Return a table's rows by their first cell; `table` is a class at or around it."""
        found = {}
        for row in [row for place in self.of_class(table) for row in place.all("tr")]:
            cells = [e for e in row.holds if isinstance(e, Element) and e.tag in {"th", "td"}]
            first, *rest = [" ".join(cell.text(language).split()) for cell in cells]
            found[first] = rest
        return found

    @property
    def carried(self) -> dict[str, Any]:
        """What the charts are made of."""
        place = next(e for e in self.root.all("script") if e.given.get("id") == "report-data")
        found: dict[str, Any] = json.loads(place.text())
        return found

    @property
    def charts(self) -> Mapping[str, Any]:
        """The curves of the page."""
        found: Mapping[str, Any] = self.carried["charts"]
        return found


def read(path: Path) -> Page:
    """Read a report; every tag must be closed in order."""
    source = path.read_text(encoding="utf-8")
    reader = _Reader()
    reader.feed(source)
    reader.close()
    assert reader.open == [reader.root], "every element is closed"
    return Page(source, reader.root)
