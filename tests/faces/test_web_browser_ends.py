"""What ends in the middle, in a real browser: a session, and the room itself."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import Browser

from zeropark.faces.web.people import People

from .test_web_browser import (
    DISPATCHER,
    WORDS,
    Desks,
    browser,
    code_of,
    desks,
    hand,
    server,
    until,
)

__all__ = ["browser", "desks", "server"]
pytestmark = pytest.mark.browser


def test_a_room_that_is_killed_is_missed_comes_back_and_stops_no_control(desks: Desks) -> None:
    server, page = desks.server, desks.at(1280, DISPATCHER).page
    page.goto(f"{server.url}/now?lang=en")
    page.wait_for_selector('html[data-link="there"]')
    before = page.locator(".big .n").first.inner_text()
    server.end(signal.SIGKILL)
    page.wait_for_selector('html[data-link="lost"]', timeout=15_000)
    assert page.locator("#lost").is_visible()
    assert "No word from the server since" in page.locator("#lost").inner_text()
    # The last number keeps its place.
    assert page.locator(".big .n").first.inner_text() == before
    hatch = page.evaluate("getComputedStyle(document.querySelector('.big .n')).backgroundImage")
    assert hatch.startswith("repeating-linear-gradient")
    # The park went on without the room.
    cycles = server.cycles()
    server.start()
    page.wait_for_selector('html[data-link="there"]', timeout=30_000)
    assert server.cycles() >= cycles > 0
    assert not page.locator("#lost").is_visible()


def test_a_session_that_ends_in_the_middle_loses_nothing(desks: Desks, browser: Browser) -> None:
    server = desks.server
    fresh = Desks(browser, server)
    page = fresh.at(1280, DISPATCHER).page
    page.goto(f"{server.url}/asset/battery?lang=en")
    form = page.locator('form[action="/command/hold"]')
    form.locator("[name=value_kw]").fill("-200")
    form.locator("[name=why]").fill("written before the end")
    people = People(server.folder / "store-people.db")
    people.rows("UPDATE session SET ends = 0 WHERE name = ?", DISPATCHER)
    people.close()
    form.locator("button").click()
    page.locator("#said", has_text="nothing is lost").wait_for()
    other = page.context.new_page()
    other.goto(f"{server.url}/sign-in?lang=en")
    other.fill("[name=name]", DISPATCHER)
    other.fill("[name=password]", WORDS)
    other.keyboard.press("Enter")
    other.wait_for_selector("nav")
    other.close()
    form.locator("[name=code]").fill(code_of(server, DISPATCHER))
    form.locator("button").click()
    until(lambda: hand(server) == {"battery/p": -0.2})
    auto = page.locator('form[action="/command/auto"]')
    auto.wait_for()
    auto.locator("[name=why]").fill("done")
    auto.locator("button").click()
    until(lambda: hand(server) == {})
    page.context.close()
