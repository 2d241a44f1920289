"""`zeropark check` and `zeropark init`: what they print, refuse and leave on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zeropark.faces.cli.door import answer

from .tiny import TINY

PARK = f"{TINY}  - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}\n"
LOAD = "time,load_kw\n" + "".join(f"2026-01-01 {hour:02d}:00,{hour}\n" for hour in range(24))


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "park.yaml"
    path.write_text(PARK, encoding="utf-8")
    return path


def test_a_park_without_mistakes_is_summed_up(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["check", str(file)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "0 mistakes\n"
        "\n"
        "Park     tiny\n"
        "Place    36.6°, 101.8°, 2260 m, Asia/Shanghai\n"
        "Nodes    bus (electricity)\n"
        "Assets   Grid tie, Load\n"
        "Tariffs  simple\n"
    )
    assert " assumed or recalled, 8 without a source\n" in shown


def test_an_old_park_file_is_told_how_it_is_lifted(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["check", str(file)]) == 0
    sentence = "the file does not say its form; lift it with the line 'schema: 1' before all others"
    assert capsys.readouterr().out.endswith(f"\n\n{file}: {sentence}\n")
    file.write_text(f"schema: 1\n{PARK}")
    assert answer(["check", str(file)]) == 0
    assert capsys.readouterr().out.endswith(" 8 without a source\n")
    assert answer(["check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lift"] is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("2", "the file has form 2; this version reads 1. Use a newer zeropark"),
        ("0", "'0' is no form of a park file; allowed: 1"),
        ("true", "is no form of a park file; allowed: 1"),
        ("1.0", "is no form of a park file; allowed: 1"),
        ("one", "'one' is no form of a park file; allowed: 1"),
        ("", "is no form of a park file; allowed: 1"),
    ],
)
def test_a_form_that_is_not_read_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], given: str, words: str
) -> None:
    file.write_text(f"schema: {given}\n{PARK}")
    assert answer(["check", str(file)]) == 2
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("park.yaml:1: schema: ")
    assert first.endswith(words)
    assert last == "1 mistake"


@pytest.mark.parametrize("name", ["microgrid", "nanchuan"])
def test_a_shipped_park_says_its_form(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lift"] is None


def test_all_mistakes_are_printed_and_the_code_is_2(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(PARK.replace("5 MW", "5 kg").replace("kind: load", "kind: lod"))
    assert answer(["check", str(file)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "park.yaml:10: assets[0] 'tie' import_max: the unit of '5 kg' does not fit; "
        "allowed: W, kW, MW, GW, kWp, MWp"
    )
    assert lines[1].startswith(
        "park.yaml:11: assets[1] 'works' kind: unknown kind 'lod'. Did you mean 'load'? Allowed: "
    )
    assert lines[2:] == ["2 mistakes"]


def test_mistakes_are_told_in_chinese(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "zh")
    file.write_text(PARK.replace("5 MW", "-5 MW"))
    assert answer(["check", str(file)]) == 2
    assert capsys.readouterr().out == (
        "park.yaml:10: assets[0] 'tie' import_max: -5 MW 太小；可用：不小于 0 MW\n1 处错误\n"
    )


def test_json_holds_each_mistake_in_both_languages(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(PARK.replace("5 MW", "-5 MW"))
    assert answer(["check", str(file), "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["summary"] is None
    assert said["mistakes"] == [
        {
            "file": "park.yaml",
            "line": 10,
            "where": "assets[0] 'tie' import_max",
            "code": "greater_than_equal",
            "text": {
                "en": "-5 MW is too small; allowed: 0 MW or more",
                "zh": "-5 MW 太小；可用：不小于 0 MW",
            },
        }
    ]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (
            "en",
            (
                "--schema is alike for every park and reads no file. "
                "Leave out mine.yaml, or leave out --schema to check it.\n"
            ),
        ),
        (
            "zh",
            "--schema 对所有园区相同，不读任何文件。去掉 mine.yaml，或去掉 --schema 来检查它。\n",
        ),
    ],
)
def test_a_schema_is_of_no_file(
    language: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", language)
    assert answer(["check", "--schema", "mine.yaml"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", sentence)


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$defs"]["Battery"]["properties"]["p_nom"]["x-unit"] == "MW"


def test_a_dry_run_shows_how_a_file_would_be_read(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = file.with_name("meter.csv")
    load.write_text(LOAD)
    file.write_text(f"schema: 1\n{PARK}", encoding="utf-8")
    assert answer(["check", str(file), "--dry-run", "--load", str(load)]) == 0
    shown = capsys.readouterr().out.partition("without a source\n\n")[2]
    assert shown == (
        "File   meter.csv\n"
        "Rows   24, 60 min\n"
        "Zone   Asia/Shanghai\n"
        "First  2026-01-01 00:00\n"
        "Last   2026-01-02 00:00\n"
        "Gaps   none\n"
        "\n"
        "Column   Meaning\n"
        "time     time\n"
        "load_kw  load [kW]\n"
        "- times were read in the park's zone, Asia/Shanghai\n"
        "\n"
        "To confirm, paste into the park file:\n"
        "\n"
        "series:\n"
        "- name: my_load\n"
        "  of: load\n"
        "  file: meter.csv\n"
        "  time: time\n"
        "  column: load_kw\n"
        "  unit: kW\n"
        "  zone: Asia/Shanghai\n"
        "  stamps: start\n"
    )


def test_what_a_dry_run_shows_can_be_pasted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = file.with_name("meter.csv")
    load.write_text(LOAD)
    answer(["check", str(file), "--dry-run", "--load", str(load), "--json"])
    understood = json.loads(capsys.readouterr().out)["files"][0]
    file.write_text(PARK + understood["confirm"] + "\n")
    assert answer(["check", str(file), "--dry-run", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["files"][0]
    assert again["columns"] == understood["columns"]
    assert again["findings"] == []  # Nothing is guessed any more.


def test_mistakes_of_a_series_are_mistakes_of_the_park(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.with_name("meter.csv").write_text(LOAD.replace("05:00,5", "05:00,five"))
    file.write_text(PARK + "series:\n  - {name: meter, of: load, file: meter.csv}\n")
    assert answer(["check", str(file)]) == 2
    assert capsys.readouterr().out.splitlines()[0] == (
        "meter.csv:7: column 'load_kw': 'five' is not a number; mend the value or take the row out"
    )


def test_files_without_a_dry_run_are_refused(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["check", str(file), "--load", "meter.csv"]) == 2
    assert capsys.readouterr().err == "Your own files are shown with --dry-run; add it.\n"


def test_a_check_of_nothing_says_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["check"]) == 2
    assert capsys.readouterr().err == (
        "FILE is missing. Name a park file, or a shipped park such as microgrid.\n"
    )


def test_init_copies_a_park_that_has_no_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "mine"
    assert answer(["init", str(folder), "--park", "microgrid"]) == 0
    assert capsys.readouterr().out == (
        f"{folder} holds the park microgrid. Next: zeropark check {folder}/park.yaml\n"
    )
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "park.yaml"]
    assert answer(["check", str(folder / "park.yaml")]) == 0


def test_init_takes_an_empty_folder_and_refuses_a_full_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert answer(["init", str(folder)]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert answer(["init", str(folder)]) == 2
    assert capsys.readouterr().err == (
        f"{folder}: holds 'README.md' already. Choose a new or an empty folder.\n"
    )
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_init_of_an_unknown_park_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["init", str(tmp_path / "mine"), "--park", "microgid"]) == 2
    assert "microgrid" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_fails_half_way_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        del source
        target.mkdir()
        (target / "park.yaml").write_text("name:")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copytree", full)
    assert answer(["init", str(tmp_path / "mine")]) == 2
    assert "disk is full" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_takes_no_folder_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(source: Path, target: Path) -> None:
        del source
        raise FileNotFoundError(2, "No such file or directory", str(target))

    monkeypatch.setattr("shutil.copytree", nowhere)
    assert answer(["init", str(tmp_path / "mine")]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}/mine: no folder can be made here. Choose another place.\n"
    )
