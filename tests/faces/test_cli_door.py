"""The door: what answers at once, what is refused and how, and which code a command leaves with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zeropark import __version__
from zeropark.faces.cli import door
from zeropark.faces.cli.door import COMMANDS, answer

HEAVY = {"numpy", "pydantic", "highspy", "pvlib", "pandas", "pyarrow", "scipy", "rich", "yaml"}


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what went to standard error; nothing may have gone to standard output."""
    out, err = capsys.readouterr()
    assert out == ""
    return err.rstrip("\n")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


def test_help_imports_none_of_the_engines_libraries() -> None:
    code = (
        "import sys\n"
        "from zeropark.faces.cli.door import answer\n"
        "assert answer(['--help']) == 0\n"
        "print(*sorted(set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: zeropark" in done.stdout
    assert not HEAVY & set(done.stderr.split())


def test_one_thread_is_asked_of_the_solver_and_the_algebra() -> None:
    code = "import zeropark.faces.cli, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_help_names_every_command_with_its_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["--help"]) == 0
    page = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"  {name} " in page
        assert command.purpose in page


def test_no_word_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer([]) == 0
    assert capsys.readouterr().out.startswith("Usage: zeropark [OPTIONS] COMMAND\n")


def test_help_speaks_chinese_where_the_environment_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "zh")
    assert answer(["--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("用法：zeropark [选项] 命令\n\n零碳产业园区的操作系统。\n\n命令：\n")


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["--version"]) == 0
    assert capsys.readouterr().out == f"zeropark {__version__}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnu"], f"'rnu' is no command. Did you mean 'run'? Commands: {', '.join(COMMANDS)}."),
        (["zzz"], "'zzz' is no command. Commands: init, check, plan, run, serve, ledger."),
        (
            ["--verzion"],
            "'--verzion' is no option of this command. Did you mean '--version'? See --help.",
        ),
        (
            ["run", "--dais", "2"],
            "'--dais' is no option of this command. Did you mean '--days'? See --help.",
        ),
        (["run", "--zzz"], "'--zzz' is no option of this command. See --help."),
        (["run", "--days"], "--days needs a value. See --help."),
    ],
)
def test_a_wrong_word_is_a_sentence_with_what_was_meant(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(words) == 2
    assert said(capsys) == sentence


def test_a_wrong_word_is_refused_in_chinese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "zh")
    assert answer(["rnu"]) == 2
    assert (
        said(capsys)
        == "没有“rnu”这个命令。是不是“run”？命令：init, check, plan, run, serve, ledger。"
    )


def test_a_mistake_of_ours_is_a_sentence_that_names_its_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(door, "door", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert answer(["run"]) == 3
    (trace,) = tmp_path.iterdir()
    assert said(capsys) == (
        f"A mistake of ours (ZeroDivisionError: by nought). Its trace is in {trace}."
    )
    assert "in broken" in trace.read_text(encoding="utf-8")


def test_a_reader_who_closes_the_pipe_gets_no_trace() -> None:
    program = Path(sys.executable).with_name("zeropark")
    asked = f"'{program}' --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", asked],  # noqa: S607 - bash of the path
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
