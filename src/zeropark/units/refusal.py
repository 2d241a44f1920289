"""How a type or a kind says no: a sentence in both languages, carried by pydantic's own error."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pydantic_core import PydanticCustomError

from zeropark.units.text import Text

CHINESE = "zh"
"""Key of the Chinese template among an error's parameters."""
FIELD = "field"
"""Key of the field an error is about, where a check looks at several fields."""


def refusal(code: str, text: Text, field: str = "", **params: object) -> PydanticCustomError:
    """Return the error a validator raises where a value is refused.

    code: stable name of the mistake. text: the sentence, with placeholders for `params`; the
    Chinese one travels with the error, so that a new kind edits no catalogue. field: the field to
    point at where the check sees the whole object, dotted below it (`profile.mean`,
    `orders.0.due`).
    """
    return PydanticCustomError(
        code, text.en, {**params, CHINESE: text.zh, **({FIELD: field} if field else {})}
    )


def nearest(given: str, allowed: Iterable[str]) -> str | None:
    """Return what of `allowed` looks most like `given`; None where nothing does."""
    by_fold = {name.casefold(): name for name in allowed}
    near = get_close_matches(given.casefold(), by_fold, n=1, cutoff=0.55)
    return by_fold[near[0]] if near else None


def meant(given: str, allowed: Iterable[str]) -> Text:
    """Return `. Did you mean …?` where something allowed looks like `given`, else a full stop."""
    near = nearest(given, allowed)
    if near is None:
        return Text(".", "。")
    return Text(f". Did you mean '{near}'?", f"。是不是“{near}”？")


def with_meant(text: Text, near: Text, **params: object) -> Text:
    """Return `text` with `{meant}` filled from `near` and its other placeholders from `params`."""
    return Text(text.en.format(meant=near.en, **params), text.zh.format(meant=near.zh, **params))
