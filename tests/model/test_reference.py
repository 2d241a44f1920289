"""The reference page of the park file is the one its types make."""

from __future__ import annotations

from pathlib import Path

from zeropark.model.reference import page

PAGE = Path(__file__).parents[2] / "docs/reference/park-file.md"


def test_the_page_is_what_the_types_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "python -m zeropark.model.reference > docs/reference/park-file.md brings it up to date"
    )
