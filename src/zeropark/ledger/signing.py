"""What a key does in a store: it is stated there, it signs heads, it is handed on or given up.

Statements about keys and signed heads are leaves like any other, so that they are proven with the
rest; a head that stands in the log signs what is before it.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, heads, keys, merkle, signed
from zeropark.ledger.database import Database
from zeropark.ledger.keys import Keyring
from zeropark.ledger.log import Log
from zeropark.ledger.signed import Signed, fingerprint, public_bytes
from zeropark.ledger.store import Store
from zeropark.units.text import Text

_NOT_YET = Text(
    "the store knows no key yet; state one with 'zeropark ledger key new FILE --store STORE'",
    "账本还没有密钥；用“zeropark ledger key new FILE --store STORE”登记",
)
_OTHER = Text(
    "this key ({given}) is not the store's ({due}); name the right one, or hand on with 'zeropark "
    "ledger key rotate', or say that the old one is lost",
    "此密钥（{given}）不是账本的（{due}）；用正确的密钥，或用“zeropark ledger key rotate”移交，"
    "或声明旧密钥丢失",
)
_ALREADY = Text(
    "the store has the key {due} already; hand on with 'zeropark ledger key rotate'",
    "账本已有密钥 {due}；用“zeropark ledger key rotate”移交",
)
_UNKNOWN = Text(
    "{given}: no key of this store begins like this; there are {known}",
    "{given}：账本没有这样开头的密钥；有 {known}",
)


def statements(database: Database, log: Log) -> list[Signed]:
    """Return the statements about keys that stand in a log, in order."""
    sizes = database.rows("SELECT size FROM entry WHERE kind = ? ORDER BY size", (keys.KIND,))
    return [_statement(log, size) for (size,) in sizes]


def latest_head(database: Database, log: Log) -> Signed | None:
    """Return the newest head that stands in a log; None where none was signed."""
    ((size,),) = database.rows("SELECT max(size) FROM entry WHERE kind = ?", (heads.KIND,))
    return None if size is None else _statement(log, size)


def tree(log: Log, size: int | None = None) -> merkle.Tree:
    """Return the tree over a log's leaves, all or the first `size`."""
    found = merkle.Tree()
    some: list[bytes] = []
    for number, body in log.leaves():
        if size is not None and number > size:
            break
        some.append(body)
    found.extend(merkle.leaf_hashes(some))
    return found


def state_first(store: Store, key: Ed25519PrivateKey) -> Signed:
    """State the first key of a store. Raises `DataError` where it has one."""
    ring = _ring(store)
    if ring.current is not None:
        text = _ALREADY.format(due=fingerprint(ring.current)[:16])
        raise DataError("key-already", text)
    return _state(store, keys.born(key, _now(store)))


def hand_on(store: Store, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> Signed:
    """Hand on from the store's key to a new one, signed by the old. Raises `DataError`."""
    ring = _signer(store, old)
    return _state(store, keys.rotated(old, public_bytes(new), ring.epoch, _now(store)))


def revoke(store: Store, by: Ed25519PrivateKey, which: str, since: int, why: str) -> Signed:
    """State that heads of a key from `since` on do not count. Raises `DataError`.

    which: the beginning of its fingerprint. since: [ms since 1970-01-01 UTC]. by: the store's key.
    """
    ring = _signer(store, by)
    found = [each for each in ring.periods if which and fingerprint(each).startswith(which.lower())]
    if len(found) != 1:
        known = ", ".join(fingerprint(each)[:16] for each in ring.periods)
        raise DataError("key-unknown", _UNKNOWN.format(given=which, known=known))
    return _state(store, keys.revoked(found[0], by, ring.epoch, _now(store), since, why))


def begin_epoch(store: Store, key: Ed25519PrivateKey, why: str) -> Signed:
    """State that the key before was lost and a new epoch begins. Raises `DataError`."""
    ring = _ring(store)
    if ring.current is None:
        raise DataError("key-none", _NOT_YET)
    return _state(store, keys.begun(key, ring.epoch + 1, _now(store), why))


def sign_head(store: Store, key: Ed25519PrivateKey) -> Signed:
    """Sign the head of the log as it stands, note it in the log, and return it.

    Raises `DataError` where the key is not the store's.
    """
    with store.lock:
        ring = _signer(store, key)
        frontier = store.log.frontier()
        head = heads.sign(
            frontier,
            key,
            store=store.about.id,
            nature=store.about.nature,
            epoch=ring.epoch,
            at=_now(store),
        )
        store.note(heads.KIND, head.document(), f"size {frontier.size}")
        return head


def sign_when_due(store: Store, key: Ed25519PrivateKey, every: int) -> Signed | None:
    """Sign the head where the newest is older than `every` [ms] and the log went on since.

    For whoever holds the store, to be called as often as they like. Returns the new head, None
    where none was due. Raises `DataError` where the key is not the store's.
    """
    with store.lock:
        latest = latest_head(store.database, store.log)
        if latest is not None:
            head = heads.read(latest, "head")
            # The head itself is the one leaf that came since.
            went_on = store.log.size > head.size + 1
            if not went_on or _now(store) - head.at < every:
                return None
        return sign_head(store, key)


def must_fit(store: Store, key: Ed25519PrivateKey) -> None:
    """Raise `DataError` where the store has a key already and this one is not it."""
    if _ring(store).current is not None:
        _signer(store, key)


def _statement(log: Log, size: int) -> Signed:
    said: Any = canonical.loads(log.body(size))
    return signed.read(said, f"leaf {size - 1}")


def _ring(store: Store) -> Keyring:
    return Keyring(statements(store.database, store.log))


def _signer(store: Store, key: Ed25519PrivateKey) -> Keyring:
    """Return the store's keys, of which this one may sign now."""
    ring = _ring(store)
    if ring.current is None:
        raise DataError("key-none", _NOT_YET)
    given = public_bytes(key)
    if given != ring.current:
        due = fingerprint(ring.current)[:16]
        raise DataError("key-other", _OTHER.format(given=fingerprint(given)[:16], due=due))
    return ring


def _state(store: Store, statement: Signed) -> Signed:
    ring = _ring(store)
    ring.take(statement, "key")
    store.note(
        keys.KIND, statement.document(), fingerprint(bytes.fromhex(statement.said["public"]))
    )
    return statement


def _now(store: Store) -> int:
    return store.clock.now().known_at
