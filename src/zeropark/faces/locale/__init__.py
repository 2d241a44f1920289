"""The words of the product in the languages it speaks: English in the code, Chinese in a catalogue.

A thing's own name (`Text`) stays with the thing; here are only the words of pages and commands.
"""

from __future__ import annotations

import gettext as _gettext
import os
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path

LANGUAGES = ("en", "zh")
DOMAIN = "messages"
FOLDER = Path(__file__).parent
# In this order a shell says which language it wants; ZEROPARK_LANG is ours and wins.
_VARIABLES = ("ZEROPARK_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def N_(message: str) -> str:  # noqa: N802 - the name by which the extractor knows a marked text
    """Return `message` as it is; marks a text that is translated where it is shown."""
    return message


def language(environment: Mapping[str, str] | None = None) -> str:
    """Return "zh" where the environment asks for Chinese, otherwise "en".

    environment: variables to read; those of the process where absent. The first of ZEROPARK_LANG,
    LC_ALL, LC_MESSAGES and LANG that is set decides.
    """
    variables = os.environ if environment is None else environment
    said = next((variables[name] for name in _VARIABLES if variables.get(name)), "en")
    return "zh" if said.lower().startswith("zh") else "en"


def gettext(message: str) -> str:
    """Return `message` in the language of the environment; English where there is no word."""
    return catalogue(language()).gettext(message)


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(name: str) -> _gettext.NullTranslations:
    """Return the catalogue of a language; English is the code's own and has none."""
    source = FOLDER / name / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.exists():
        return _gettext.NullTranslations()
    compiled = source.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
        with compiled.open("rb") as file:
            return _gettext.GNUTranslations(file)
    return _compiled_now(source)


def _compiled_now(source: Path) -> _gettext.GNUTranslations:
    """Read a `.po` whose `.mo` is missing or older: a checkout between two set-ups."""
    # Babel takes 0.1 s to import; with a compiled catalogue nobody waits for it.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    binary = BytesIO()
    with source.open("rb") as file:
        write_mo(binary, read_po(file))
    binary.seek(0)
    return _gettext.GNUTranslations(binary)
