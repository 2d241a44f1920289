"""A file system that forgets what was not synced: what the power's failing leaves of a store.

Everything written stays in this process' memory until a sync; whoever kills the process cuts the
power.
"""

from __future__ import annotations

from typing import Any

import apsw

NAME = "forgetful"


class _Shadow:
    """One file as this process sees it, and which parts of it never reached the disk."""

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)
        self.dirty: list[tuple[int, int]] = []
        self.cut: int | None = None


_SHADOWS: dict[str, _Shadow] = {}


class ForgetfulFile(apsw.VFSFile):
    """A file of the store; locks and shared memory are the real ones."""

    def __init__(self, vfs: str, name: Any, flags: list[int]) -> None:
        super().__init__(vfs, name, flags)
        self._name = str(name.filename() if hasattr(name, "filename") else name)
        if self._name not in _SHADOWS:
            size = super().xFileSize()
            _SHADOWS[self._name] = _Shadow(super().xRead(size, 0) if size else b"")
        self._shadow = _SHADOWS[self._name]

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - apsw's name
        return bytes(self._shadow.content[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        content = self._shadow.content
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
        self._shadow.dirty.append((offset, offset + len(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        del self._shadow.content[newsize:]
        cut = self._shadow.cut
        self._shadow.cut = newsize if cut is None else min(cut, newsize)

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._shadow.content)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._shadow.cut is not None:
            super().xTruncate(self._shadow.cut)
        for first, last in self._shadow.dirty:
            part = bytes(self._shadow.content[first:last])
            if part:
                super().xWrite(part, first)
        self._shadow.dirty, self._shadow.cut = [], None
        super().xSync(flags)


class ForgetfulVfs(apsw.VFS):
    """The system's files, opened forgetfully."""

    def __init__(self, *, everywhere: bool = False) -> None:
        """Be known by name, or as the way to all files of the process where none is named."""
        super().__init__(NAME, "", makedefault=everywhere)

    def xOpen(self, name: Any, flags: list[int]) -> ForgetfulFile:  # noqa: N802
        return ForgetfulFile("unix", name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        _SHADOWS.pop(filename, None)
        super().xDelete(filename, syncdir)
