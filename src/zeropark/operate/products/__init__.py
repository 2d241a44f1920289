"""The products of a park: one file each, found by themselves.

A file is a product's when it says `PRODUCT = Product(…)`. Adding one edits none.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from zeropark.data.errors import DataError
from zeropark.operate.product import Product
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_ABSENT = Text(
    "product '{given}' is not known{meant} Allowed: {allowed}",
    "不认识产品“{given}”{meant}可用：{allowed}",
)
_NOT_CALLED = Text(
    "product '{given}' is earned all the time, nobody calls it. Allowed: {allowed}",
    "产品“{given}”持续获得，无人调用。可用：{allowed}",
)


@cache
def products() -> Mapping[str, Product]:
    """Return the products by key."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        product = importlib.import_module(f"{__name__}.{path.stem}").PRODUCT
        assert isinstance(product, Product), f"{path.name} says what it sells"
        assert product.key == path.stem, f"{path.name} is called as its product"
        found[product.key] = product
    return found


def called(key: str) -> Product:
    """Return a product that somebody calls; raises `DataError` for another."""
    allowed = [each.key for each in products().values() if each.called]
    if key not in products():
        text = with_meant(_ABSENT, meant(key, allowed), given=key, allowed=", ".join(allowed))
        raise DataError("product_absent", text)
    if not products()[key].called:
        raise DataError(
            "product_not_called", _NOT_CALLED.format(given=key, allowed=", ".join(allowed))
        )
    return products()[key]
