"""The files pages need, as they are sent: named by their content, kept for good, packed once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from zeropark.faces.theme import style_sheet

_HERE = Path(__file__).parent
_STATIC, _REPORT, _VENDOR = _HERE / "static", _HERE.parent / "report", _HERE.parent / "vendor"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
_SHARED = ("format", "paint")
"""Modules of the report that the pages draw with too."""


class Sent(NamedTuple):
    """A file as it is sent: its type, its bytes, and the same packed by gzip."""

    kind: str
    plain: bytes
    packed: bytes


class Files:
    """All files of the pages. tag: of their content; an address with it never changes."""

    def __init__(self) -> None:
        self._files = {name: _sent(name, content) for name, content in _contents()}
        self.tag = hashlib.sha256(b"".join(f.plain for f in self._files.values())).hexdigest()[:12]

    def get(self, name: str) -> Sent | None:
        """Return a file by its bare name; None where there is none."""
        return self._files.get(name)

    @cached_property
    def style(self) -> str:
        """The style of all pages in one piece, with letters, for a page that fetches nothing."""
        style = "".join(self._files[name].plain.decode() for name in ("theme.css", "room.css"))
        for name, file in self._files.items():
            packed = base64.b64encode(file.plain).decode() if name.endswith("woff2") else ""
            style = style.replace(f'url("{name}")', f'url("data:font/woff2;base64,{packed}")')
        return style

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all files."""
        return tuple(self._files)


def _contents() -> list[tuple[str, bytes]]:
    found = [(path.name, path.read_bytes()) for path in sorted(_STATIC.iterdir())]
    found.append(("theme.css", style_sheet().encode()))
    for name in _SHARED:
        text = (_REPORT / f"{name}.js").read_text(encoding="utf-8")
        # In the report modules are found by name; here each lies beside the others.
        text = re.sub(r'from "report/(\w+)"', r'from "./report-\1.js"', text)
        found.append((f"report-{name}.js", text.encode()))
    vendored = ("echarts.min.js", "htmx.min.js", "inter-latin.woff2", "inter-latin-ext.woff2")
    found += [(name, (_VENDOR / name).read_bytes()) for name in vendored]
    return found


def _sent(name: str, content: bytes) -> Sent:
    kind = _TYPES[Path(name).suffix]
    return Sent(kind, content, gzip.compress(content, 9, mtime=0))
