"""Canonical JSON: one value, one row of bytes, in every language and on every machine.

RFC 8785 with integers as decimal strings, since JSON's numbers are doubles in many readers and
lose whole numbers above 2^53. A leaf therefore holds text, true, false, null, lists and objects;
a float is refused: what is counted is an integer of the smallest unit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from zeropark.data.errors import DataError
from zeropark.units.text import Text

_FLOAT = Text(
    "{where}: {given} is no whole number; write an integer of the smallest unit (Wh, m°C, fen)",
    "{where}：{given} 不是整数；写最小单位（Wh、m°C、分）的整数",
)
_KIND = Text(
    "{where}: a {given} cannot be written; allowed: text, integers, true, false, null, lists, "
    "objects with text keys",
    "{where}：无法写 {given}；可用：文字、整数、true、false、null、列表、键为文字的对象",
)
_LETTER = Text(
    "{where}: holds half a letter (a lone surrogate); write whole Unicode text",
    "{where}：含半个字符（孤立代理项）；写完整的 Unicode 文字",
)
_NOT_CANONICAL = Text(
    "byte {at}: these bytes are no canonical JSON ({reason}); a leaf is written by zeropark and "
    "never by hand",
    "第 {at} 字节：不是规范 JSON（{reason}）；叶由 zeropark 写，不可手写",
)
_TOP = "leaf"


def dumps(value: object) -> bytes:
    """Return the canonical bytes of a value [RFC 8785], integers as decimal strings.

    value: text, int, bool, None, and lists, tuples and mappings of these. Raises `DataError` that
    names the place of anything else.
    """
    plain = _plain(value, _TOP)
    try:
        return rfc8785.dumps(plain)
    except rfc8785.CanonicalizationError as error:
        raise DataError("leaf-letter", _LETTER.format(where=_TOP)) from error


def loads(written: bytes) -> Any:
    """Return what canonical bytes say; integers come back as the decimal strings they are.

    Raises `DataError` where the bytes are not the canonical ones of their value.
    """
    try:
        value = json.loads(written)
        again = dumps(value)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", getattr(error, "start", 0))
        raise _refused(at, str(getattr(error, "msg", "no JSON"))) from error
    if again != written:
        pairs = enumerate(zip(again, written, strict=False))
        at = next((i for i, (a, b) in pairs if a != b), min(len(again), len(written)))
        raise _refused(at, "another spelling")
    return value


def _refused(at: int, reason: str) -> DataError:
    return DataError("leaf-not-canonical", _NOT_CANONICAL.format(at=at, reason=reason))


def _plain(value: object, where: str) -> Any:
    """Return `value` with integers as text; the common kinds first, since every leaf comes by."""
    if isinstance(value, str) or value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                text = _KIND.format(where=where, given=f"key of type {type(key).__name__}")
                raise DataError("leaf-kind", text)
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float):
        raise DataError("leaf-float", _FLOAT.format(where=where, given=value))
    raise DataError("leaf-kind", _KIND.format(where=where, given=type(value).__name__))
