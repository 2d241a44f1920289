"""What is wrong with data, or worth knowing about it, in words a person can act on."""

from __future__ import annotations

from dataclasses import dataclass

from zeropark.units.text import Text


class DataError(Exception):
    """The data cannot be used as it stands; the owner of the file can mend it.

    key: stable name of the mistake. text: where, what, what is allowed, in both languages.
    """

    def __init__(self, key: str, text: Text) -> None:
        super().__init__(text.en)
        self.key = key
        self.text = text


@dataclass(frozen=True)
class Finding:
    """Something a reader noticed and dealt with, or that its user should look at.

    key: stable name. text: what was found and what was done about it.
    """

    key: str
    text: Text
