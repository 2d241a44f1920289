"""The page of products is that of the files."""

from __future__ import annotations

from pathlib import Path

from zeropark.faces.cli.product_page import products_page

PAGE = Path(__file__).parents[2] / "docs/reference/products.md"


def test_the_page_of_products_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == products_page()
