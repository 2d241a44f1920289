"""The proof of readings and postings, as one JSON document that `auditor` checks offline.

A reading's row lies in its batch, the batch is a leaf of the log, the log's root is in the signed
head. The document carries the log's first leaf, which says whether it is of the field, the
statements about its keys, and earlier heads with the proof that nothing before them was rewritten.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zeropark.data.errors import DataError
from zeropark.ledger import auditor, canonical, heads, merkle, rowform
from zeropark.ledger.signed import Signed
from zeropark.units.text import Text

AUDITOR = Path(auditor.__file__)
"""The stand-alone verifier, to be laid beside what is given away."""

_NO_LEAF = Text(
    "leaf {given}: the head signs {size} leaves, numbered from 0; sign a newer head first",
    "叶 {given}：签名头只有 {size} 个叶，从 0 起编号；先签新的签名头",
)
_NO_ROW = Text(
    "row {given}: the batch holds {count} rows, numbered from 0",
    "第 {given} 行：该批有 {count} 行，从 0 起编号",
)
_NOT_ITS_ROWS = Text(
    "leaf {leaf}: the rows are not those whose root it holds; run 'zeropark ledger verify'",
    "叶 {leaf}：这些行与其根不符；运行“zeropark ledger verify”",
)


@dataclass(frozen=True)
class Item:
    """A leaf to prove. index: its place in the log, from 0. leaf: its bytes.

    rows: all rows of the batch, where the leaf is one. chosen: rows to prove one by one (from 0);
    None lays the whole batch into the document.
    """

    index: int
    leaf: bytes
    rows: bytes = b""
    chosen: Sequence[int] | None = None


def document(
    log: merkle.Tree,
    head: Signed,
    birth: bytes,
    keys: Iterable[Signed],
    items: Iterable[Item],
    earlier: Iterable[Signed] = (),
) -> dict[str, Any]:
    """Return the proof of items under a head, ready for JSON.

    log: at least the leaves the head signs. birth: the log's first leaf. earlier: heads whose
    consistency with this one is shown. Raises `DataError` where an item lies beyond the head, or
    its rows are not those of its leaf.
    """
    size = heads.read(head, "head").size
    if size < 1:
        raise DataError("proof-leaf", _NO_LEAF.format(given=0, size=size))
    return {
        "kind": auditor.KIND,
        "version": auditor.VERSION,
        "head": head.document(),
        "keys": [each.document() for each in keys],
        "birth": {"leaf": birth.decode(), "path": _hex(log.inclusion(0, size))},
        "items": [_item(log, size, each) for each in items],
        "earlier": [_earlier(log, size, each) for each in earlier],
    }


def write(path: Path, proof: dict[str, Any]) -> None:
    """Write a proof as a JSON file of one line for each item. Raises `OSError`."""
    path.write_text(json.dumps(proof, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def lay(path: Path, proof: dict[str, Any]) -> Path:
    """Write a proof and lay the verifier beside; return where it lies. Raises `OSError`."""
    write(path, proof)
    verifier = path.with_name("verify_proof.py")
    shutil.copyfile(AUDITOR, verifier)
    return verifier


def _item(log: merkle.Tree, size: int, item: Item) -> dict[str, Any]:
    if not 0 <= item.index < size:
        raise DataError("proof-leaf", _NO_LEAF.format(given=item.index, size=size))
    path = _hex(log.inclusion(item.index, size))
    said = {"leaf": item.leaf.decode(), "index": str(item.index), "path": path}
    if not item.rows:
        return said
    rows = merkle.Tree(merkle.row_hashes(item.rows, rowform.WIDTH))
    if canonical.loads(item.leaf).get("root") != rows.root().hex():
        raise DataError("proof-rows", _NOT_ITS_ROWS.format(leaf=item.index))
    if item.chosen is None:
        return {**said, "batch": item.rows.hex()}
    return {**said, "rows": [_row(rows, item.rows, each) for each in item.chosen]}


def _row(rows: merkle.Tree, written: bytes, index: int) -> dict[str, Any]:
    if not 0 <= index < rows.size:
        raise DataError("proof-row", _NO_ROW.format(given=index, count=rows.size))
    row = written[index * rowform.WIDTH : (index + 1) * rowform.WIDTH]
    return {"row": row.hex(), "index": str(index), "path": _hex(rows.inclusion(index))}


def _earlier(log: merkle.Tree, size: int, head: Signed) -> dict[str, Any]:
    old = heads.read(head, "earlier head")
    heads.holds_in(old, log, "earlier head")
    assert old.size <= size, "an earlier head signs no more leaves"
    return {"head": head.document(), "path": _hex(log.consistency(old.size, size))}


def _hex(path: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in path]
