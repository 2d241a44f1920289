"""`zeropark ledger`: a store from its birth to its copy, by commands alone."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from zeropark.faces.cli.door import answer

WORKS = Path(__file__).parents[1] / "ledger" / "excerpts" / "steel_works.csv"
# A file of whole days tells by itself that its times are ends; a part of one does not.
FILE = (str(WORKS), "--asset", "works", "--stamps", "end")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "store"
    assert answer(["ledger", "new", str(folder), "--nature", "field"]) == 0
    monkeypatch.setenv("ZEROPARK_STORE", str(folder))
    return folder


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert answer(["ledger", *words]) == 0, words
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert answer(["ledger", *words]) == 2, words
    out, err = capsys.readouterr()
    return (out + err).strip()


def test_a_store_lives_through_a_day(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = json.loads(asked(capsys, "import", *FILE, "--dry-run", "--json"))
    assert shown["counts"] == {"accepted": 99}
    assert shown["points"] == [{"name": "works/usage-kwh", "unit": "Wh", "measures": "interval"}]
    assert "Nothing." in asked(capsys, "query")
    assert "99: taken" in asked(capsys, "import", *FILE)
    # Midnight in Xining is 16:00 UTC; the first day's 8 hours of UTC are 32 quarter-hours.
    days = json.loads(
        asked(capsys, "query", "--point", "works/usage-kwh", "--step", "day", "--json")
    )
    assert [row["readings"] for row in days["rows"]] == [32, 67]
    assert sum(row["total"] for row in days["rows"]) == 362_190
    assert days["nature"] == "field"
    assert "works/usage-kwh" in asked(capsys, "query", "--latest")
    entries = json.loads(asked(capsys, "query", "--kind", "source", "--json"))
    assert entries["rows"][0]["name"] == "import"
    assert asked(capsys, "query", "--health")
    assert "field, 4 entries" in asked(capsys, "tail")
    asked(capsys, "seal")
    assert "the newest; nothing to do" in asked(capsys, "upgrade", "--dry-run")
    file = str(tmp_path / "x.csv")
    assert "32 readings are in" in asked(capsys, "export", file, "--until", "2018-01-01")
    assert "32: known already" in asked(capsys, "import", file)
    asked(capsys, "backup", str(tmp_path / "copy"))
    asked(capsys, "restore", str(tmp_path / "copy"), str(tmp_path / "again"))
    again = json.loads(asked(capsys, "tail", "--store", str(tmp_path / "again"), "--json"))
    assert again["entries"][-1]["entry"]["kind"] == "restored"
    assert (again["size"], again["entries"][-1]["entry"]["size"]) == (5, "4")
    assert place.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["query", "--from", "2018-01-01T00:00"], "names no zone"),
        (["query", "--from", "soon"], "'soon' is no moment"),
        (["query", "--from", "2018-01-02", "--until", "2018-01-02"], "--until is not after --from"),
        (["query", "--step", "week"], "allowed: 15min, hour, day"),
        (["query", "--point", "pv/node"], "point 'pv/node' is not registered"),
        (["query", "--as-of", "2999-01-01"], "'as of' lies ahead"),
        (["export", "x.txt"], "ends in .csv or .parquet"),
        (["import", "none.csv"], "there is no such file"),
        (["import", str(WORKS), "--unit", "Usage_kWh"], "is no pair; write COLUMN=VALUE"),
        (["import", str(WORKS), "--zone", "Asia/Shangai"], "Did you mean 'Asia/Shanghai'"),
        (["import", str(WORKS), "--stamps", "middle"], "allowed: start, end"),
        (["quary"], "'quary' is no command. Did you mean 'query'?"),
        (["new", "x", "--nature", "feild"], "Did you mean 'field'"),
        (["tail", "--store", "nowhere"], "no store is there"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    place: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, *words)
    assert place.exists()


def test_no_store_named_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ZEROPARK_STORE", raising=False)
    assert "Add --store PLACE, or set ZEROPARK_STORE" in refused(capsys, "tail")


def test_a_run_posts_into_a_simulated_store_and_never_into_the_field(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", "microgrid", "--policy", "rules", "--no-compare", "--json"]
    out = ["--out", str(tmp_path / "out")]
    assert answer([*run, *out, "--store", str(place)]) == 2
    assert "this store holds the field" in capsys.readouterr().err
    simulated = str(tmp_path / "sim")
    assert answer([*run, *out, "--store", simulated]) == 0
    named = json.loads(capsys.readouterr().out)["ledger_run"]
    posted = json.loads(asked(capsys, "query", "--kind", "run", "--store", simulated, "--json"))
    assert [row["run"] for row in posted["rows"]] == [named]
    assert "simulated," in asked(capsys, "tail", "--store", simulated)


def test_a_run_shows_the_signed_head_of_its_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, simulated = str(tmp_path / "ledger.key"), str(tmp_path / "sim")
    asked(capsys, "key", "new", key)
    run = ["run", "microgrid", "--policy", "rules", "--no-compare", "--out", str(tmp_path / "out")]
    assert answer([*run, "--store", simulated, "--key", key]) == 0
    screen = " ".join(capsys.readouterr().out.split())
    head = json.loads((tmp_path / "out" / "run.json").read_text())["ledger_head"]
    assert json.loads(head["signed"])["root"] in screen
    # What the report prints is the head itself: copied out of it, it is one that was kept.
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    printed = re.findall(r'<div class="signed">.*?<code>(.*?)</code>', page, re.DOTALL)
    (tmp_path / "head.json").write_text(html.unescape(printed[0]))
    assert json.loads(html.unescape(printed[0])) == head
    kept = ("--head", str(tmp_path / "head.json"))
    said = json.loads(asked(capsys, "verify", "--store", simulated, *kept, "--json"))
    assert said["holds"]
    assert answer([*run, "--key", key]) == 2
    assert "name it with --store" in capsys.readouterr().err


def test_a_run_that_its_key_cannot_sign_is_refused_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = str(tmp_path / "sim")
    asked(capsys, "new", simulated, "--nature", "simulated")
    asked(capsys, "key", "new", str(tmp_path / "ours.key"), "--store", simulated)
    asked(capsys, "key", "new", str(tmp_path / "other.key"))
    # As in every command, the environment may name the key.
    monkeypatch.setenv("ZEROPARK_KEY", str(tmp_path / "other.key"))
    assert answer(["run", "microgrid", "--out", str(tmp_path / "out"), "--store", simulated]) == 2
    assert "is not the store's" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_gap_is_filled_by_a_named_method_and_a_claim_leaves_it_out(
    place: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "own.csv"
    rows = [f"w/p,2026-04-17T{h:02}:00:00Z,3600000,{v},Wh" for h, v in ((1, 4), (3, 8))]
    file.write_text("point,start,length_ms,value,unit\n" + "\n".join(rows), encoding="utf-8")
    asked(capsys, "import", str(file))
    words = ("fill", "w/p", "--from", "2026-04-17T01:00Z", "--until", "2026-04-17T04:00Z", "--by")
    assert "interval first" in refused(capsys, *words, "mean")
    asked(capsys, "point", "w/p", "--interval-s", "3600")
    shown = asked(capsys, *words, "mean", "--dry-run")
    method = "the mean of the readings on both sides, half to even"
    assert shown.splitlines() == [
        f"Gaps to fill with {method}: 1; left: 0. Nothing was written.",
        "For a claim they never count.",
    ]
    done = json.loads(asked(capsys, *words, "mean", "--json"))
    assert done["filled"] == [{"start": "2026-04-17T02:00:00.000Z", "value": 6}]
    day = ("query", "--step", "day", "--json")
    totals = [
        [row["total"] for row in json.loads(asked(capsys, *day, *more))["rows"]]
        for more in ((), ("--claim",))
    ]
    assert totals == [[18], [12]]
    assert "--claim sums; add --step." in refused(capsys, "query", "--claim")
    simulated = str(tmp_path / "sim")
    asked(capsys, "new", simulated, "--nature", "simulated")
    sentence = "This store is simulated; nothing in it may be claimed."
    assert sentence in refused(capsys, *day, "--claim", "--store", simulated)
    assert place.exists()
