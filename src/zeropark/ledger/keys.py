"""Keys that sign heads: made, found, rotated, revoked, lost, and which key may sign when.

What happened to the keys of a log is said by signed statements that are leaves of that log: the
first key is `new`; a `rotate` names the next key and bears the old one's signature; a `revoke` has
a date; a lost key can sign nothing, so its successor begins a new `epoch` that says so and whose
fingerprint must be compared again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, signed
from zeropark.ledger.heads import Head, moment
from zeropark.ledger.signed import Signed, fingerprint, public_bytes
from zeropark.units.text import Text

KIND = "key"
Act = Literal["new", "rotate", "revoke", "epoch"]

_NOT_OURS = Text(
    "{where}: the key {key} is none of this log's ({known}); it was signed elsewhere",
    "{where}：密钥 {key} 不属于此日志（{known}）；它是在别处签的",
)
_PERIOD = Text(
    "{where}: signed on {moment} with the key {key}, which may sign from {since} {until} in epoch "
    "{epoch}",
    "{where}：{moment} 用密钥 {key} 签名，该密钥在第 {epoch} 纪元从 {since} {until}可签",
)
_UNTIL = Text("until before {moment}", "到 {moment} 之前")
_ON = Text("on", "起")
_ORDER = Text(
    "{where}: {words}; the statements about keys do not follow from one another",
    "{where}：{words}；关于密钥的声明前后不连",
)
_FIRST = Text("begins with '{act}' instead of 'new'", "以“{act}”而不是“new”开始")
_SECOND = Text("a second 'new'", "出现第二个“new”")
_SIGNER = Text(
    "'{act}' is signed by {key}, which was not the log's key then",
    "“{act}”由 {key} 签名，它当时不是此日志的密钥",
)
_EPOCH = Text("epoch {given} follows {due}", "纪元 {given} 接在 {due} 之后")
_ACT = Text("'{act}' is no act of a key", "没有“{act}”这种密钥操作")
_AGAIN = Text("the key {key} comes back", "密钥 {key} 再次出现")
_BEFORE = Text("is dated before the one before it", "日期早于前一条")


def born(key: Ed25519PrivateKey, at: int) -> Signed:
    """Return the first statement of a log: its key, in epoch 1. at: [ms since 1970-01-01 UTC]."""
    return _state("new", public_bytes(key), 1, at, key)


def rotated(old: Ed25519PrivateKey, new: bytes, epoch: int, at: int) -> Signed:
    """Return the statement, signed by the old key, that the public key `new` signs from `at` on."""
    return _state("rotate", new, epoch, at, old)


def revoked(
    public: bytes, by: Ed25519PrivateKey, epoch: int, at: int, since: int, why: str
) -> Signed:
    """Return the statement that heads of the key `public` from `since` on do not count.

    by: a key of the log that may sign now; may be the revoked one itself. since, at: [ms since
    1970-01-01 UTC].
    """
    return _state("revoke", public, epoch, at, by, {"since": since, "why": why})


def begun(key: Ed25519PrivateKey, epoch: int, at: int, why: str) -> Signed:
    """Return the statement that a new epoch begins because the key before was lost.

    Signed by the new key alone: nothing ties it to the old one but the log it stands in.
    """
    assert epoch > 1, "a log's first epoch begins with 'new'"
    return _state("epoch", public_bytes(key), epoch, at, key, {"why": why})


def _state(
    act: Act,
    public: bytes,
    epoch: int,
    at: int,
    by: Ed25519PrivateKey,
    more: dict[str, object] | None = None,
) -> Signed:
    said = {"kind": KIND, "act": act, "public": public.hex(), "epoch": epoch, "at": at}
    return signed.sign({**said, **(more or {})}, by)


def leaf(statement: Signed) -> bytes:
    """Return a statement about keys as a leaf of the log."""
    return canonical.dumps({"kind": KIND, **statement.document()})


def of_leaf(said: object, where: str) -> Signed | None:
    """Return the statement about keys in what a leaf says; None where the leaf is another kind."""
    if isinstance(said, dict) and said.get("kind") == KIND:
        return signed.read(said, where)
    return None


@dataclass(frozen=True)
class Period:
    """When a key may sign. since: first moment; until: first moment no more, None where open.

    Moments [ms since 1970-01-01 UTC]. vouched_by: the key that signed for it, None where none did.
    """

    key: bytes
    epoch: int
    since: int
    until: int | None = None
    vouched_by: bytes | None = None


class Keyring:
    """The keys of a log by its statements about them, in order."""

    def __init__(self, statements: Iterable[Signed] = ()) -> None:
        self.periods: dict[bytes, Period] = {}
        self.current: bytes | None = None
        self._at = 0
        for number, statement in enumerate(statements):
            self.take(statement, f"key statement {number}")

    @property
    def epoch(self) -> int:
        """The current epoch; 0 where the log has no key yet."""
        return self.periods[self.current].epoch if self.current else 0

    def take(self, statement: Signed, where: str) -> None:
        """Take in the next statement. Raises `DataError` where it does not follow."""
        by = signed.check(statement, KIND, where)
        act = signed.word_of(statement, "act", where)
        public = signed.hash_of(statement, "public", where)
        epoch = signed.number_of(statement, "epoch", where)
        at = signed.number_of(statement, "at", where)
        if at < self._at:
            raise _out_of_order(where, _BEFORE)
        self._at = at
        if act == "new":
            self._begin(public, by, epoch, 1, at, act, where)
        elif not self.periods:
            raise _out_of_order(where, _FIRST.format(act=act))
        elif act == "epoch":
            self._begin(public, by, epoch, self.epoch + 1, at, act, where)
        elif act == "rotate":
            self._vouch(by, epoch, at, act, where)
            self._add(Period(public, epoch, at, vouched_by=by), where)
        elif act == "revoke":
            self._vouch(by, epoch, at, act, where)
            self._end(public, signed.number_of(statement, "since", where), where)
        else:
            raise _out_of_order(where, _ACT.format(act=act))

    def check(self, head: Head, where: str) -> Period:
        """Return the period in which a head's key may sign. Raises `DataError` where it may not."""
        period = self.periods.get(head.key)
        if period is None:
            known = ", ".join(fingerprint(key)[:16] for key in self.periods) or "-"
            text = _NOT_OURS.format(where=where, key=fingerprint(head.key)[:16], known=known)
            raise DataError("key-not-ours", text)
        ended = period.until is not None and head.at >= period.until
        if head.epoch != period.epoch or head.at < period.since or ended:
            raise DataError("key-period", _outside(head, period, where))
        return period

    def _begin(
        self, public: bytes, by: bytes, epoch: int, due: int, at: int, act: str, where: str
    ) -> None:
        if act == "new" and self.periods:
            raise _out_of_order(where, _SECOND)
        if by != public:
            raise _out_of_order(where, _SIGNER.format(act=act, key=fingerprint(by)[:16]))
        if epoch != due:
            raise _out_of_order(where, _EPOCH.format(given=epoch, due=due - 1))
        self._add(Period(public, epoch, at), where)

    def _vouch(self, by: bytes, epoch: int, at: int, act: str, where: str) -> None:
        period = self.periods.get(by)
        dated = period is not None and (period.until is None or at < period.until)
        if by != self.current or not dated:
            raise _out_of_order(where, _SIGNER.format(act=act, key=fingerprint(by)[:16]))
        if epoch != self.epoch:
            raise _out_of_order(where, _EPOCH.format(given=epoch, due=self.epoch))

    def _add(self, period: Period, where: str) -> None:
        if period.key in self.periods:
            raise _out_of_order(where, _AGAIN.format(key=fingerprint(period.key)[:16]))
        if self.current:
            self._end(self.current, period.since, where)
        self.periods[period.key] = period
        self.current = period.key

    def _end(self, public: bytes, moment: int, where: str) -> None:
        """End a key's period, never later than it ended already."""
        period = self.periods.get(public)
        if period is None:
            key = fingerprint(public)[:16]
            known = ", ".join(fingerprint(each)[:16] for each in self.periods)
            raise DataError("key-not-ours", _NOT_OURS.format(where=where, key=key, known=known))
        until = moment if period.until is None else min(moment, period.until)
        self.periods[public] = replace(period, until=until)


def _outside(head: Head, period: Period, where: str) -> Text:
    until = _ON if period.until is None else _UNTIL.format(moment=moment(period.until))
    given: dict[str, object] = {
        "where": where,
        "moment": moment(head.at),
        "key": fingerprint(head.key)[:16],
        "since": moment(period.since),
        "epoch": period.epoch,
    }
    return Text(
        _PERIOD.en.format(until=until.en, **given), _PERIOD.zh.format(until=until.zh, **given)
    )


def _out_of_order(where: str, words: Text) -> DataError:
    text = Text(
        _ORDER.en.format(where=where, words=words.en), _ORDER.zh.format(where=where, words=words.zh)
    )
    return DataError("key-order", text)
