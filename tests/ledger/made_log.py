"""A small log made by hand: its leaves, its rows, its keys, and heads of any length of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zeropark.ledger import canonical, heads, keys, leaf, merkle, proof, rowform, verify
from zeropark.ledger.leaf import Nature
from zeropark.ledger.signed import Signed

START = 1_767_225_600_000  # 2026-01-01T00:00Z
QUARTER = 900_000


def key(number: int = 1) -> Ed25519PrivateKey:
    """Return a key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def readings(count: int, first: int = 0, point: int = 42) -> rowform.Rows:
    """Return quarter-hours of one meter in order; reading n counts 1000 + n Wh."""
    rows = rowform.blank(count)
    number = np.arange(first, first + count)
    rows["quality"] = rowform.Quality.MEASURED
    rows["point"], rows["source"] = point, 7
    rows["start"], rows["length"] = START + number * QUARTER, QUARTER
    rows["known_at"] = START + (number + 1) * QUARTER + 5_000
    rows["value"], rows["sequence"] = 1_000 + number, number
    return rows


@dataclass
class Log:
    """Leaves in order, the rows of those that are batches, and the key that signs."""

    nature: Nature = "field"
    store: str = "works-1"
    signer: Ed25519PrivateKey = field(default_factory=key)
    leaves: list[bytes] = field(default_factory=list)
    batches: dict[int, bytes] = field(default_factory=dict)
    statements: list[Signed] = field(default_factory=list)
    epoch: int = 1

    def __post_init__(self) -> None:
        self.leaves.append(leaf.birth(self.store, self.nature, START))
        self.state(keys.born(self.signer, START))

    def state(self, statement: Signed) -> None:
        """Append a statement about keys."""
        self.statements.append(statement)
        self.leaves.append(keys.leaf(statement))

    def add(self, count: int) -> int:
        """Append a batch of readings; return its place in the log."""
        rows = readings(count, sum(len(each) // rowform.WIDTH for each in self.batches.values()))
        self.leaves.append(leaf.readings(rows))
        self.batches[len(self.leaves) - 1] = rowform.encode(rows)
        return len(self.leaves) - 1

    def post(self, amount: int) -> int:
        """Append a posting; return its place in the log."""
        said = {"kind": "posting", "id": f"p{len(self.leaves)}", "amount_wh": amount}
        self.leaves.append(canonical.dumps(said))
        return len(self.leaves) - 1

    def sign(self) -> Signed:
        """Append the head of all leaves so far to the log, and return it."""
        head = self.head()
        self.leaves.append(canonical.dumps({"kind": "head", **head.document()}))
        return head

    def tree(self) -> merkle.Tree:
        """Return the tree over all leaves."""
        return merkle.Tree(merkle.leaf_hashes(self.leaves))

    def head(self, at: int | None = None, signer: Ed25519PrivateKey | None = None) -> Signed:
        """Return the signed head of all leaves."""
        return heads.sign(
            self.tree(),
            signer or self.signer,
            store=self.store,
            nature=self.nature,
            epoch=self.epoch,
            at=START + len(self.leaves) * 1000 if at is None else at,
        )

    def item(self, index: int, chosen: list[int] | None = None) -> proof.Item:
        """Return a leaf as an item of a proof."""
        return proof.Item(index, self.leaves[index], self.batches.get(index, b""), chosen)

    def prove(self, *items: proof.Item, earlier: tuple[Signed, ...] = ()) -> dict[str, object]:
        """Return the proof of items under the newest head."""
        log = self.tree()
        return proof.document(log, self.head(), self.leaves[0], self.statements, items, earlier)


@dataclass
class Shelf:
    """What a store hands to verification, as bytes that a test may change.

    rows: chunks as they lie in files. wrong: what was derived wrongly.
    """

    said: tuple[str, str]
    bodies: list[bytes]
    state: bytes
    chunks: list[verify.Chunk | verify.Fault]
    wrong: list[verify.Difference] = field(default_factory=list)

    def about(self) -> tuple[str, str]:
        """Return the store's id and nature."""
        return self.said

    def leaves(self) -> list[list[bytes]]:
        """Return the leaves, three at a time."""
        return [self.bodies[at : at + 3] for at in range(0, len(self.bodies), 3)]

    def frontier(self) -> bytes:
        """Return the kept state of the tree."""
        return self.state

    def rows(self) -> list[verify.Chunk | verify.Fault]:
        """Return the chunks."""
        return self.chunks

    def derived(self) -> list[verify.Difference]:
        """Return what differs."""
        return self.wrong


def shelf(log: Log, sealed: int = 0) -> Shelf:
    """Return a log as a store holds it; the first `sealed` batches lie in one file."""
    frontier = merkle.Frontier()
    for each in log.leaves:
        frontier.append(merkle.leaf_hash(each))
    batches = list(log.batches.values())
    chunks: list[verify.Chunk | verify.Fault] = []
    first = 0
    for number, rows in enumerate([b"".join(batches[:sealed]), *batches[sealed:]]):
        if rows:
            where = "hot" if number else "2026-01-01/00.parquet"
            chunks.append(verify.Chunk(where, first, rows))
            first += len(rows) // rowform.WIDTH
    said = log.store, log.nature
    return Shelf(said, list(log.leaves), frontier.to_bytes(), chunks)
