"""Check a proof of a zeropark ledger. This one file needs Python 3.9 and nothing of zeropark.

    python auditor.py PROOF.json --fingerprint HEX [--kept HEAD.json ...] [--list]

It recomputes the hash of every reading, follows it through its batch to the log and to the signed
head, checks who signed the head and since when that key may sign, and demands that every head you
kept earlier is a beginning of the same log. The first line says whether the store holds what meters
measured (field) or what a simulation made (simulated). It leaves with 0 where all holds, 1 where
something does not, 2 where a file is no proof. Signatures are checked by `cryptography` where that
is installed, else by the Ed25519 of this file (RFC 8032): a few milliseconds each, no less strict.

Sources: RFC 9162 (trees), RFC 8032 (Ed25519), and docs/reference/row-layout.md of zeropark.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import struct
import sys
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NamedTuple

HOLDS, NO, WRONG_INPUT = 0, 1, 2
KIND, VERSION = "zeropark proof", "1"
NATURES = ("field", "simulated")
_HASH_BYTES, _SIGNATURE_BYTES, _MOST_DIGITS = 32, 64, 19

# Layout 1 of a reading: version, quality, source, point, start, length, value, known_at, sequence,
# flags (docs/reference/row-layout.md).
_ROW = struct.Struct("<BBHIqqqqqI")
_ROW_LAYOUT = 1
_HALF_LETTER = re.compile("[\ud800-\udfff]")
_QUALITY = ("", "measured", "estimated", "substituted", "entered", "suspect", "missing")
_MISSING = 6


class Broken(Exception):  # noqa: N818 - what it says is the answer, not an error of this program
    """Something does not hold; says what in both languages. code: how the program leaves."""

    def __init__(self, en: str, zh: str, code: int = NO) -> None:
        super().__init__(en)
        self.en, self.zh, self.code = en, zh, code


class Line(NamedTuple):
    """A sentence of the answer, in both languages."""

    en: str
    zh: str


class Report(NamedTuple):
    """What was found to hold. readings: each as a mapping of plain values."""

    nature: str
    store: str
    size: int
    at: int
    fingerprint: str
    lines: list[Line]
    readings: list[dict[str, Any]]


# Trees [RFC 9162 2.1].


def _leaf(written: bytes) -> bytes:
    return sha256(b"\0" + written).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _root(rows: list[bytes]) -> bytes:
    level = [_leaf(row) for row in rows]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [_node(*pair) for pair in zip(level[::2], level[1::2])] + odd  # noqa: B905 - Python 3.9
    return level[0] if level else sha256(b"").digest()


def _above(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that a path gives [RFC 9162 2.1.3.1, read backwards]."""
    if size == 1 or not path:
        return b"" if path or size > 1 else leaf
    middle, below, beside = 1 << (size - 1).bit_length() - 1, path[:-1], path[-1]
    if index < middle:
        return _node(_above(leaf, index, middle, below), beside)
    return _node(beside, _above(leaf, index - middle, size - middle, below))


def _is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Return whether the leaf is number `index` of `size` under the root."""
    return 0 <= index < size and _above(leaf, index, size, path) == root


def _both(old: int, new: int, known: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Return the old and the new root that a path gives [RFC 9162 2.1.4.1, read backwards].

    known: the old root where the whole old tree is looked at, else nothing.
    """
    if old == new or not path:
        same = known if not path else path[0] if len(path) == 1 and not known else b""
        return (same, same) if old == new else (b"", b"")
    middle, below, beside = 1 << (new - 1).bit_length() - 1, path[:-1], path[-1]
    if old <= middle:
        first, second = _both(old, middle, known, below)
        return first, _node(second, beside)
    first, second = _both(old - middle, new - middle, b"", below)
    return _node(beside, first), _node(beside, second)


def _begins(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """Return whether the log of `new` leaves begins with that of `old`."""
    if old == 0:
        return new >= 0 and not path and old_root == sha256(b"").digest()
    return 0 < old <= new and _both(old, new, old_root, path) == (old_root, new_root)


# Ed25519 [RFC 8032 5.1].
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)


def _point(written: bytes) -> Any:
    """Return the point of 32 bytes as (X, Y, Z, T), None where there is none [RFC 8032 5.1.3]."""
    y = int.from_bytes(written, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _plus(one: Any, two: Any) -> Any:
    """Return the sum of two points [RFC 8032 5.1.4]."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Any) -> Any:
    total = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = _plus(total, point)
        point, factor = _plus(point, point), factor >> 1
    return total


_BASE = _point(bytes([0x58] + [0x66] * 31))


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature of 64 bytes fits the message and the key [RFC 8032 5.1.7]."""
    key, s = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= _ORDER or len(signature) != _SIGNATURE_BYTES:
        return False
    digest = sha512(signature[:32] + public + message).digest()
    factor = int.from_bytes(digest, "little") % _ORDER
    minus = (_P - key[0], key[1], key[2], _P - key[3])
    x, y, z, _ = _plus(_times(s, _BASE), _times(factor, minus))
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return bool((y | (x & 1) << 255).to_bytes(32, "little") == signature[:32])


def _verify(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - may be absent
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError:
        return ed25519_verify(public, message, signature)
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Reading a document.


def _no_proof(where: str, what: str) -> Broken:
    return Broken(
        f"{where}: {what} is missing or of the wrong kind; this is no proof of this version",
        f"{where}：缺少 {what} 或其类型不对；不是此版本的证明",
        WRONG_INPUT,
    )


def _get(document: Any, name: str, kind: Any, where: str) -> Any:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, kind) or (kind is str and _HALF_LETTER.search(value)):
        raise _no_proof(where, name)
    return value


def _number(document: Any, name: str, where: str) -> int:
    digits = _get(document, name, str, where)
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _MOST_DIGITS:
        raise _no_proof(where, name)
    return int(digits)


def _bytes(digits: Any, size: int | None, name: str, where: str) -> bytes:
    try:
        found = bytes.fromhex(digits)
    except (ValueError, TypeError):
        raise _no_proof(where, name) from None
    if size is not None and len(found) != size:
        raise _no_proof(where, name)
    return found


def _hash(document: Any, name: str, where: str) -> bytes:
    return _bytes(_get(document, name, str, where), _HASH_BYTES, name, where)


def _path(document: Any, where: str) -> list[bytes]:
    return [
        _bytes(each, _HASH_BYTES, "path", where) for each in _get(document, "path", list, where)
    ]


def _object(text: str, where: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # A key said twice would be read differently by different readers.
        if len({key for key, _ in pairs}) != len(pairs):
            raise _no_proof(where, "JSON")
        return dict(pairs)

    try:
        said = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise _no_proof(where, "JSON") from None
    if not isinstance(said, dict):
        raise _no_proof(where, "JSON")
    return said


def _moment(at: int) -> str:
    start = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)  # noqa: UP017 - Python 3.9
    try:
        return (start + dt.timedelta(milliseconds=at)).isoformat(timespec="seconds")
    except OverflowError:
        return f"{at} ms"


# Heads and keys.


class _Head(NamedTuple):
    store: str
    nature: str
    epoch: int
    size: int
    root: bytes
    at: int
    key: bytes


class _Key(NamedTuple):
    epoch: int
    since: int
    until: int | None
    vouched_by: bytes | None


def _signed(document: Any, kind: str, where: str) -> tuple[dict[str, Any], bytes]:
    """Return what a signed statement says and the key that signed it; the signature fits."""
    text = _get(document, "signed", str, where)
    signature = _bytes(
        _get(document, "signature", str, where), _SIGNATURE_BYTES, "signature", where
    )
    said = _object(text, where)
    if said.get("kind") != kind:
        raise _no_proof(where, f"kind '{kind}'")
    key = _hash(said, "key", where)
    if not _verify(key, text.encode(), signature):
        raise Broken(
            f"{where}: the signature does not fit the text; one of them was changed",
            f"{where}：签名与文本不符；其中之一被改过",
        )
    return said, key


def _head(document: Any, where: str) -> _Head:
    said, key = _signed(document, "head", where)
    nature = _get(said, "nature", str, where)
    if nature not in NATURES:
        raise _no_proof(where, "nature")
    return _Head(
        _get(said, "store", str, where),
        nature,
        _number(said, "epoch", where),
        _number(said, "size", where),
        _hash(said, "root", where),
        _number(said, "at", where),
        key,
    )


def _keys(statements: list[Any]) -> dict[bytes, _Key]:
    """Return when each key may sign, by the signed statements about them, in order."""
    keys: dict[bytes, _Key] = {}
    current, before = b"", 0
    for number, document in enumerate(statements):
        where = f"keys[{number}]"
        said, by = _signed(document, "key", where)
        act, public = _get(said, "act", str, where), _hash(said, "public", where)
        epoch, at = _number(said, "epoch", where), _number(said, "at", where)
        now = keys.get(current)
        in_office = now is not None and by == current and (now.until is None or at < now.until)
        fresh = public not in keys and at >= before
        if act == "revoke" and in_office and public in keys:
            keys[public] = _ended(keys[public], _number(said, "since", where))
            continue
        starts = act == "new" and now is None and epoch == 1 and by == public
        renews = act == "epoch" and now is not None and epoch == now.epoch + 1 and by == public
        hands_on = act == "rotate" and in_office and now is not None and epoch == now.epoch
        if not fresh or not (starts or renews or hands_on):
            en = f"{where}: '{act}' does not follow from the statements before it"
            raise Broken(en, f"{where}：“{act}”与前面的声明不连")
        if now is not None:
            keys[current] = _ended(now, at)
        keys[public] = _Key(epoch, at, None, by if hands_on else None)
        current, before = public, at
    return keys


def _ended(key: _Key, at: int) -> _Key:
    return key._replace(until=at if key.until is None else min(at, key.until))


def _check_signer(head: _Head, keys: dict[bytes, _Key], where: str) -> None:
    key = keys.get(head.key)
    if key is None:
        en = f"{where}: signed with a key that is none of this log's"
        raise Broken(en, f"{where}：签名密钥不属于此日志")
    late = key.until is not None and head.at >= key.until
    if head.epoch != key.epoch or head.at < key.since or late:
        since, until = _moment(key.since), _moment(key.until) if key.until is not None else "-"
        raise Broken(
            f"{where}: signed on {_moment(head.at)}; its key may sign from {since} until {until}",
            f"{where}：签于 {_moment(head.at)}；其密钥可签的时间自 {since} 至 {until}",
        )


def _is_vouched(key: bytes, keys: dict[bytes, _Key], fingerprint: str) -> bool:
    """Return whether the trusted key is this one or handed on to it, without a new epoch."""
    at: bytes | None = key
    while at is not None:
        if sha256(at).hexdigest() == fingerprint:
            return True
        at = keys[at].vouched_by
    return False


# The proof.


def audit(document: Any, fingerprint: str | None, kept: list[tuple[str, Any]]) -> Report:
    """Return what a proof shows. Raises `Broken` at the first thing that does not hold.

    fingerprint: SHA-256 of the public key you were given by another way, 64 hexadecimal digits.
    kept: heads you kept earlier, as (where, document).
    """
    if _get(document, "kind", str, "proof") != KIND or document.get("version") != VERSION:
        raise _no_proof("proof", f"kind '{KIND}', version {VERSION}")
    head = _head(document.get("head"), "head")
    keys = _keys(_get(document, "keys", list, "proof"))
    _check_signer(head, keys, "head")
    signer, trusted = sha256(head.key).hexdigest(), "".join((fingerprint or "").lower().split(":"))
    if fingerprint is not None and not _is_vouched(head.key, keys, trusted):
        raise Broken(
            f"head: the key {signer} is neither the one you trust nor was it handed on by it; "
            "where the key was lost, ask for the new fingerprint by another way",
            f"签名头：密钥 {signer} 不是你信任的，也不由它移交；若密钥已丢失，另行索取新指纹",
        )
    _check_birth(document, head)
    readings: list[dict[str, Any]] = []
    items = _get(document, "items", list, "proof")
    for number, item in enumerate(items):
        readings += _item(item, head, f"items[{number}]")
    lines = _first_lines(head, keys, fingerprint)
    earlier = [
        _earlier(each, head, keys, f"earlier[{number}]")
        for number, each in enumerate(_get(document, "earlier", list, "proof"))
    ]
    lines += [_kept(where, each, head, keys, earlier) for where, each in kept]
    en = f"{len(items)} leaves and {len(readings)} readings lie in the log under this head"
    lines.append(Line(en, f"{len(items)} 个叶、{len(readings)} 条读数在此签名头的日志中"))
    return Report(head.nature, head.store, head.size, head.at, signer, lines, readings)


_WHAT = {
    "field": Line("FIELD: what meters measured", "现场：仪表所测"),
    "simulated": Line(
        "SIMULATED: made by a simulation; nothing here may be claimed",
        "仿真：由仿真生成；不得据此声明",
    ),
}
_UNVOUCHED = Line(
    "nobody has vouched for this key: compare its fingerprint with the one you were given by "
    "another way (--fingerprint)",
    "此密钥无人担保：与另行收到的指纹核对（--fingerprint）",
)


def _first_lines(head: _Head, keys: dict[bytes, _Key], fingerprint: str | None) -> list[Line]:
    what, moment, signer = _WHAT[head.nature], _moment(head.at), sha256(head.key).hexdigest()
    lines = [
        Line(f"{what.en}; store {head.store}", f"{what.zh}；账本 {head.store}"),
        Line(f"head of {head.size} leaves, {moment}", f"签名头含 {head.size} 个叶，{moment}"),
        Line(f"signed by {signer}", f"签名密钥 {signer}"),
    ]
    for key, period in keys.items():
        if period.epoch > 1 and period.vouched_by is None:
            since, new, epoch = _moment(period.since), sha256(key).hexdigest(), period.epoch
            en = f"the key before was lost: a new epoch {epoch} began on {since} with {new}"
            lines.append(Line(en, f"先前的密钥已丢失：{since} 起为第 {epoch} 纪元，密钥 {new}"))
    return lines if fingerprint else [*lines, _UNVOUCHED]


def _check_birth(document: Any, head: _Head) -> None:
    """The first leaf of the log says which store it is and of which nature."""
    birth = _get(document, "birth", dict, "proof")
    text = _get(birth, "leaf", str, "birth")
    said = _object(text, "birth")
    if not _is_included(_leaf(text.encode()), 0, head.size, _path(birth, "birth"), head.root):
        raise _not_included("birth")
    store, nature = said.get("store"), said.get("nature")
    if (said.get("kind"), store, nature) != ("store", head.store, head.nature):
        raise Broken(
            f"birth: the log began as {store} ({nature}); the head: {head.store} ({head.nature})",
            f"birth：日志始于 {store}（{nature}），签名头却说 {head.store}（{head.nature}）",
        )


def _not_included(where: str) -> Broken:
    return Broken(
        f"{where}: does not lie in the log under this head; it was changed, or never stood there",
        f"{where}：不在此签名头的日志中；被改过，或从未在其中",
    )


def _item(item: Any, head: _Head, where: str) -> list[dict[str, Any]]:
    """Check a leaf and the readings under it; return the readings."""
    text, index = _get(item, "leaf", str, where), _number(item, "index", where)
    if not _is_included(_leaf(text.encode()), index, head.size, _path(item, where), head.root):
        raise _not_included(where)
    said = _object(text, where)
    if "batch" not in item and "rows" not in item:
        return []
    if said.get("kind") != "readings" or said.get("layout") != str(_ROW_LAYOUT):
        raise _no_proof(where, f"kind 'readings', layout {_ROW_LAYOUT}")
    count, root = _number(said, "count", where), _hash(said, "root", where)
    if "batch" in item:
        written = _bytes(item["batch"], None, "batch", where)
        rows = [written[at : at + _ROW.size] for at in range(0, len(written), _ROW.size)]
        if len(rows) != count or _root(rows) != root:
            raise Broken(
                f"{where}: the batch's rows are not those under its root; one was changed, added "
                "or left out",
                f"{where}：该批的行与其根不符；有行被改、增或删",
            )
        return [_reading(row, f"{where}.batch[{i}]") for i, row in enumerate(rows)]
    found = []
    for number, each in enumerate(_get(item, "rows", list, where)):
        place = f"{where}.rows[{number}]"
        row = _bytes(_get(each, "row", str, place), _ROW.size, "row", place)
        at = _number(each, "index", place)
        if not _is_included(_leaf(row), at, count, _path(each, place), root):
            en = f"{place}: this reading does not lie in its batch; it was changed"
            raise Broken(en, f"{place}：此读数不在其批中；被改过")
        found.append(_reading(row, place))
    return found


_FIELDS = (
    *("version", "quality", "source", "point", "start_ms", "length_ms", "value", "known_at_ms"),
    *("sequence", "flags"),
)


def _reading(row: bytes, where: str) -> dict[str, Any]:
    said = dict(zip(_FIELDS, _ROW.unpack(row)))  # noqa: B905 - Python 3.9
    quality = said["quality"]
    if said.pop("version") != _ROW_LAYOUT or not 0 < quality < len(_QUALITY):
        raise _no_proof(where, f"layout {_ROW_LAYOUT}")
    value = None if quality == _MISSING else said["value"]
    return {
        **said,
        "start": _moment(said["start_ms"]),
        "quality": _QUALITY[quality],
        "value": value,
    }


def _earlier(document: Any, head: _Head, keys: dict[bytes, _Key], where: str) -> _Head:
    """Check that the log of an earlier head is a beginning of this one; return that head."""
    old = _head(_get(document, "head", dict, where), where)
    _check_signer(old, keys, where)
    _same_log(old, head, _path(document, where), where)
    return old


def _same_log(old: _Head, head: _Head, path: list[bytes], where: str) -> None:
    if (old.store, old.nature) != (head.store, head.nature):
        en = f"{where}: is a head of the store {old.store} ({old.nature})"
        raise Broken(en, f"{where}：是账本 {old.store}（{old.nature}）的签名头")
    if old.size > head.size or not _begins(old.size, head.size, old.root, head.root, path):
        raise Broken(
            f"{where}: the log does not begin with the {old.size} leaves signed on "
            f"{_moment(old.at)}: the past was rewritten",
            f"{where}：日志不以 {_moment(old.at)} 所签的 {old.size} 个叶开头：过去被改写",
        )


def _kept(
    where: str, document: Any, head: _Head, keys: dict[bytes, _Key], earlier: list[_Head]
) -> Line:
    """Hold a head that was kept against the proof; return what holds."""
    old = _head(document, where)
    _check_signer(old, keys, where)
    proven = [each for each in [*earlier, head] if each.size == old.size]
    if old.size > head.size:
        raise Broken(
            f"{where}: the head you kept signs {old.size} leaves, this one {head.size}: leaves "
            "were lost, or you kept a later head",
            f"{where}：保存的签名头有 {old.size} 个叶，此处 {head.size}：叶已丢失，或保存的较新",
        )
    if old.size and not proven:
        raise Broken(
            f"{where}: the proof holds no consistency with it; ask for one from size {old.size}",
            f"{where}：证明中没有与它的一致性；索取自 {old.size} 起的一致性证明",
        )
    for each in proven:
        _same_log(old, each, [], where)
    return Line(
        f"{where}: the log still begins with the {old.size} leaves of {_moment(old.at)}",
        f"{where}：日志仍以 {_moment(old.at)} 的 {old.size} 个叶开头",
    )


# The program.


def _read(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        en, zh = f"{path}: cannot be read as JSON ({error})", f"{path}：无法读作 JSON（{error}）"
        raise Broken(en, zh, WRONG_INPUT) from None


def main(arguments: list[str]) -> int:
    """Check the proof named on the command line; return the code to leave with."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    ask.add_argument("proof", help="the proof, a JSON file")
    ask.add_argument("--fingerprint", help="of the key you trust, given to you by another way")
    ask.add_argument("--kept", action="append", default=[], help="a head you kept earlier")
    ask.add_argument("--list", action="store_true", help="print every leaf and reading")
    given = ask.parse_args(arguments)
    zh = os.environ.get("ZEROPARK_LANG", os.environ.get("LANG", "")).startswith("zh")
    try:
        kept = [(path, _read(path)) for path in given.kept]
        document = _read(given.proof)
        found = audit(document, given.fingerprint, kept)
    except Broken as broken:
        print(broken.zh if zh else broken.en, file=sys.stderr)  # noqa: T201 - its answer
        return broken.code
    for line in found.lines:
        print(line.zh if zh else line.en)  # noqa: T201 - its answer
    if given.list:
        leaves = [item["leaf"] for item in document["items"]]
        print("\n".join([*leaves, *map(json.dumps, found.readings)]))  # noqa: T201 - its answer
    return HOLDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
