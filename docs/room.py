"""Take the pictures of the control room: true pages of a running one, as a browser shows them.

Start `zeropark serve`; then `.venv/bin/python docs/room.py URL NAME PASSWORD_FILE`. Needs Debian's
Chromium.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).resolve().parent / "assets"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Page, language, theme, width, name of the picture.
SHOWN = [
    ("now", "en", "light", 1600, "room-now.png"),
    ("plan?trial=1&contract=0.25", "zh", "dark", 1600, "room-plan-zh.png"),
]


def main(url: str, name: str, words: Path) -> None:
    """Write the pictures into `docs/assets`."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        for page_of, language, theme, width, picture in SHOWN:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto(f"{url}/sign-in?lang={language}")
            page.fill("[name=name]", name)
            page.fill("[name=password]", words.read_text(encoding="utf-8").rstrip("\n"))
            page.click("button.do")
            mark = "&" if "?" in page_of else "?"
            page.goto(f"{url}/{page_of}{mark}theme={theme}")
            page.wait_for_selector("[data-lanes] svg path", state="attached")
            page.screenshot(path=PICTURES / picture, full_page=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
