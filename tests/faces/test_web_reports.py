"""Reports and carbon over an earlier run in the ledger: page, sheet, paper, and what is refused."""

from __future__ import annotations

import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook
from starlette.testclient import TestClient

from tests.faces.test_web import WORDS
from tests.operate.living import ROOT, Lived, lived
from zeropark.assets import kinds
from zeropark.data.errors import DataError
from zeropark.faces.report.shown import amount
from zeropark.faces.web import paper
from zeropark.faces.web.app import application
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.pages.reports.bars import bars
from zeropark.faces.web.people import People
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.reported import Report
from zeropark.operate.run import execute

DAYS = 40


class Desk:
    """A room over a store that holds an earlier run of forty days, and who asks there."""

    def __init__(self, folder: Path, now: Lived) -> None:
        source = ROOT / "parks/microgrid/park.yaml"
        request = RunRequest(
            read_park(source, kinds()), source.parent, "2026-02-20", days=DAYS, step_minutes=60,
            policy="rules", compare=False,
        )  # fmt: skip
        self.found: dict[str, Any] = execute(request, folder, lambda *_: None, now.store)
        self.run = str(self.found["ledger_run"])
        self.people = People(folder / "people.db")
        self.people.add("auditor", WORDS, "auditor", "test")
        self.people.add("firm", WORDS, "party", "test", "grid", ("park", "grid"))
        self.secrets = {}
        for name in ("auditor", "firm"):
            entered = self.people.sign_in(name, WORDS, "test")
            assert entered is not None
            self.secrets[name] = entered[0]
        self.client = TestClient(application(now.living, self.people), follow_redirects=False)

    def ask(self, address: str, name: str = "auditor") -> tuple[int, bytes]:
        """Return (status, body) of an address, in English."""
        self.client.cookies.clear()
        cookie = f"{COOKIE}={self.secrets[name]}; lang=en"
        answer = self.client.get(address, headers={"Cookie": cookie})
        return answer.status_code, answer.content

    def page(self, address: str, name: str = "auditor") -> str:
        """Return a page as text."""
        return unescape(self.ask(address, name)[1].decode())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with lived() as now:
        found = Desk(tmp_path_factory.mktemp("reports"), now)
        with found.client:
            yield found
        found.people.close()


def test_a_run_of_the_ledger_is_reported_beyond_the_present_life(desk: Desk) -> None:
    text = desk.page(f"/reports?of={desk.run}")
    assert "40 d from 2026-02-20, by rules" in text
    # Forty days are shown by the day unless something else is asked for.
    assert '<option value="day" selected>' in text
    assert "2026-02-20 → 2026-03-31" in text
    total = re.search(r'<p class="big"><span class="n">([\d,.]+)</span>', text)
    assert total is not None
    assert total[1] == f"{desk.found['served_mwh']:,.0f}"
    assert text.count('<th scope="row">') == DAYS
    months = desk.page(f"/reports?of={desk.run}&by=month")
    assert months.count('<span class="chip">not whole</span>') == 1, "March is whole"


def test_more_rows_than_a_month_of_hours_are_in_the_sheet_only(desk: Desk) -> None:
    text = desk.page(f"/reports?of={desk.run}&by=hour")
    assert text.count('<th scope="row">') == 744
    assert "the newest 744; Excel holds all" in text
    status, content = desk.ask(f"/reports/sheet?of={desk.run}&by=hour")
    assert status == 200
    page = load_workbook(BytesIO(content)).active
    assert page is not None
    rows = list(page.values)
    assert rows[2] == ("hour", "used_mwh", "complete")
    assert len(rows) == 3 + DAYS * 24
    assert rows[1][2] == "40 d from 2026-02-20, by rules"
    numbers = [float(row[1]) for row in rows[3:]]
    assert sum(numbers) == pytest.approx(desk.found["served_mwh"], abs=1e-5)


def test_carbon_over_many_days_is_a_map_of_hours_down_and_days_across(desk: Desk) -> None:
    text = desk.page(f"/carbon?of={desk.run}")
    assert 'viewBox="0 0 1000 336"' in text
    assert len(re.findall(r"M[\d.]+ \d+h", text)) == DAYS * 24
    assert f"/audit?point=tie/node@{desk.run}" in text
    assert "holds" in desk.page(f"/audit?point=tie/node@{desk.run}")
    short = desk.page("/carbon")
    # Thirty hours of the present life are two rows.
    assert 'viewBox="0 0 24 2"' in short


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("of=nosuchrun", "'nosuchrun' is no earlier run of this park in the ledger"),
        ("by=dya", "'dya' is no step of a report. Did you mean 'day'?"),
        ("of=../../etc", "'../../etc' is no earlier run"),
    ],
)
def test_an_unknown_period_or_step_is_a_sentence(desk: Desk, query: str, said: str) -> None:
    status, content = desk.ask(f"/reports?{query}")
    assert status == 404
    assert said in unescape(content.decode())


def test_the_ledger_keeps_no_cost_of_a_step_and_the_page_says_so(desk: Desk) -> None:
    text = desk.page(f"/reports?of={desk.run}&measure=cost")
    assert "The ledger keeps no cost of each step" in text


def test_a_party_sees_no_more_of_an_earlier_run(desk: Desk) -> None:
    for address in ("/reports", "/carbon", "/reports/sheet"):
        status, _ = desk.ask(f"{address}?of={desk.run}&subject=party:park&party=park", "firm")
        assert status == 404


# -- the plot --------------------------------------------------------------------------------------


def test_bars_stand_on_zero_and_what_is_absent_is_hatched() -> None:
    hours = np.arange("2026-04-16T00", "2026-04-16T04", dtype="datetime64[h]")
    values = np.array([2.0, np.nan, 0.0, -1.0])
    drawn = bars(Report(hours, values, [True] * 4, None, "MWh"), "hour", amount("MWh", 2.0), "en")
    # The scale goes from -1 to 2 over 100: zero lies two thirds down; a bar takes 0.8 of its 250.
    assert drawn.path == "M0.0 66.7V0.0h200.00V66.7zM750.0 66.7V100.0h200.00V66.7z"
    assert drawn.gone == "M250.0 0h250.00V100h-250.00z"
    assert [words for _, words in drawn.rows] == ["2.00", "0.00", "−1.00"]
    assert drawn.times == tuple((25.0 * hour, f"04-16 0{hour}:00") for hour in range(4))


# -- paper -----------------------------------------------------------------------------------------


def test_without_chromium_the_page_says_how_to_print(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "browser", lambda: None)
    text = desk.page("/reports")
    assert "Print, then choose to save as PDF" in text
    assert "/reports/paper" not in text
    status, content = desk.ask("/reports/paper")
    assert status == 404
    assert "No Chromium is installed here" in unescape(content.decode())


def test_a_browser_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "browser", lambda: shutil.which("false"))
    with pytest.raises(DataError, match="Chromium made no PDF"):
        paper.pdf("<p>x</p>")


def test_paper_carries_its_letters_and_asks_for_nothing(desk: Desk) -> None:
    style = desk.client.app.state.room.files.style  # type: ignore[attr-defined]
    assert 'url("inter' not in style
    assert style.count("data:font/woff2;base64,") == 2
    assert "http" not in style


@pytest.mark.browser
def test_a_report_becomes_a_pdf_of_its_own(desk: Desk) -> None:
    status, content = desk.ask(f"/reports/paper?of={desk.run}&by=month")
    assert status == 200
    assert content.startswith(b"%PDF-")
    assert len(content) < 600_000


@pytest.mark.browser
def test_what_is_put_on_paper_reaches_no_address() -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    made = paper.pdf(f'<img src="{url}/picture"><link rel="stylesheet" href="{url}/style">')
    server.shutdown()
    server.server_close()
    assert made.startswith(b"%PDF-")
    assert asked == []
