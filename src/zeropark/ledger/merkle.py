"""Merkle trees of RFC 9162: roots, proofs, and a frontier that grows by one leaf at a time.

A leaf is hashed behind a 0 byte, a node behind a 1 byte, so that no node can pass for a leaf; the
left part of every tree is the largest full one, and a last leaf without a neighbour is carried up,
never doubled. Source: RFC 9162 (Certificate Transparency 2.0), section 2.1.

One call of hashlib for each hash is the fast way: SHA-256 across the lanes of NumPy arrays is
slower than the processor's own instructions, even with a call in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from zeropark.data.errors import DataError
from zeropark.units.text import Text

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of a tree without leaves [RFC 9162 2.1.1]."""
_LEAF, _NODE = b"\0", b"\1"
_SIZE_BYTES = 8

_DAMAGED = Text(
    "the tree's state ({given} bytes) is damaged: a log of {size} leaves keeps {due} bytes; build "
    "it again from the leaves",
    "树的状态（{given} 字节）已损坏：有 {size} 个叶的日志应存 {due} 字节；由叶重新建立",
)


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf's bytes, 32 bytes [RFC 9162 2.1.1]."""
    return sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash above two hashes, 32 bytes [RFC 9162 2.1.1]."""
    return sha256(_NODE + left + right).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each leaf, in order."""
    return [sha256(_LEAF + leaf).digest() for leaf in leaves]


def row_hashes(rows: bytes, width: int) -> list[bytes]:
    """Return the leaf hash of each row of `width` bytes, in order; rows: one after the other."""
    assert width > 0, "a row has bytes"
    assert len(rows) % width == 0, "rows are whole"
    return [sha256(_LEAF + rows[at : at + width]).digest() for at in range(0, len(rows), width)]


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over the bytes of leaves, 32 bytes; of none, the hash of nothing."""
    return root_of_hashes(leaf_hashes(leaves))


def row_root(rows: bytes, width: int) -> bytes:
    """Return the root over rows of `width` bytes each, 32 bytes."""
    return root_of_hashes(row_hashes(rows, width))


def root_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, 32 bytes."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        level = _above(level) + (level[-1:] if len(level) % 2 else [])
    return level[0]


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the nodes above neighbours; a last one without a neighbour has none."""
    pairs = zip(level[::2], level[1::2], strict=False)
    return [sha256(_NODE + left + right).digest() for left, right in pairs]


class Frontier:
    """The right edge of a growing log: enough to append and to know the root, nothing more.

    It holds the roots of the full trees that the size's binary digits name, largest first, at most
    64 hashes, so that a store keeps it beside the log and appends without reading old leaves.
    """

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """Number of leaves appended."""
        return self._size

    def append(self, leaf_hash: bytes) -> None:
        """Take in the hash of the next leaf."""
        assert len(leaf_hash) == HASH_BYTES, "a leaf enters as its hash"
        joins, below = self._size, leaf_hash
        while joins & 1:
            below = sha256(_NODE + self._peaks.pop() + below).digest()
            joins >>= 1
        self._peaks.append(below)
        self._size += 1
        assert len(self._peaks) == self._size.bit_count(), "one peak for each binary digit"

    def root(self) -> bytes:
        """Return the root over all leaves so far, 32 bytes."""
        return _bagged(self._peaks)

    def to_bytes(self) -> bytes:
        """Return the state: the size as 8 bytes, high first, then the peaks, largest first."""
        return self._size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, state: bytes) -> Frontier:
        """Return the frontier of a kept state. Raises `DataError` where it is cut or too long."""
        size = int.from_bytes(state[:_SIZE_BYTES], "big")
        due = _SIZE_BYTES + HASH_BYTES * size.bit_count()
        if len(state) != due:
            text = _DAMAGED.format(given=len(state), size=size, due=due)
            raise DataError("frontier-damaged", text)
        frontier = cls()
        frontier._size = size
        starts = range(_SIZE_BYTES, len(state), HASH_BYTES)
        frontier._peaks = [state[at : at + HASH_BYTES] for at in starts]
        return frontier


def _bagged(peaks: Sequence[bytes]) -> bytes:
    """Return the root over full trees, largest first."""
    if not peaks:
        return EMPTY_ROOT
    above = peaks[-1]
    for peak in reversed(peaks[:-1]):
        above = sha256(_NODE + peak + above).digest()
    return above


class Tree:
    """All full nodes over a row of leaf hashes, from which any proof is read.

    About 64 bytes of hashes a leaf; a proof touches only as many nodes as the size has digits.
    """

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        self.extend(hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Take in the hashes of the next leaves."""
        self._levels[0] += hashes
        depth = 0
        while len(self._levels[depth]) > 1:
            if depth + 1 == len(self._levels):
                self._levels.append([])
            known = len(self._levels[depth + 1])
            self._levels[depth + 1] += _above(self._levels[depth][2 * known :])
            depth += 1

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves, all where none is given."""
        return self._over(0, self._checked(size))

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that leaf `index` (from 0) lies under the root of `size` leaves.

        Hashes from the leaf's neighbour up [RFC 9162 2.1.3.1].
        """
        start, end = 0, self._checked(size)
        assert 0 <= index < end, "only a leaf of the tree is proven"
        path = []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._over(middle, end))
                end = middle
            else:
                path.append(self._over(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the first `old` leaves of `size` are those of an old root.

        Empty where nothing is to be shown: old is 0, or as large as size [RFC 9162 2.1.4.1].
        """
        start, end = 0, self._checked(size)
        assert 0 <= old <= end, "an older tree is no larger"
        if old in {0, end}:
            return []
        path = []
        # Whether the old tree is wholly left of what is looked at; then its root is known.
        known = True
        while old < end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._over(middle, end))
                end = middle
            else:
                path.append(self._over(start, middle))
                start, known = middle, False
        if not known:
            path.append(self._over(start, end))
        return path[::-1]

    def _checked(self, size: int | None) -> int:
        assert size is None or 0 <= size <= self.size, "a tree of leaves that are there"
        return self.size if size is None else size

    def _over(self, start: int, end: int) -> bytes:
        """Return the hash over leaves start..end; start lies on a full tree's edge."""
        peaks = []
        while start < end:
            depth = (end - start).bit_length() - 1
            peaks.append(self._levels[depth][start >> depth])
            start += 1 << depth
        return _bagged(peaks)


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Return whether `path` shows the leaf as number `index` (from 0) of `size` under `root`.

    [RFC 9162 2.1.3.2].
    """
    if not 0 <= index < size:
        return False
    at, last, above = index, size - 1, leaf_hash
    for hash_beside in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            above = node_hash(hash_beside, above)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            above = node_hash(above, hash_beside)
        at, last = at >> 1, last >> 1
    return last == 0 and above == root


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Return whether `path` shows that the log of `new` leaves begins with that of `old`.

    [RFC 9162 2.1.4.2]; a log without leaves begins every log.
    """
    if not 0 < old < new:
        empty_or_same = old_root == (EMPTY_ROOT if old == 0 else new_root)
        return old in {0, new} and new >= 0 and not path and empty_or_same
    hashes = [*([] if old & (old - 1) else [old_root]), *path]
    if not hashes:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for hash_beside in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(hash_beside, first), node_hash(hash_beside, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, hash_beside)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
