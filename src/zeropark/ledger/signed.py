"""A statement with its signature: canonical JSON that names its kind and the key that signed it.

What is signed is kept as the very text, so that whoever checks it needs no rule for writing JSON.
A head, a statement about keys and a witness's word differ by their `kind`, so that none can pass
for another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zeropark.data.errors import DataError
from zeropark.ledger import canonical
from zeropark.units.text import Text

_SHAPE = Text(
    "{where}: is no signed statement; it needs the text `signed` and its `signature` of 128 "
    "hexadecimal digits",
    "{where}：不是已签名的声明；需要文本 `signed` 和 128 位十六进制的 `signature`",
)
_SIGNATURE = Text(
    "{where}: the signature does not fit the text and the key {key}; one of them was changed",
    "{where}：签名与文本和密钥 {key} 不符；其中之一被改过",
)
_FIELD = Text("{where}: `{name}` is missing or no {kind}", "{where}：缺少 `{name}` 或它不是{kind}")
_KIND = Text(
    "{where}: is a statement of kind '{given}'; '{due}' is needed here",
    "{where}：是“{given}”类声明；此处需要“{due}”",
)
_HASH = Text("hash of 64 hexadecimal digits", "64 位十六进制的哈希")
_NUMBER = Text("whole number from 0", "不小于 0 的整数")
_WORD = Text("text", "文字")
_KEY_BYTES, _SIGNATURE_BYTES, _MOST_DIGITS = 32, 64, 19


def public_bytes(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of a public key, or of a private key's public half."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes_raw()


def fingerprint(public: bytes) -> str:
    """Return SHA-256 of a public key's 32 bytes, 64 hexadecimal digits."""
    assert len(public) == _KEY_BYTES, "an Ed25519 key has 32 bytes"
    return sha256(public).hexdigest()


@dataclass(frozen=True)
class Signed:
    """A statement as it was signed. text: canonical JSON. signature: 64 bytes, Ed25519."""

    text: bytes
    signature: bytes

    @cached_property
    def said(self) -> dict[str, Any]:
        """What the text says, integers as decimal text; trusted only after `check`."""
        value = canonical.loads(self.text)
        return value if isinstance(value, dict) else {}

    def hash(self) -> str:
        """Return SHA-256 of the text, 64 hexadecimal digits."""
        return sha256(self.text).hexdigest()

    def document(self) -> dict[str, str]:
        """Return the statement as it stands in a JSON document."""
        return {"signed": self.text.decode(), "signature": self.signature.hex()}


def sign(said: Mapping[str, object], key: Ed25519PrivateKey) -> Signed:
    """Return the statement signed; the key's public half is written into it as `key`."""
    text = canonical.dumps({**said, "key": public_bytes(key).hex()})
    return Signed(text, key.sign(text))


def read(document: object, where: str) -> Signed:
    """Return the statement in a JSON document, unchecked. where: for the sentence of a `DataError`.

    Raises `DataError` where it is none.
    """
    said = document if isinstance(document, Mapping) else {}
    text, signature = said.get("signed"), said.get("signature")
    misshapen = DataError("statement-shape", _SHAPE.format(where=where))
    if not (isinstance(text, str) and isinstance(signature, str)):
        raise misshapen
    try:
        found = Signed(text.encode(), bytes.fromhex(signature))
    except ValueError as error:
        raise misshapen from error
    if len(found.signature) != _SIGNATURE_BYTES:
        raise misshapen
    return found


def read_text(written: str, where: str) -> Signed:
    """Return the statement in the text of a JSON file, unchecked. Raises `DataError`."""
    try:
        document = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise DataError("statement-shape", _SHAPE.format(where=where)) from error
    return read(document, where)


def check(statement: Signed, kind: str, where: str) -> bytes:
    """Return the public key whose signature a statement of `kind` bears.

    Whether that key may be trusted is not said here. Raises `DataError` where the signature does
    not fit, or the statement is of another kind.
    """
    given = statement.said.get("kind")
    if given != kind:
        raise DataError("statement-kind", _KIND.format(where=where, given=given, due=kind))
    public = hash_of(statement, "key", where)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(statement.signature, statement.text)
    except (InvalidSignature, ValueError) as error:
        text = _SIGNATURE.format(where=where, key=fingerprint(public)[:16])
        raise DataError("statement-signature", text) from error
    return public


def hash_of(statement: Signed, name: str, where: str) -> bytes:
    """Return the 32 bytes a field says in hexadecimal digits. Raises `DataError`."""
    digits = statement.said.get(name)
    try:
        found = bytes.fromhex(digits) if isinstance(digits, str) else b""
    except ValueError:
        found = b""
    if len(found) != _KEY_BYTES:
        raise _field(where, name, _HASH)
    return found


def number_of(statement: Signed, name: str, where: str) -> int:
    """Return the whole number from 0 that a field says. Raises `DataError`."""
    digits = statement.said.get(name)
    plain = isinstance(digits, str) and digits.isascii() and digits.isdecimal()
    if not isinstance(digits, str) or not plain or len(digits) > _MOST_DIGITS:
        raise _field(where, name, _NUMBER)
    return int(digits)


def word_of(statement: Signed, name: str, where: str) -> str:
    """Return the text that a field says. Raises `DataError`."""
    word = statement.said.get(name)
    if not isinstance(word, str):
        raise _field(where, name, _WORD)
    return word


def _field(where: str, name: str, kind: Text) -> DataError:
    text = Text(
        _FIELD.en.format(where=where, name=name, kind=kind.en),
        _FIELD.zh.format(where=where, name=name, kind=kind.zh),
    )
    return DataError("statement-field", text)
