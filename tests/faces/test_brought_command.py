"""`zeropark brought` and `zeropark command calls` as a person reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operate.called_park import CalledPark
from zeropark.faces.cli.calls_screen import call_lines
from zeropark.faces.cli.door import answer


def test_calls_are_lines_that_say_called_delivered_and_earned(tmp_path: Path) -> None:
    park = CalledPark(tmp_path / "store", hour=10.0)
    park.start()
    assert call_lines(park.service.called())[0] == "No calls yet."
    park.live(3)
    park.call(product="peak_cutting", power=0.2, after=0.5, hours=0.5, price=1_000.0)
    park.live(2)
    text = "\n".join(call_lines(park.service.called()))
    assert "Peak cutting: 0.200 MW less for 0.5 h from 2026-04-17T02:45+00:00" in text
    assert "in the plan; import at most" in text
    park.live(80)
    text = "\n".join(call_lines(park.service.called()))
    assert "0.100 MWh asked" in text
    assert "shared (" in text
    assert "1 of 1 delivered in full; the next one at 67%" in text
    park.store.close()


def test_what_cannot_be_told_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["brought", "--store", str(tmp_path)]) == 2
    assert answer(["brought", "--store", str(tmp_path), "--day", "soon"]) == 2
    assert "not a date" in capsys.readouterr().err
