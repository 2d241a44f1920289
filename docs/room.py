"""Take the pictures of the control room: true pages of a running one, as a browser shows them.

Start `zeropark serve`, and add a dispatcher in it; then

    .venv/bin/python docs/room.py URL PASSWORD_FILE DISPATCHER OPERATOR [FOLDER]

where both persons have the password of the file. Without a folder the pictures of the documents are
written anew; with one, every page in each width, language and theme by pairs, to be looked at.
Needs Debian's Chromium.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).resolve().parent / "assets" / "room"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Addresses of pages by the name of their picture, and those that only an operator sees.
PAGES = {
    "now": "now", "plan": "plan?trial=1&contract=0.25", "compute": "compute",
    "storage": "storage", "carbon": "carbon", "reports": "reports", "asset": "asset/battery",
    "audit": "audit", "study": "study", "handover": "handover", "people": "people",
    "backup": "backup",
}  # fmt: skip
_OF_OPERATOR = {"people", "backup"}
_QUALITY = 82


class Look(NamedTuple):
    """How a page is looked at. height: of what is seen [px]; None takes the whole page."""

    language: str
    theme: str
    width: int
    height: int | None = None


EVERY = (
    Look("zh", "dark", 1920), Look("en", "light", 1920), Look("zh", "light", 1280),
    Look("en", "dark", 1280), Look("zh", "dark", 390), Look("en", "light", 390),
)  # fmt: skip
KEPT = (Look("en", "light", 1600, 1000), Look("zh", "dark", 1600, 1000))
"""What lies in the documents: each page in each language."""


def main(url: str, words: str, people: dict[str, str], folder: Path | None) -> None:
    """Write all pictures. people: dispatcher and operator, by these names."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        for look in EVERY if folder else KEPT:
            desks = {role: _desk(browser, url, name, words, look) for role, name in people.items()}
            for name, address in PAGES.items():
                page = desks["operator" if name in _OF_OPERATOR else "dispatcher"]
                place = folder or PICTURES
                _picture(page, f"{url}/{address}", look, place / _named(name, look, folder))
        browser.close()


def _named(name: str, look: Look, folder: Path | None) -> str:
    if folder is None:
        return f"{name}-{look.language}.webp"
    return f"{name}-{look.width}-{look.language}-{look.theme}.webp"


def _desk(browser: Browser, url: str, name: str, words: str, look: Look) -> Page:
    size = {"width": look.width, "height": look.height or 1000}
    page = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type] # a size
    page.goto(f"{url}/sign-in?lang={look.language}")
    page.fill("[name=name]", name)
    page.fill("[name=password]", words)
    page.click("button.do")
    page.goto(f"{url}/now?theme={look.theme}")
    return page


def _picture(page: Page, address: str, look: Look, place: Path) -> None:
    page.goto(address)
    periods = page.locator("[name=of] option")
    if periods.count() > 1:
        # The oldest run of the store: a year, where one lies there.
        page.locator("[name=of]").select_option(index=periods.count() - 1)
        page.wait_for_url("**of=*")
    for chart in page.locator("[data-lanes]").all():
        chart.locator("svg path").first.wait_for(state="attached")
    page.wait_for_function("document.fonts.status === 'loaded'")
    taken = page.screenshot(full_page=look.height is None)
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(taken)).save(place, quality=_QUALITY, method=6)


if __name__ == "__main__":
    main(
        sys.argv[1],
        Path(sys.argv[2]).read_text(encoding="utf-8").rstrip("\n"),
        {"dispatcher": sys.argv[3], "operator": sys.argv[4]},
        Path(sys.argv[5]) if sys.argv[5:] else None,
    )
