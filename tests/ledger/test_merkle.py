"""Trees of RFC 9162: published roots and proofs, every small size, and what must not pass."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.data.errors import DataError
from zeropark.ledger import merkle
from zeropark.ledger.merkle import Frontier, Tree, verify_consistency, verify_inclusion

# The leaves, roots and proofs of the reference implementation of Certificate Transparency
# (merkle_tree_test.cc); the roots of 0 to 3, 7 and 8 and the first proof computed again by hand.
LEAVES = [
    bytes.fromhex(each)
    for each in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSION = [
    (0, 1, []),
    (0, 8, [N1, N23, N4567]),
    (5, 8, [N4, N67, ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
    (1, 5, [ROOTS[1], N23, N4]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [N1, N23, N4567]),
    (6, 8, [N45, N67, ROOTS[4]]),
    (2, 5, [N23, N4]),
]


def numbered(count: int) -> list[bytes]:
    """Return leaf hashes of `count` different leaves."""
    return merkle.leaf_hashes(str(i).encode() for i in range(count))


def defined(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 9162 2.1.1 defines it, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    middle = 1
    while 2 * middle < len(leaves):
        middle *= 2
    below = defined(leaves[:middle]) + defined(leaves[middle:])
    return sha256(b"\1" + below).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_hold(size: int) -> None:
    leaves = LEAVES[:size]
    assert merkle.root(leaves).hex() == ROOTS[size]
    tree, frontier = Tree(), Frontier()
    for leaf in leaves:
        tree.extend([merkle.leaf_hash(leaf)])
        frontier.append(merkle.leaf_hash(leaf))
    assert tree.root().hex() == frontier.root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_published_proofs_of_inclusion_hold(index: int, size: int, path: list[str]) -> None:
    tree = Tree(merkle.leaf_hashes(LEAVES))
    assert [each.hex() for each in tree.inclusion(index, size)] == path


@pytest.mark.parametrize(("old", "size", "path"), CONSISTENCY)
def test_the_published_proofs_of_consistency_hold(old: int, size: int, path: list[str]) -> None:
    tree = Tree(merkle.leaf_hashes(LEAVES))
    assert [each.hex() for each in tree.consistency(old, size)] == path


def test_every_way_to_a_root_is_the_definition() -> None:
    leaves = [str(i).encode() for i in range(200)]
    tree, frontier = Tree(merkle.leaf_hashes(leaves)), Frontier()
    for size in range(200):
        due = defined(leaves[:size])
        assert merkle.root(leaves[:size]) == tree.root(size) == frontier.root() == due
        frontier.append(merkle.leaf_hash(leaves[size]))
    assert frontier.size == 200


def test_every_leaf_of_every_size_up_to_200_is_proven() -> None:
    hashes = numbered(200)
    tree = Tree(hashes)
    for size in range(1, 201):
        root = tree.root(size)
        for index in range(size):
            path = tree.inclusion(index, size)
            assert verify_inclusion(hashes[index], index, size, path, root)


def test_every_size_up_to_200_is_consistent_with_every_earlier_one() -> None:
    tree = Tree(numbered(200))
    roots = [tree.root(size) for size in range(201)]
    for size in range(201):
        for old in range(size + 1):
            path = tree.consistency(old, size)
            assert verify_consistency(old, size, roots[old], roots[size], path)


SIZES = st.integers(1, 5000)
TREE = Tree(numbered(5000))


@given(SIZES, st.data())
def test_a_proof_of_inclusion_holds_for_its_own_leaf_and_place_only(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, path, root = merkle.leaf_hash(b"%d" % index), TREE.inclusion(index, size), TREE.root(size)
    assert verify_inclusion(leaf, index, size, path, root)
    other = data.draw(st.integers(-1, size + 1).filter(lambda each: each != index))
    assert not verify_inclusion(leaf, other, size, path, root)
    assert not verify_inclusion(merkle.leaf_hash(b"another"), index, size, path, root)
    assert not verify_inclusion(leaf, index, size, path, merkle.leaf_hash(b"another"))
    assert not verify_inclusion(leaf, index, size, [*path, root], root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not verify_inclusion(leaf, index, size, path[:at] + path[at + 1 :], root)
        assert not verify_inclusion(leaf, index, size, [*path[:at], leaf, *path[at + 1 :]], root)
    if len(path) > 1:
        assert not verify_inclusion(leaf, index, size, path[::-1], root)


@given(SIZES, st.data())
def test_a_proof_of_consistency_holds_for_its_own_two_roots_only(
    size: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size))
    path, first, last = TREE.consistency(old, size), TREE.root(old), TREE.root(size)
    assert verify_consistency(old, size, first, last, path)
    other = merkle.leaf_hash(b"another")
    assert not verify_consistency(old, size, other, last, path)
    assert not verify_consistency(old, size, first, other, path)
    assert not verify_consistency(size + 1, size, first, last, path)
    assert not verify_consistency(-1, size, first, last, path)
    assert not verify_consistency(old, size, first, last, [*path, other])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not verify_consistency(old, size, first, last, path[:at] + path[at + 1 :])
        assert not verify_consistency(old, size, first, last, [*path[:at], other, *path[at + 1 :]])
        assert not verify_consistency(old, size, last, first, path)


def test_a_log_without_leaves_begins_every_log_and_no_other_root_passes_for_it() -> None:
    root = TREE.root(5)
    assert verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [])
    assert verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert not verify_consistency(0, 5, root, root, [])
    assert not verify_consistency(0, 0, root, root, [])
    assert not verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [root])
    assert not verify_consistency(4, 5, TREE.root(4), root, [])


def test_a_node_passes_for_no_leaf() -> None:
    left, right = numbered(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


def test_a_last_leaf_is_never_doubled() -> None:
    a, b, c = numbered(3)
    assert merkle.root_of_hashes([a, b, c]) != merkle.root_of_hashes([a, b, c, c])


def test_rows_are_leaves_of_equal_width() -> None:
    rows = bytes(range(60))
    parts = [rows[at : at + 12] for at in range(0, 60, 12)]
    assert merkle.row_hashes(rows, 12) == merkle.leaf_hashes(parts)
    assert merkle.row_root(rows, 12) == merkle.root(parts)


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_frontier_goes_on_from_its_kept_state(before: int, after: int) -> None:
    hashes = numbered(before + after)
    frontier = Frontier()
    for each in hashes[:before]:
        frontier.append(each)
    again = Frontier.from_bytes(frontier.to_bytes())
    for each in hashes[before:]:
        again.append(each)
    assert again.size == before + after
    assert again.root() == merkle.root_of_hashes(hashes)


@pytest.mark.parametrize("damage", [slice(0, -1), slice(0, 7), slice(0, 0), slice(1, None)])
def test_a_damaged_state_is_refused(damage: slice) -> None:
    frontier = Frontier()
    for each in numbered(5):
        frontier.append(each)
    with pytest.raises(DataError, match="build it again from the leaves") as refused:
        Frontier.from_bytes(frontier.to_bytes()[damage])
    assert refused.value.key == "frontier-damaged"
