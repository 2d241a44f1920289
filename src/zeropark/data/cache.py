"""Arrays that took long to make, kept in the user's cache folder.

A key is the hash of everything the arrays depend on: the contents of files, places, grids,
parameters, and the source text of the code that makes them. So nothing ever has to be thrown away
by hand, and a changed input never meets an old result. Without a folder to write to, things are
made every time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

_MOST_FILES = 400  # a year of quarter-hours is about 2 MB


def cached(parts: object, make: Callable[[], Arrays], *, code: Sequence[Path] = ()) -> Arrays:
    """Return what `make` returns, from the cache where it was made before.

    parts: what the result depends on: numbers, texts, times, arrays, dataclasses, and sequences and
    mappings of these; a `Path` stands for the content of its file. code: source files, or folders
    of them, whose text belongs to the key. A damaged cache file is made anew.
    """
    name = f"{key(parts, code)}.npz"
    folder = cache_folder()
    if folder is not None:
        found = _read(folder / name)
        if found is not None:
            return found
    made = make()
    if folder is not None:
        # A full or read-only disk costs time, not the result.
        with contextlib.suppress(OSError):
            _write(folder, name, made)
    return made


def cache_folder() -> Path | None:
    """Return where results are kept; None where there is no home folder.

    The variable `ZEROPARK_CACHE` names the folder, else it is `~/.cache/zeropark`.
    """
    chosen = os.environ.get("ZEROPARK_CACHE")
    if chosen:
        return Path(chosen)
    try:
        return Path.home() / ".cache" / "zeropark"
    except RuntimeError:
        return None


def key(parts: object, code: Sequence[Path] = ()) -> str:
    """Return the hash of `parts` and of the source text in `code`, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in code:
        digest.update(_source_hash(path))
    _feed(digest, parts)
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _source_hash(path: Path) -> bytes:
    """Return the hash of a source file or of all source and fact files below a folder."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in files:
        if file.suffix in {".py", ".yaml", ".csv"}:
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    digest.update(np.__version__.encode())
    return digest.digest()


def _feed(digest: hashlib._Hash, part: object) -> None:
    """Add `part` to the digest, its type and length first, so that no two parts look alike."""
    if isinstance(part, Path):
        content = hashlib.sha256(part.read_bytes()).digest()
        _tell(digest, "file", content)
    elif isinstance(part, np.ndarray):
        _tell(digest, f"array {part.dtype} {part.shape}", np.ascontiguousarray(part).tobytes())
    elif is_dataclass(part) and not isinstance(part, type):
        values = {field.name: getattr(part, field.name) for field in fields(part)}
        _tell(digest, type(part).__qualname__, b"")
        _feed(digest, values)
    elif isinstance(part, Mapping):
        _tell(digest, f"mapping {len(part)}", b"")
        for name, value in sorted(part.items()):
            _tell(digest, "name", str(name).encode())
            _feed(digest, value)
    elif isinstance(part, tuple | list):
        _tell(digest, f"sequence {len(part)}", b"")
        for value in part:
            _feed(digest, value)
    elif part is None or isinstance(part, str | bool | int | float | np.generic):
        _tell(digest, type(part).__name__, repr(part).encode())
    else:
        raise TypeError(f"no key for a {type(part).__name__}")


def _tell(digest: hashlib._Hash, kind: str, content: bytes) -> None:
    digest.update(f"{kind} {len(content)}:".encode())
    digest.update(content)


def _read(file: Path) -> Arrays | None:
    try:
        # Opened here: numpy leaves a file open that turns out to be damaged.
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def _write(folder: Path, name: str, arrays: Arrays) -> None:
    """Write beside and rename, so that a reader meets a whole file or none."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        Path(beside).replace(folder / name)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    _prune(folder)


def _prune(folder: Path) -> None:
    """Keep the newest files only."""
    files = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime)
    for file in files[:-_MOST_FILES]:
        file.unlink(missing_ok=True)
