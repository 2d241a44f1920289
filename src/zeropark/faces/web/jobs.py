"""Long work for a page: a command of ours as a process of its own, one after another.

What was asked, how far it is and what came of it lie in a folder of the page's; neither the park
nor a page waits for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zeropark.data.errors import DataError
from zeropark.faces.cli.progress import AS_LINES
from zeropark.units.text import Text

WAITING, RUNNING, DONE, CANCELLED = "waiting", "running", "done", "cancelled"
FAILED, INTERRUPTED = "failed", "interrupted"
OPEN = frozenset({WAITING, RUNNING})
_MOST_WAITING = 4
# Below the control room and whatever commands the field.
_NICE = 10
_PATIENCE_S = 15.0
_NOTE = "job.json"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_CROWDED = Text(
    "{most} wait already; cancel one, or ask again when one has ended",
    "已有 {most} 项在等待；取消一项，或等一项结束后再提交",
)
_GONE = Text("there is no such work: '{given}'", "没有此项工作：“{given}”")
Words = Callable[[Path], Sequence[str]]
"""The words of a command, given the folder of the work."""


@dataclass(frozen=True)
class Job:
    """One piece of work.

    id: of its folder. asked: what a person wrote, by field. by: who. at: when [s since 1970].
    state: waiting, running, done, cancelled, failed or interrupted. stage, done, total: how far.
    said: the last sentence of the command. seconds: how long it took; None until it ended.
    """

    id: str
    asked: Mapping[str, str]
    by: str
    at: float
    state: str = WAITING
    stage: str = ""
    done: int = 0
    total: int = 0
    said: str = ""
    seconds: float | None = None


@dataclass
class _Kept:
    """A job with what only this process knows of it."""

    job: Job
    words: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    cancelled: bool = False


@dataclass
class Jobs:
    """All work of one page, in `folder`, made where the first is asked for.

    most_kept: how many that ended are kept. program: words that start the command. now: the time
    [s since 1970].
    """

    folder: Path
    most_kept: int = 40
    program: Sequence[str] = field(default_factory=lambda: [_command()])
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._some = threading.Condition()
        self._news = 0
        self._closing = False
        self._kept = {job.id: _Kept(job) for job in _read(self.folder)}
        self._thread: threading.Thread | None = None

    # -- who asks ------------------------------------------------------------------------------

    def ask(
        self, asked: Mapping[str, str], words: Words, by: str, language: str,
        given: Mapping[str, str] = _NOTHING,
    ) -> Job:  # fmt: skip
        """Let work be done as soon as what was asked before it has ended.

        given: environment of the command, for words that are nobody else's to read. Raises
        `DataError` where too much waits, `OSError` where the disk takes nothing.
        """
        with self._some:
            if sum(kept.job.state in OPEN for kept in self._kept.values()) >= _MOST_WAITING:
                raise DataError("jobs_crowded", _CROWDED.format(most=_MOST_WAITING))
            job = Job(secrets.token_hex(6), dict(asked), by, self.now())
            folder = self.place(job.id)
            folder.mkdir(parents=True)
            environment = {"ZEROPARK_LANG": language, **given}
            kept = self._kept[job.id] = _Kept(job, words(folder), environment)
            self._note(kept)
            self._forget_old()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
                self._thread.start()
            return job

    def cancel(self, id_: str) -> None:
        """End work at its next step, or before it began. Raises `DataError` for an unknown one."""
        with self._some:
            kept = self._known(id_)
            kept.cancelled = True
            if kept.job.state == WAITING:
                kept.job = replace(kept.job, state=CANCELLED)
                self._note(kept)
            elif kept.process is not None:
                kept.process.send_signal(signal.SIGTERM)

    def remove(self, id_: str) -> None:
        """Forget work that has ended, with its files. Raises `DataError` for an unknown one."""
        with self._some:
            if self._known(id_).job.state not in OPEN:
                self._drop(id_)

    def all(self) -> list[Job]:
        """Return all work, the newest first."""
        with self._some:
            return sorted((kept.job for kept in self._kept.values()), key=lambda j: -j.at)

    def one(self, id_: str) -> Job:
        """Return work by its id. Raises `DataError` for an unknown one."""
        with self._some:
            return self._known(id_).job

    def place(self, id_: str) -> Path:
        """Return the folder of work that is known."""
        return self.folder / id_

    def answer(self, id_: str) -> Path:
        """Return the file of what the command of work that is known answers."""
        return self.place(id_) / "answer.json"

    def mark(self) -> str:
        """Return what changes with all that happens here."""
        return str(self._news)

    def close(self) -> None:
        """End what runs and begin nothing more."""
        with self._some:
            self._closing = True
            running = [kept.process for kept in self._kept.values() if kept.process is not None]
            for process in running:
                process.send_signal(signal.SIGTERM)
            self._some.notify_all()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)
        for process in running:
            if process.poll() is None:
                process.kill()

    # -- the work ------------------------------------------------------------------------------

    def _known(self, id_: str) -> _Kept:
        kept = self._kept.get(id_)
        if kept is None:
            raise DataError("job_gone", _GONE.format(given=id_[:20]))
        return kept

    def _note(self, kept: _Kept) -> None:
        """Keep on the disk how a job stands, and tell who listens."""
        note = self.place(kept.job.id) / _NOTE
        beside = note.with_suffix(".new")
        beside.write_text(json.dumps(asdict(kept.job), ensure_ascii=False), encoding="utf-8")
        beside.replace(note)
        self._news += 1
        self._some.notify_all()

    def _drop(self, id_: str) -> None:
        del self._kept[id_]
        shutil.rmtree(self.place(id_), ignore_errors=True)
        self._news += 1

    def _forget_old(self) -> None:
        ended = [kept.job for kept in self._kept.values() if kept.job.state not in OPEN]
        for job in sorted(ended, key=lambda each: -each.at)[self.most_kept :]:
            self._drop(job.id)

    def _work(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: self._closing or self._next() is not None)
                kept = self._next()
                if self._closing or kept is None:
                    return
                kept.job = replace(kept.job, state=RUNNING)
                self._note(kept)
            begun = time.monotonic()
            state, said = self._run(kept)
            with self._some:
                seconds = time.monotonic() - begun
                kept.process = None
                kept.job = replace(kept.job, state=state, said=said, seconds=seconds)
                self._note(kept)

    def _next(self) -> _Kept | None:
        waiting = [kept for kept in self._kept.values() if kept.job.state == WAITING]
        return min(waiting, key=lambda kept: kept.job.at, default=None)

    def _run(self, kept: _Kept) -> tuple[str, str]:
        """Return (state, last sentence) of a job once its process has ended."""
        environment = {**os.environ, **kept.environment, **AS_LINES}
        with self.answer(kept.job.id).open("w", encoding="utf-8") as answer:
            process = subprocess.Popen(  # noqa: S603 - a command of ours, words of ours
                [*self.program, *kept.words], env=environment, text=True, encoding="utf-8",
                errors="replace", stdin=subprocess.DEVNULL, stdout=answer, stderr=subprocess.PIPE,
                process_group=0,
            )  # fmt: skip
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        with self._some:
            kept.process = process
            if kept.cancelled or self._closing:
                process.send_signal(signal.SIGTERM)
        said = ""
        assert process.stderr is not None, "asked for"
        with process.stderr as lines:
            for line in lines:
                if not self._moved(kept, line):
                    said = line.strip()[:400] or said
        code = process.wait()
        if self._closing:
            return INTERRUPTED, said
        if kept.cancelled:
            return CANCELLED, said
        return (DONE if code == 0 else FAILED), said

    def _moved(self, kept: _Kept, line: str) -> bool:
        """Take a line that says how far the work is; return whether it was one."""
        try:
            told = json.loads(line)
            stage, done, total = str(told["stage"]), int(told["done"]), int(told["total"])
        except (ValueError, TypeError, KeyError):
            return False
        with self._some:
            kept.job = replace(kept.job, stage=stage, done=done, total=total)
            self._news += 1
            self._some.notify_all()
        return True


def _read(folder: Path) -> list[Job]:
    """Return the work of earlier times; what had not ended was interrupted."""
    found = []
    for note in sorted(folder.glob(f"*/{_NOTE}")):
        try:
            told: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
            job = Job(**told)
        except (OSError, ValueError, TypeError):
            # Half a note is of a job that was killed while it began.
            continue
        found.append(replace(job, state=INTERRUPTED) if job.state in OPEN else job)
    return found


def _command() -> str:
    """Return where the command `zeropark` lies: beside the Python that runs us."""
    return str(Path(sys.executable).with_name("zeropark"))
