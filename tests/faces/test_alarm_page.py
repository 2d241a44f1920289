"""The page of alarms says what the rows say."""

from __future__ import annotations

from pathlib import Path

from zeropark.faces.cli.alarm_page import alarms_page

PAGE = Path(__file__).parents[2] / "docs/reference/alarms.md"


def test_the_page_of_alarms_is_what_the_rows_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == alarms_page()
