"""The page of products, `docs/reference/products.md`, from their files.

`python -m zeropark.faces.cli.product_page > docs/reference/products.md` brings it up to date.
"""

from __future__ import annotations

from zeropark.operate.product import Product
from zeropark.operate.products import products

_HEAD = """# Products

What a park sells as one plant. Each is one file of `src/zeropark/operate/products/`; adding one
edits no other. `python -m zeropark.faces.cli.product_page` writes this page.
"""


def products_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(_one(each) for each in products().values())])


def _one(product: Product) -> str:
    ways = " or ".join(f"`{way.value}`" for way in product.ways)
    called = f"Called for {ways} import" if ways else "Nobody calls it: earned all the time"
    if product.notice.day_before:
        called += ", on an earlier day"
    elif product.notice.hours > 0.0:
        called += f", {product.notice.hours:g} h before or earlier"
    if product.pays:
        called += f"; paid as the fact `{product.pays}` where the call names no price"
    rows = {
        "equation": (f"`{product.equation}`", product.source),
        "in the plan": product.adds,
        "delivery is measured by": product.measured,
        "settled": product.settled,
    }
    table = "".join(f"| {name} | {en} | {zh} |\n" for name, (en, zh) in rows.items())
    return (
        f"## {product.title.en} · {product.title.zh}\n\n`{product.key}`. {called}.\n\n"
        f"| | | |\n| --- | --- | --- |\n{table}"
    )


if __name__ == "__main__":
    print(products_page(), end="")  # noqa: T201 - the page is its output
