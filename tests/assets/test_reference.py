"""The reference page of the kinds is the one their files make."""

from __future__ import annotations

from pathlib import Path

from zeropark.assets import kinds
from zeropark.assets.reference import page

PAGE = Path(__file__).parents[2] / "docs/reference/kinds.md"


def test_the_page_is_what_the_kinds_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "python -m zeropark.assets.reference > docs/reference/kinds.md brings it up to date"
    )


def test_every_kind_has_a_section() -> None:
    text = page()
    for name in kinds():
        assert f"\n## {name}: " in text
