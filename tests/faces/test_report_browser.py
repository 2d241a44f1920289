"""The report in a browser without any network: no error, no request, whole in both languages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.faces.report_fixture import make
from zeropark.faces.report import write_report

pytestmark = pytest.mark.browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Opened:
    """A page, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "make browser installs Debian's chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["day", "year"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    made = make(heat=True) if request.param == "day" else make(start="2026-01-01", days=365)
    made.series["plan"]["roof/p_mw"][40:44] = float("nan")
    return write_report(made.run, made.write(folder), folder)


def opened(browser: Browser, address: str, width: int = 1280, locale: str = "en-GB") -> Opened:
    """Open an address offline."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, offline=True, locale=locale
    )
    found = Opened(context.new_page())
    found.page.on("console", lambda said: found.complaints.append(said.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda asked: found.requests.append(asked.url[:60]))
    found.page.goto(address)
    found.page.wait_for_selector(".chart svg, .chart canvas")
    return found


def asked(found: Opened) -> list[str]:
    """Return the requests that are not the file itself or what it carries."""
    return [url for url in found.requests if not url.startswith(("file:", "data:", "blob:"))]


def test_it_opens_offline_without_a_complaint_or_a_request(browser: Browser, report: Path) -> None:
    found = opened(browser, report.as_uri())
    places = found.page.locator("[data-chart]")
    assert places.count() >= 4
    for index in range(places.count()):
        assert places.nth(index).locator("svg path, canvas").count() >= 1
    assert found.complaints == []
    assert asked(found) == []
    found.page.context.close()


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-CN", "zh"), ("en-GB", "en"), ("fr-FR", "en")]
)
def test_it_speaks_the_readers_language(
    browser: Browser, report: Path, locale: str, language: str
) -> None:
    found = opened(browser, report.as_uri(), locale=locale)
    assert found.page.locator("html").get_attribute("lang") == language
    found.page.context.close()


def test_the_switch_changes_words_and_charts(browser: Browser, report: Path) -> None:
    found = opened(browser, f"{report.as_uri()}?lang=zh")
    page = found.page
    assert page.locator("h1").inner_text().startswith("与简单规则相比")
    assert page.locator("#supply-0 svg").get_by_text("用量，计划").count() == 1
    page.get_by_role("button", name="EN", exact=True).click()
    assert page.locator("h1").inner_text().startswith("Against simple rules")
    assert page.locator("#supply-0 svg").get_by_text("Used, plan").count() == 1
    assert not re.search("[\u4e00-\u9fff]", page.locator("main").inner_text())
    assert found.complaints == []
    page.context.close()


def test_light_and_dark_are_a_choice(browser: Browser, report: Path) -> None:
    found = opened(browser, f"{report.as_uri()}#theme=dark")
    page = found.page
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 24, 29)"
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert found.complaints == []
    page.context.close()


def test_every_chart_is_also_a_table(browser: Browser, report: Path) -> None:
    found = opened(browser, report.as_uri())
    page = found.page
    for button in page.locator("[data-toggle]").all():
        name = button.get_attribute("data-toggle")
        button.click()
        rows = page.locator(f"[data-table='{name}'] tbody tr")
        assert rows.count() == page.evaluate(
            "JSON.parse(document.getElementById('report-data').textContent).charts.clock.length - 1"
        )
        button.click()
        assert page.locator(f"[data-table='{name}']").is_hidden()
    assert found.complaints == []
    page.context.close()


def test_a_reading_that_is_absent_is_hatched_not_zero(browser: Browser, report: Path) -> None:
    found = opened(browser, report.as_uri())
    page = found.page
    page.locator("[data-toggle='supply-0']").click()
    said = page.locator("[data-table='supply-0']").get_by_text("no reading")
    assert said.count() >= 2
    page.context.close()


def test_a_phone_needs_no_sideways_scroll(browser: Browser, report: Path) -> None:
    found = opened(browser, report.as_uri(), width=390)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert found.complaints == []
    found.page.context.close()


def test_it_prints_in_light_on_a4_and_the_screen_comes_back(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    found = opened(browser, f"{report.as_uri()}#theme=dark")
    page = found.page
    paper = tmp_path / "report.pdf"
    page.pdf(path=paper, prefer_css_page_size=True, print_background=True)
    text = paper.read_bytes()
    assert re.findall(rb"/MediaBox \[0 0 (59\d)\S* (84\d)", text)
    assert 2 <= len(re.findall(rb"/Type /Page\b", text)) <= 6
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert found.complaints == []
    page.context.close()
