"""The order of the shelves in the menu; the pages of a shelf come by themselves, in alphabet."""

from __future__ import annotations

from typing import Any

SHELVES = ["index.md", "tutorials", "how-to", "reference", "explanation", "decisions"]


def on_nav(nav: Any, **_: Any) -> Any:
    """Sort the top level of the menu as SHELVES says."""
    nav.items.sort(key=place)
    return nav


def place(item: Any) -> int:
    """Return the place of a page or a section among the shelves."""
    page = item.children[0] if item.children else item
    return SHELVES.index(page.file.src_uri.partition("/")[0])
