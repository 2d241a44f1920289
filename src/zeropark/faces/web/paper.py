"""A page as PDF: its print style through Debian's Chromium, which reaches no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from zeropark.data.errors import DataError
from zeropark.units.text import Text

PATIENCE_S = 60.0
# A second one at a time would only make both slow.
_ONE = threading.Lock()
_ABSENT = Text(
    "No Chromium is installed here. Print the page, and choose to save it as PDF.",
    "本机未安装 Chromium。打印本页，选择“另存为 PDF”。",
)
_FAILED = Text(
    "Chromium made no PDF. Print the page, and choose to save it as PDF.",
    "Chromium 未生成 PDF。打印本页，选择“另存为 PDF”。",
)
_ARGUMENTS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer",
    # No name is found and no address answers: what stands on paper came from us.
    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9",
)  # fmt: skip


def browser() -> str | None:
    """Return where Debian's Chromium lies; None where it is not installed."""
    return shutil.which("chromium")


def pdf(html: str) -> bytes:
    """Return a whole page as PDF. Raises `DataError` where it cannot be made here."""
    program = browser()
    if program is None:
        raise DataError("paper_absent", _ABSENT)
    with _ONE, tempfile.TemporaryDirectory(prefix="zeropark-paper-") as folder:
        place = Path(folder)
        (place / "page.html").write_text(html, encoding="utf-8")
        # Its sandbox needs another user than root.
        as_root = ["--no-sandbox"] if os.getuid() == 0 else []
        try:
            subprocess.run(  # noqa: S603 - a program of the system, words of ours
                [
                    program, *_ARGUMENTS, *as_root, f"--user-data-dir={place / 'profile'}",
                    f"--print-to-pdf={place / 'page.pdf'}", (place / "page.html").as_uri(),
                ],
                env={"HOME": folder, "PATH": os.environ.get("PATH", "")}, check=True,
                stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S,
            )  # fmt: skip
            return (place / "page.pdf").read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise DataError("paper_failed", _FAILED) from error
