"""A text a person reads, in both languages."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """The same words in English and Chinese.

    A thing's own name stays with the thing, so that adding a kind edits no catalogue.
    """

    en: str
    zh: str

    def format(self, **values: object) -> Text:
        """Return the text with its placeholders filled in both languages."""
        return Text(self.en.format(**values), self.zh.format(**values))

    def in_language(self, language: str) -> str:
        """Return the words in `language` ("zh", otherwise English)."""
        return self.zh if language == "zh" else self.en
