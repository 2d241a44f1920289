"""The signed head of a log: its size and root at a moment, bound to the store and its nature."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zeropark.data.errors import DataError
from zeropark.ledger import merkle, signed
from zeropark.ledger.leaf import NATURES, Nature
from zeropark.ledger.signed import Signed
from zeropark.units.text import Text

KIND = "head"
_NATURE = Text(
    "{where}: nature '{given}' is not known; allowed: field, simulated",
    "{where}：不认识性质“{given}”；可用：field、simulated",
)
_OTHER_STORE = Text(
    "{where}: is a head of the store {given} ({given_nature}), not of {due} ({due_nature})",
    "{where}：是账本 {given}（{given_nature}）的签名头，不是 {due}（{due_nature}）的",
)
_LOST = Text(
    "{where}: the head of {moment} signs {given} leaves, and the log has {size}: leaves were lost",
    "{where}：{moment} 的签名头有 {given} 个叶，日志只有 {size} 个：叶已丢失",
)
_REWRITTEN = Text(
    "{where}: the log's first {given} leaves are not those signed on {moment} (root {due}, now "
    "{root}): the past was rewritten",
    "{where}：日志的前 {given} 个叶不是 {moment} 所签的（根 {due}，现为 {root}）：过去被改写",
)


@dataclass(frozen=True)
class Head:
    """What a head says. size: leaves. root: 32 bytes. at: [ms since 1970-01-01 UTC].

    epoch: from 1; a new one begins where a key was lost. key: public key it bears, 32 bytes.
    """

    store: str
    nature: Nature
    epoch: int
    size: int
    root: bytes
    at: int
    key: bytes


def sign(
    log: merkle.Frontier | merkle.Tree,
    key: Ed25519PrivateKey,
    *,
    store: str,
    nature: Nature,
    epoch: int,
    at: int,
) -> Signed:
    """Return the signed head of a log as it stands. at: now [ms since 1970-01-01 UTC]."""
    assert nature in NATURES, "a store is field or simulated"
    assert epoch >= 1, "epochs count from one"
    assert at >= 0, "no log is older than 1970"
    said = {"kind": KIND, "store": store, "nature": nature, "epoch": epoch, "at": at}
    return signed.sign({**said, "size": log.size, "root": log.root().hex()}, key)


def read(statement: Signed, where: str) -> Head:
    """Return what a head says; its signature fits the key it names.

    Whether that key may sign is for `keys` to say. Raises `DataError`.
    """
    key = signed.check(statement, KIND, where)
    nature = signed.word_of(statement, "nature", where)
    if nature not in NATURES:
        raise DataError("head-nature", _NATURE.format(where=where, given=nature))
    return Head(
        store=signed.word_of(statement, "store", where),
        nature=nature,
        epoch=signed.number_of(statement, "epoch", where),
        size=signed.number_of(statement, "size", where),
        root=signed.hash_of(statement, "root", where),
        at=signed.number_of(statement, "at", where),
        key=key,
    )


def moment(at: int) -> str:
    """Return a moment [ms since 1970-01-01 UTC] as a person reads it: 2026-01-31T08:15:00Z."""
    try:
        found = dt.datetime.fromtimestamp(at / 1000, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at} ms"
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def same_store(head: Head, store: str, nature: str, where: str) -> None:
    """Refuse a head of another store, or of one of the other nature. Raises `DataError`."""
    if (head.store, head.nature) != (store, nature):
        text = _OTHER_STORE.format(
            where=where,
            given=head.store,
            given_nature=head.nature,
            due=store,
            due_nature=nature,
        )
        raise DataError("head-other-store", text)


def holds_in(head: Head, log: merkle.Tree, where: str) -> None:
    """Refuse a log that does not begin with the leaves a head signs. Raises `DataError`."""
    if head.size > log.size:
        text = _LOST.format(where=where, moment=moment(head.at), given=head.size, size=log.size)
        raise DataError("head-leaves-lost", text)
    _same_root(head, log.root(head.size), where)


def follows(new: Head, kept: Head, path: Sequence[bytes], where: str) -> None:
    """Refuse a new head whose log does not begin with that of a kept one. Raises `DataError`.

    path: the proof of consistency between them [RFC 9162 2.1.4].
    """
    same_store(new, kept.store, kept.nature, where)
    if kept.size > new.size:
        text = _LOST.format(where=where, moment=moment(kept.at), given=kept.size, size=new.size)
        raise DataError("head-leaves-lost", text)
    if not merkle.verify_consistency(kept.size, new.size, kept.root, new.root, path):
        _rewritten(kept, new.root, where)


def _same_root(head: Head, root: bytes, where: str) -> None:
    if root != head.root:
        _rewritten(head, root, where)


def _rewritten(head: Head, root: bytes, where: str) -> None:
    text = _REWRITTEN.format(
        where=where,
        given=head.size,
        moment=moment(head.at),
        due=head.root.hex()[:16],
        root=root.hex()[:16],
    )
    raise DataError("head-rewritten", text)
