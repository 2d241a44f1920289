"""Every word of a page is there in Chinese, with the same placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.house import repository

CATALOGUES = [path for path in repository.files() if path.suffix == ".po"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sdf]|\{\w*(?::[^}]*)?\}")


def forms(text: str | Iterable[str] | None) -> list[str]:
    """Return a message's forms: one, or singular and plural; one empty form where none is there."""
    return [text or ""] if isinstance(text, str | None) else list(text)


def written() -> set[str]:
    """Return the message ids that the code holds now."""
    with (repository.ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(repository.ROOT / "src/zeropark", methods, options)
    return {forms(message)[0] for _, _, message, _, _ in found}


def catalogue(path: Path) -> Catalog:
    """Read one catalogue."""
    with path.open("rb") as text:
        return read_po(text)


def test_there_is_a_chinese_catalogue() -> None:
    assert {path.parents[1].name for path in CATALOGUES} == {"zh"}


@pytest.mark.parametrize("path", CATALOGUES, ids=repository.name)
def test_a_catalogue_holds_what_the_code_says_and_no_more(path: Path) -> None:
    held = {forms(message.id)[0] for message in catalogue(path) if message.id}
    assert held == written(), "make catalogues brings it up to date"
    assert not catalogue(path).obsolete


@pytest.mark.parametrize("path", CATALOGUES, ids=repository.name)
def test_every_message_is_translated_and_none_is_a_guess(path: Path) -> None:
    messages = [message for message in catalogue(path) if message.id]
    assert not [message.id for message in messages if not all(forms(message.string))]
    assert not [message.id for message in messages if message.fuzzy]


@pytest.mark.parametrize("path", CATALOGUES, ids=repository.name)
def test_both_languages_have_the_same_placeholders(path: Path) -> None:
    for message in catalogue(path):
        known = set(PLACEHOLDER.findall(forms(message.id)[-1])) if message.id else set()
        for said in forms(message.string) if message.id else []:
            assert set(PLACEHOLDER.findall(said)) == known, message.id
