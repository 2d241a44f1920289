"""How fast the ledger's proof is: rows and leaves verified a second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from bench.cases import Effort, say
from bench.findings import Findings, Table
from zeropark.ledger import canonical, leaf, merkle, rowform

_ROWS_IN_BATCH = 1_000


def proof(effort: Effort) -> Findings:
    """Verify batches of rows and JSON leaves as `zeropark ledger verify` does."""
    batches, leaves = (4, 500) if effort.small else (300, 60_000)
    say(f"proof, {batches} batches of {_ROWS_IN_BATCH} rows and {leaves} leaves")
    bodies, rows = _batches(batches)
    postings = [
        canonical.dumps({"kind": "posting", "id": f"t{i}", "debit": "sun", "amount": i, "at": i})
        for i in range(leaves)
    ]

    def check_rows() -> None:
        for body, written in zip(bodies, rows, strict=True):
            if leaf.readings(rowform.decode(written)) != body:
                raise RuntimeError("a batch is not what its leaf says")

    def check_leaves() -> None:
        merkle.Tree(merkle.leaf_hashes(postings)).root()
        for body in postings:
            canonical.loads(body)

    tree = merkle.Tree(merkle.leaf_hashes(postings))
    works: dict[str, tuple[Callable[[], None], int]] = {
        "rows of readings, hashed and compared with their leaf": (
            check_rows, batches * _ROWS_IN_BATCH
        ),
        "JSON leaves, hashed into the tree and read": (check_leaves, leaves),
        "proofs of inclusion, made and checked": (_proofs(tree, postings), len(postings[::50])),
    }  # fmt: skip
    rates = {
        name: count / statistics.median(_seconds(work) for _ in range(effort.repeats))
        for name, (work, count) in works.items()
    }
    table = Table(
        "Proof of the ledger",
        f"On one core, CPU time; batches of {_ROWS_IN_BATCH} rows. Median of {effort.repeats}.",
        ("what", "a second"),
        [(name, f"{rate:,.0f}") for name, rate in rates.items()],
    )
    row_rate, leaf_rate, _ = rates.values()
    numbers = {"proof/rows_per_s": row_rate, "proof/leaves_per_s": leaf_rate}
    return Findings([table], numbers)


def _batches(count: int) -> tuple[list[bytes], list[bytes]]:
    """Return leaves and rows of made-up batches."""
    chance = np.random.default_rng(1)
    bodies, written = [], []
    for number in range(count):
        rows = rowform.blank(_ROWS_IN_BATCH)
        rows["quality"] = rowform.Quality.MEASURED
        rows["point"] = np.arange(_ROWS_IN_BATCH)
        rows["start"], rows["length"] = number * 900_000, 900_000
        rows["value"] = chance.integers(0, 10_000, _ROWS_IN_BATCH)
        rows["sequence"] = np.arange(_ROWS_IN_BATCH) + number * _ROWS_IN_BATCH
        bodies.append(leaf.readings(rows))
        written.append(rowform.encode(rows))
    return bodies, written


def _proofs(tree: merkle.Tree, postings: list[bytes]) -> Callable[[], None]:
    root = tree.root()

    def work() -> None:
        for index in range(0, len(postings), 50):
            path, own = tree.inclusion(index), merkle.leaf_hash(postings[index])
            if not merkle.verify_inclusion(own, index, tree.size, path, root):
                raise RuntimeError("a proof does not hold")

    return work


def _seconds(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
