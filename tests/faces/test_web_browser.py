"""The control room in a browser: every page, by keyboard, on paper, a server killed and back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.house.repository import ROOT
from zeropark.faces.web import totp
from zeropark.faces.web.factors import Factors
from zeropark.faces.web.page import pages
from zeropark.faces.web.people import People
from zeropark.faces.web.roles import MAY
from zeropark.operate.beat import NAME as BEAT
from zeropark.operate.socket import NAME as SOCKET
from zeropark.operate.socket import hand_over, listens

pytestmark = pytest.mark.browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAME, WORDS = "operator", "nine long letters"
DISPATCHER = "dispatcher"
# By pairs: each width with each language and each theme, each language with each theme.
PAIRS = [
    (1920, "zh", "dark"), (1920, "en", "light"), (1280, "zh", "light"), (1280, "en", "dark"),
    (390, "zh", "dark"), (390, "en", "light"),
]  # fmt: skip
AXE = ROOT / "node_modules/axe-core/axe.min.js"


@dataclass
class Server:
    """The real command on a port of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until a plan stands."""
        words = self.folder / "words"
        words.write_text(WORDS, encoding="utf-8")
        given = {"ZEROPARK_FIRST_USER": NAME, "ZEROPARK_FIRST_PASSWORD_FILE": str(words)}
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("zeropark")), "serve", "--port", str(self.port),
                "--store", str(self.folder / "store"), "--speed", "60",
            ],
            env={**os.environ, **given},
        )  # fmt: skip
        until = time.monotonic() + 90
        while True:
            assert time.monotonic() < until, "the control room starts in seconds"
            assert self.process.poll() is None, "it goes on"
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=2).close()  # noqa: S310 - our own
            except OSError:
                time.sleep(0.1)
            else:
                return

    def cycles(self) -> int:
        """Return how many cycles the park's operate has lived; raises where it does not."""
        said = {"verb": "see", "role": "system"}
        return int(hand_over(self.folder / "store" / SOCKET, said)["cycles"])

    def end_operate(self) -> None:
        """End an operate that has outlived its room."""
        if listens(self.folder / "store" / SOCKET):
            beat = (self.folder / "store" / BEAT).read_bytes()
            os.kill(int.from_bytes(beat[8:16], "little"), signal.SIGTERM)
            until = time.monotonic() + 30
            while listens(self.folder / "store" / SOCKET):
                assert time.monotonic() < until, "it ends in peace"
                time.sleep(0.1)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Server(tmp_path_factory.mktemp("serve"), port)
    found.start()
    people = People(found.folder / "store-people.db")
    people.add(DISPATCHER, WORDS, "dispatcher", "test")
    people.close()
    yield found
    assert found.end() == 0
    found.end_operate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "make browser installs Debian's chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@dataclass
class Desk:
    """A browser at which somebody signed in, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@dataclass
class Desks:
    """Desks by width, each signed in once."""

    browser: Browser
    server: Server
    kept: dict[tuple[int, str], Desk] = field(default_factory=dict)

    def at(self, width: int, name: str = NAME) -> Desk:
        """Return the desk of a width."""
        if (width, name) not in self.kept:
            context = self.browser.new_context(viewport={"width": width, "height": 1000})
            desk = Desk(context.new_page())
            page = desk.page
            page.on("console", lambda said: desk.complaints.append(said.text))
            page.on("pageerror", lambda error: desk.complaints.append(str(error)))
            page.on("request", lambda asked: desk.asked.append(asked.url))
            page.goto(f"{self.server.url}/sign-in?lang=en")
            page.fill("[name=name]", name)
            page.fill("[name=password]", WORDS)
            page.keyboard.press("Enter")
            page.wait_for_selector("nav")
            self.kept[width, name] = desk
        return self.kept[width, name]


@pytest.fixture(scope="module")
def desks(browser: Browser, server: Server) -> Desks:
    found = Desks(browser, server)
    page = found.at(1280, DISPATCHER).page
    # The park has caught up once a plan stands.
    page.goto(f"{server.url}/plan")
    page.wait_for_selector("[data-lanes] svg", timeout=60_000)
    return found


@pytest.mark.parametrize(("width", "language", "theme"), PAIRS)
@pytest.mark.parametrize("name", list(pages()))
def test_every_page_is_whole(
    desks: Desks, name: str, width: int, language: str, theme: str
) -> None:
    role = NAME if "dispatcher" not in MAY[pages()[name].verb] else DISPATCHER
    desk = desks.at(width, role)
    desk.complaints.clear()
    desk.page.goto(f"{desks.server.url}/{name}?lang={language}&theme={theme}")
    desk.page.wait_for_function("document.fonts.status === 'loaded'")
    for place in desk.page.locator("[data-lanes]").all():
        place.locator("svg path").first.wait_for(state="attached")
    html = desk.page.locator("html")
    assert html.get_attribute("data-lang") == language
    assert html.get_attribute("data-theme") == theme
    # Nothing runs out of the page at its side.
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
    if width != 1280:
        desk.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = desk.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        bad = [
            (each["id"], each["nodes"][0]["html"][:160])
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
        ]
        assert bad == []
    assert desk.complaints == []
    assert [url for url in desk.asked if not url.startswith(desks.server.url)] == []


def test_the_keyboard_leads_from_page_to_page(desks: Desks) -> None:
    page = desks.at(1280, DISPATCHER).page
    page.goto(f"{desks.server.url}/now?lang=en")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/plan")
    page.locator("#knob-contract").focus()
    page.keyboard.press("Home")
    page.wait_for_selector("[data-leave]")
    assert "contract=0.2" in page.url
    assert "trial" in page.locator("td.trial").first.get_attribute("class").split()  # type: ignore[union-attr]
    assert page.locator("td.trial").first.inner_text() != ""
    page.locator("body").focus()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    page.wait_for_url("**/plan")


def test_a_chart_is_also_a_table(desks: Desks) -> None:
    page = desks.at(1280, DISPATCHER).page
    page.goto(f"{desks.server.url}/now?lang=en")
    page.locator(".numbers summary").first.click()
    page.wait_for_selector(".numbers table")
    assert page.locator(".numbers table").first.locator("tr").count() > 100


def test_a_page_on_paper_is_light_and_says_it_is_simulated(desks: Desks) -> None:
    page = desks.at(1280, DISPATCHER).page
    page.goto(f"{desks.server.url}/plan?lang=en&theme=dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".sim").first.is_visible()
    assert not page.locator("nav").is_visible()
    page.emulate_media(media="screen")


def hand(server: Server) -> dict[str, float]:
    """Return what is in somebody's hand, as operate says it."""
    said = {"verb": "see", "role": "system"}
    return dict(hand_over(server.folder / "store" / SOCKET, said)["hand_mw"])


def stopped(server: Server) -> bool:
    """Return whether operate says that the park is stopped."""
    said = {"verb": "see", "role": "system"}
    return bool(hand_over(server.folder / "store" / SOCKET, said)["stopped"])


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    end = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < end, "never came"
        time.sleep(0.05)


def code_of(server: Server, name: str) -> str:
    """Return a code of a person's authenticator that was not used, set up anew."""
    people = People(server.folder / "store-people.db")
    factors = Factors(people)
    factors.forget(name)
    secret = factors.begin(name)
    now = time.time()
    factors.confirm(name, totp.code_at(secret, now - totp.STEP_S))
    people.close()
    return totp.code_at(secret, now)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_second_of_holding_stops_the_park_and_a_reason_and_a_code_end_it(
    desks: Desks, by: str
) -> None:
    server, desk = desks.server, desks.at(1280, DISPATCHER)
    page = desk.page
    page.goto(f"{server.url}/now?lang=en")
    button = page.locator(".stop button")
    # A touch is nothing.
    button.click()
    page.wait_for_timeout(1_300)
    assert not stopped(server)
    if by == "mouse":
        button.hover()
        page.mouse.down()
        page.wait_for_selector("#said:not([hidden])")
        page.mouse.up()
    else:
        button.focus()
        page.keyboard.down("Enter")
        page.wait_for_selector("#said:not([hidden])")
        page.keyboard.up("Enter")
    until(lambda: stopped(server))
    # Every page says so by itself, and asks for the reason that is missing.
    resume = page.locator('form[action="/command/resume"]')
    resume.wait_for()
    why = page.locator('form[action="/command/explain"]').first
    why.locator("[name=why]").fill("a drill")
    why.locator("button").press("Enter")
    why.wait_for(state="detached")
    # A wrong code is a sentence beside the field, and nothing that was written is lost.
    code_of(server, DISPATCHER)
    resume.locator("[name=why]").fill("the drill is over")
    resume.locator("[name=code]").fill("000000")
    resume.locator("button").click()
    resume.locator("[data-said]", has_text="wrong or was used").wait_for()
    assert resume.locator("[name=why]").input_value() == "the drill is over"
    resume.locator("[name=code]").fill(code_of(server, DISPATCHER))
    resume.locator("button").press("Enter")
    resume.wait_for(state="detached")
    assert not stopped(server)


def test_a_hand_at_the_faceplate_moves_the_plant_and_goes_back_to_automatic(desks: Desks) -> None:
    server, page = desks.server, desks.at(1280, DISPATCHER).page
    page.goto(f"{server.url}/asset/battery?lang=en")
    form = page.locator('form[action="/command/hold"]')
    form.locator("[name=value_kw]").fill("-300")
    form.locator("[name=why]").fill("a storm is ahead")
    form.locator("[name=code]").fill(code_of(server, DISPATCHER))
    # While somebody writes the page is not taken away, though the park goes on.
    page.wait_for_timeout(2_500)
    assert form.locator("[name=value_kw]").input_value() == "-300"
    form.locator("button").click()
    until(lambda: hand(server) == {"battery/p": -0.3})
    auto = page.locator('form[action="/command/auto"]')
    auto.wait_for()
    assert "a storm is ahead" in page.locator("#content").inner_text()
    # The code is still good at this desk.
    auto.locator("[name=why]").fill("it has passed")
    auto.locator("button").click()
    until(lambda: hand(server) == {})
