"""Take the README's picture: the upper part of a true report, as a browser shows it.

Run `make run` first; then `.venv/bin/python docs/picture.py`. Needs Debian's Chromium.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "runs" / "latest" / "report.html"
PICTURE = ROOT / "docs" / "assets" / "run.png"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Write `docs/assets/run.png`."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 1270}, color_scheme="light")
        page.goto(f"{REPORT.as_uri()}?lang=en")
        page.wait_for_function("document.querySelectorAll('svg').length > 2")
        page.screenshot(path=PICTURE, clip={"x": 0, "y": 0, "width": 1280, "height": 1265})
        browser.close()


if __name__ == "__main__":
    main()
