"""The page of commands is what the commands say."""

from __future__ import annotations

from pathlib import Path

from zeropark.faces.cli.reference import commands_page

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == commands_page(), (
        "python -m zeropark.faces.cli.reference > docs/reference/cli.md brings it up to date"
    )


def test_the_page_says_everything_in_chinese_too() -> None:
    rows = [line.split(" | ") for line in commands_page().splitlines() if line.startswith("| `")]
    assert rows
    assert not [row for row in rows if row[1] == row[2]]
