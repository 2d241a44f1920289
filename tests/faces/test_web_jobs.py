"""Work that a page lets be done: in order, cancelled, refused, cut off, and kept."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zeropark.data.errors import DataError
from zeropark.faces.cli.progress import AS_LINES, Progress
from zeropark.faces.web.jobs import (
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    OPEN,
    RUNNING,
    WAITING,
    Job,
    Jobs,
)

PATIENCE_S = 30.0
ASKED = {"what": "test"}
QUICK = "print('{}')"
# Says that it began, then waits for a line that never comes, until it is told to end.
SLOW = (
    "import sys, signal\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))\n"
    'print(\'{"stage": "plan", "done": 1, "total": 4}\', file=sys.stderr, flush=True)\n'
    "signal.pause()\n"
)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    found = Jobs(tmp_path / "jobs", program=[sys.executable, "-c"])
    yield found
    found.close()


def until(jobs: Jobs, holds: Callable[[], bool]) -> None:
    """Wait for news until something holds."""
    with jobs._some:
        assert jobs._some.wait_for(holds, PATIENCE_S)


def ask(jobs: Jobs, program: str, **given: str) -> Job:
    """Let a program be run."""
    return jobs.ask(ASKED, lambda _folder: [program], "Li", "zh", given)


def state(jobs: Jobs, job: Job) -> str:
    """Return how a job stands."""
    return jobs.one(job.id).state


def test_work_is_done_in_the_order_it_was_asked_for(jobs: Jobs) -> None:
    slow, quick = ask(jobs, SLOW), ask(jobs, QUICK)
    until(jobs, lambda: state(jobs, slow) == RUNNING and jobs.one(slow.id).total == 4)
    assert state(jobs, quick) == WAITING
    jobs.cancel(slow.id)
    until(jobs, lambda: state(jobs, quick) == DONE)
    assert state(jobs, slow) == CANCELLED
    assert [each.id for each in jobs.all()] == [quick.id, slow.id]
    assert jobs.answer(quick.id).read_text(encoding="utf-8") == "{}\n"
    seconds = jobs.one(quick.id).seconds
    assert seconds is not None
    assert seconds > 0


def test_how_far_work_is_comes_line_by_line(jobs: Jobs) -> None:
    mark = jobs.mark()
    job = ask(jobs, SLOW)
    until(jobs, lambda: jobs.one(job.id).total == 4)
    found = jobs.one(job.id)
    assert (found.stage, found.done, found.total) == ("plan", 1, 4)
    assert jobs.mark() != mark


def test_a_refusal_is_kept_as_the_command_said_it_in_the_language_of_who_asked(
    jobs: Jobs,
) -> None:
    program = (
        "import os, sys; print(os.environ['ZEROPARK_LANG'], os.environ['WORD'], file=sys.stderr);"
        "sys.exit(2)"
    )
    job = ask(jobs, program, WORD="no such day")
    until(jobs, lambda: state(jobs, job) == FAILED)
    assert jobs.one(job.id).said == "zh no such day"
    # A word given by the environment stands in no file.
    kept = b"".join(file.read_bytes() for file in jobs.folder.rglob("*") if file.is_file())
    assert kept.count(b"no such day") == 1


def test_work_that_waits_is_cancelled_before_it_began(jobs: Jobs) -> None:
    slow, waits = ask(jobs, SLOW), ask(jobs, QUICK)
    jobs.cancel(waits.id)
    assert state(jobs, waits) == CANCELLED
    jobs.remove(slow.id)
    assert slow.id in {each.id for each in jobs.all()}, "what is not over is not removed"
    jobs.remove(waits.id)
    assert not jobs.place(waits.id).exists()
    for act in (jobs.cancel, jobs.remove, jobs.one):
        with pytest.raises(DataError, match="there is no such work"):
            act(waits.id)


def test_no_more_than_four_are_open(jobs: Jobs) -> None:
    for _ in range(4):
        ask(jobs, SLOW)
    with pytest.raises(DataError, match="4 wait already"):
        ask(jobs, QUICK)
    assert sum(each.state in OPEN for each in jobs.all()) == 4


def test_work_of_before_is_known_again_and_what_ran_was_cut_off(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    first = Jobs(folder, program=[sys.executable, "-c"])
    quick = ask(first, QUICK)
    until(first, lambda: state(first, quick) == DONE)
    slow, waits = ask(first, SLOW), ask(first, QUICK)
    until(first, lambda: first.one(slow.id).total == 4)
    first.close()
    (folder / "half").mkdir()
    (folder / "half/job.json").write_text('{"id": "ha', encoding="utf-8")
    again = Jobs(folder)
    assert {each.id: each.state for each in again.all()} == {
        quick.id: DONE, slow.id: INTERRUPTED, waits.id: INTERRUPTED,
    }  # fmt: skip
    again.close()


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", most_kept=1, program=[sys.executable, "-c"])
    found = []
    for _ in range(3):
        job = ask(jobs, QUICK)
        until(jobs, lambda job=job: state(jobs, job) == DONE)  # type: ignore[misc]
        found.append(job)
    assert [each.id for each in jobs.all()] == [found[2].id, found[1].id]
    jobs.close()
    assert not [t for t in threading.enumerate() if t.name == "jobs" and t.is_alive()]


def test_progress_is_a_line_of_json_for_who_asks_for_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in AS_LINES.items():
        monkeypatch.setenv(name, said)
    with Progress() as progress:
        progress("plan", 4, 4)
    assert json.loads(capsys.readouterr().err) == {"stage": "plan", "done": 4, "total": 4}
    monkeypatch.delenv("ZEROPARK_PROGRESS")
    with Progress() as progress:
        progress("plan", 4, 4)
    assert capsys.readouterr().err == ""
