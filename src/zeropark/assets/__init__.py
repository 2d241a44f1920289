"""Asset kinds: one file each, found by themselves.

A file is a kind's when it says `kind: ClassVar[str] = "…"`. It lies in this folder, in a folder
named by the environment's `ZEROPARK_ASSETS`, or in an installed package that offers it under the
entry point group `zeropark.assets` (entry name = kind, value = its class). Finding one edits
nothing; a kind's code is loaded when a park names it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For the type only: the contract imports numpy and the formulation, which finding kinds does
    # not need.
    from zeropark.assets.kind import Kind

GROUP = "zeropark.assets"
FOLDER = "ZEROPARK_ASSETS"
_SAYS = re.compile(r'^\s+kind: ClassVar\[str\] = "([A-Za-z][A-Za-z0-9_-]*)"', re.MULTILINE)


class Kinds(Mapping[str, "type[Kind]"]):
    """The asset kinds by name; looking one up loads its code."""

    def __init__(self, files: Mapping[str, Path], entries: Mapping[str, EntryPoint]) -> None:
        self._files = dict(files)
        self._entries = dict(entries)
        self._loaded: dict[str, type[Kind]] = {}

    def __getitem__(self, name: str) -> type[Kind]:
        if name not in self._loaded:
            if name in self._files:
                self._loaded[name] = _load_file(self._files[name], name)
            else:
                self._loaded[name] = self._entries[name].load()
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files or name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._files, *self._entries}))

    def __len__(self) -> int:
        return len({*self._files, *self._entries})


def kinds(folder: Path | None = None) -> Kinds:
    """Return the asset kinds: the product's, the installed ones, and those of a folder.

    folder: a folder of kind files; by default the one `ZEROPARK_ASSETS` names, if it names one.
    Where two have one name, the folder's counts before the installed one, and that before the
    product's.
    """
    named = os.environ.get(FOLDER)
    extra = folder or (Path(named) if named else None)
    own = dict(_kind_files(Path(__file__).parent))
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    files = {name: path for name, path in own.items() if name not in entries}
    if extra is not None:
        files |= dict(_kind_files(extra))
    return Kinds(files, entries)


def _kind_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.py")):
        said = _SAYS.search(path.read_text(encoding="utf-8"))
        if said:
            yield said[1], path


def _load_file(path: Path, name: str) -> type[Kind]:
    if path.parent == Path(__file__).parent:
        module = importlib.import_module(f"{__name__}.{path.stem}")
    else:
        unique = f"zeropark_assets_{path.stem}"
        spec = importlib.util.spec_from_file_location(unique, path)
        assert spec is not None, "a .py file has a loader"
        assert spec.loader is not None, "a .py file has a loader"
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        spec.loader.exec_module(module)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and getattr(value, "kind", None) == name
    ]
    assert len(found) == 1, f"{path} says it is kind {name}: one class of it has that kind"
    return found[0]
