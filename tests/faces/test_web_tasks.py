"""What people come to do, done in a browser by mouse and by keyboard over a store with a past."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.faces.test_web_browser import DISPATCHER, NAME, WORDS, Server, browser
from zeropark.faces.web.people import People

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.browser
PATIENCE_MS = 60_000
COLLEAGUE, FIRM, HEAD, AUDITOR = "colleague", "firm", "head", "auditor"
ROLES = {
    DISPATCHER: "dispatcher", COLLEAGUE: "specialist", FIRM: "party", HEAD: "leadership",
    AUDITOR: "auditor",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A control room over a store in which a March of the park lies."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Server(tmp_path_factory.mktemp("tasks"), port)
    words = (
        "run microgrid --start 2026-03-01 --days 31 --step 60min --policy rules --no-compare --json"
    )
    subprocess.run(
        [
            str(Path(sys.executable).with_name("zeropark")), *words.split(),
            "--store", str(found.folder / "store"), "--out", str(found.folder / "march"),
        ],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    found.start()
    people = People(found.folder / "store-people.db")
    for name, role in ROLES.items():
        people.add(name, WORDS, role, "test", "park" if role == "party" else None, ("park",))
    people.close()
    yield found
    assert found.end() == 0
    found.end_operate()


def desk(browser: Browser, server: Server, name: str) -> Page:
    """Return a page on which somebody has signed in, in English."""
    page = browser.new_context(viewport={"width": 1600, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/sign-in?lang=en")
    page.fill("[name=name]", name)
    page.fill("[name=password]", WORDS)
    page.keyboard.press("Enter")
    page.wait_for_selector("nav")
    return page


def menu(page: Page, label: str) -> None:
    """Go to a page by the menu."""
    page.locator("nav").get_by_role("link", name=label, exact=True).click()
    page.wait_for_selector(f'nav a[aria-current="page"]:has-text("{label}")')


def test_a_newcomer_finds_three_answers_each_by_a_few_clicks(
    browser: Browser, server: Server
) -> None:
    page = desk(browser, server, HEAD)
    # Tomorrow's plan: one click, and the axis goes over the next two days.
    menu(page, "Plan")
    page.wait_for_selector("[data-lanes] svg path", state="attached")
    assert "Set-points of 48 h" in page.locator("main").inner_text()
    # The green share of one firm last month: one click and three choices.
    menu(page, "Reports")
    page.get_by_label("Subject").select_option(label="Park company")
    page.wait_for_url("**subject=party*")
    page.get_by_label("Measure").select_option(label="clean share of use")
    page.wait_for_url("**measure=clean*")
    page.get_by_label("Period").select_option(label="31 d from 2026-03-01, by rules")
    page.wait_for_url(re.compile(r"of=\w{12}"))
    expect(page.locator(".top .caption").first).to_contain_text("2026-03-01")
    share = float(page.locator("p.big .n").inner_text())
    assert 0.0 < share < 100.0
    # Why one set-point is what it is: on the first page, in words.
    menu(page, "Now")
    why = page.locator(".doing .why").first.inner_text()
    assert len(why) > 5
    page.locator(".doing b a").first.click()
    page.wait_for_url("**/asset/*")
    assert "reasons" in page.locator("main").inner_text().lower()


def test_a_study_is_run_by_keyboard_and_its_end_is_seen_without_a_reload(
    browser: Browser, server: Server
) -> None:
    page = desk(browser, server, DISPATCHER)
    for nth, days in enumerate(("1", "2"), 1):
        page.locator("body").press("g")
        page.keyboard.press("s")
        page.wait_for_url("**/study")
        page.get_by_label("Days, 1 to 366").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type(days)
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/study")
        expect(page.locator("table.runs tr")).to_have_count(nth)
        # The bar moves and ends by the event stream.
        expect(page.locator("table.runs tr").first).to_contain_text("done", timeout=PATIENCE_MS)
        page.evaluate("document.activeElement.blur()")
    for tick in page.locator("table.runs input[type=checkbox]").all():
        tick.press("Space")
    page.get_by_role("button", name="Compare").press("Enter")
    page.wait_for_selector("#beside")
    rows = page.locator("table.sides tbody tr")
    assert rows.count() >= 8
    assert "simple rules" in page.locator("table.sides thead").inner_text()


def test_a_study_written_wrongly_keeps_what_was_right(browser: Browser, server: Server) -> None:
    page = desk(browser, server, DISPATCHER)
    menu(page, "Studies")
    page.get_by_label("First day").fill("16 April")
    page.get_by_label("Days, 1 to 366").fill("3")
    page.get_by_role("button", name="Run", exact=True).click()
    assert "'16 April' is not a date" in page.locator("#wrong-start").inner_text()
    field = page.get_by_label("First day")
    assert field.get_attribute("aria-describedby") == "wrong-start"
    assert page.get_by_label("Days, 1 to 366").input_value() == "3"


def test_a_shift_goes_from_one_to_the_other_and_a_second_tab_is_told(
    browser: Browser, server: Server
) -> None:
    leaves = desk(browser, server, DISPATCHER)
    menu(leaves, "Hand-over")
    leaves.get_by_label("What the next shift must know").fill("Valve 7 sticks.")
    leaves.get_by_role("button", name="Hand over").click()
    leaves.get_by_text("You wrote it; the coming shift takes it.").wait_for()
    takes = desk(browser, server, COLLEAGUE)
    menu(takes, "Hand-over")
    other = takes.context.new_page()
    other.goto(f"{server.url}/handover")
    takes.get_by_role("button", name="Take over").click()
    takes.get_by_text("taken by colleague").wait_for()
    other.get_by_role("button", name="Take over").click()
    other.get_by_text("colleague took this note at").wait_for()


def test_a_copy_is_made_and_checked_by_mouse(browser: Browser, server: Server) -> None:
    page = desk(browser, server, NAME)
    menu(page, "Back-up")
    page.get_by_role("button", name="Make a copy now").click()
    expect(page.locator("#copies")).to_contain_text("whole", timeout=PATIENCE_MS)
    page.get_by_role("button", name=re.compile("^Check")).click()
    expect(page.locator("#copies")).to_contain_text("holds, ", timeout=PATIENCE_MS)


def test_a_firm_finds_its_own_carbon_and_nothing_of_the_park(
    browser: Browser, server: Server
) -> None:
    page = desk(browser, server, FIRM)
    # What it may not see is not in its menu.
    labels = set(page.locator("nav a").all_inner_texts())
    assert labels >= {"Carbon", "Reports", "Assets"}
    assert not labels & {"Now", "Plan", "Audit", "People", "Studies", "Hand-over", "Back-up"}
    page.goto(f"{server.url}/carbon")
    page.wait_for_selector("p.big")
    options = page.get_by_label("Party").locator("option").all_inner_texts()
    assert "the whole park" not in options


def test_an_auditor_follows_a_figure_to_its_proof(browser: Browser, server: Server) -> None:
    page = desk(browser, server, AUDITOR)
    menu(page, "Carbon")
    page.get_by_label("Period").select_option(label="31 d from 2026-03-01, by rules")
    page.wait_for_url(re.compile(r"of=\w{12}"))
    page.get_by_role("link", name="tie/node").click()
    page.wait_for_url("**/audit**")
    assert page.locator("dl.facts").inner_text().count("holds") == 1
    menu(page, "Back-up")
    assert page.get_by_role("button", name="Make a copy now").count() == 0


def test_ten_tabs_of_a_browser_hold_one_event_stream(browser: Browser, server: Server) -> None:
    people = People(server.folder / "store-people.db")
    owner = next(each for each in people.all() if each.name == NAME)
    token, _ = people.give_token(owner, "watch", ("metrics",), 1)
    people.close()

    def listeners() -> int:
        asked = urllib.request.Request(  # noqa: S310 - our own
            f"{server.url}/metrics", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked) as answer:  # noqa: S310 - as above
            said = re.search(
                r"^zeropark_stream_listeners (\d+)", answer.read().decode(), re.MULTILINE
            )
        assert said is not None
        return int(said[1])

    page = desk(browser, server, HEAD)
    page.wait_for_selector('html[data-link="there"]')
    before = listeners()
    tabs = [page.context.new_page() for _ in range(9)]
    for tab in tabs:
        tab.goto(f"{server.url}/now")
        tab.wait_for_selector('html[data-link="there"]')
        tab.wait_for_function("document.querySelector('[data-clock]').textContent !== ''")
    assert listeners() == before
