"""What has no measure of how far it is says at least that it is at work."""

from __future__ import annotations

import io
import sys

import pytest

from zeropark.faces.cli.progress import at_work


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_what_is_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with at_work("Reading plants.xlsx"):
        pass
    assert "Reading plants.xlsx" in screen.getvalue()


def test_a_file_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with at_work("Reading plants.xlsx"):
        pass
    assert screen.getvalue() == ""
