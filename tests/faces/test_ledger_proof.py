"""`zeropark ledger verify|prove|key|witness`: what a person types, sees and is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from tests.ledger.made_up import QUARTER, Hand, clock_at, offer
from zeropark.faces.cli import ledger_sign
from zeropark.faces.cli.door import answer
from zeropark.ledger import door, keyfile
from zeropark.ledger.place import FILE
from zeropark.ledger.registry import Point
from zeropark.ledger.store import Store, create
from zeropark.ledger.witness import Witness

NOON = 1_776_427_200_000  # 2026-04-17T12:00Z


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")
    monkeypatch.delenv("ZEROPARK_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def park(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make a store with four readings of one meter; ZEROPARK_STORE names it."""
    folder, hand = tmp_path / "park", Hand(NOON)
    create(folder, "field", clock_at(hand), reserve=1 << 12)
    with Store(folder, "test", clock=clock_at(hand), reserve=1 << 12) as store:
        store.register([Point("works/node", "Wh", interval=QUARTER)])
        store.source("gateway")
        for number in range(4):
            offer(store, 0, NOON - (5 - number) * QUARTER, 100 + number)
    monkeypatch.setenv("ZEROPARK_STORE", str(folder))
    return folder


def say(*words: str) -> int:
    """Ask the command line."""
    return answer(["ledger", *words])


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what a command answers as JSON; it succeeds."""
    capsys.readouterr()
    assert say(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the sentence a command refuses its input with."""
    capsys.readouterr()
    assert say(*words) == 2
    return capsys.readouterr().err.rstrip("\n")


def test_from_a_key_to_a_proof_that_an_auditor_checks_alone(
    park: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = told(capsys, "key", "new", "a.key")
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "a.key").unlink()
    made = told(capsys, "key", "new", "a.key", "--store", str(park))
    assert [each["fingerprint"] for each in told(capsys, "key", "show")] == [made["fingerprint"]]
    assert say("key", "sign", "--key", "a.key", "--out", "kept.json") == 0
    assert say("prove", "works/node@2026-04-17T11:15Z", "--out", "proof.json") == 0
    verdict = told(capsys, "verify", "--head", "kept.json", "--fingerprint", made["fingerprint"])
    assert (verdict["holds"], verdict["nature"], verdict["rows"]) == (True, "field", 4)
    held = told(capsys, "verify", "--proof", "proof.json", "--head", "kept.json")
    assert [each["value"] for each in held["readings"]] == [102]
    alone = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "verify_proof.py", "proof.json", "--kept", "kept.json"),
            *("--fingerprint", made["fingerprint"]),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ZEROPARK_LANG": "en"},
    )
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.startswith("FIELD: what meters measured; store ")


def test_what_was_changed_is_told_with_exit_code_one(
    park: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("verify") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("FIELD: what meters measured; store ")
    assert out[-1] == "nothing was changed"
    database = apsw.Connection(str(park / FILE))
    database.execute("UPDATE batch SET row_count = 7 WHERE size = 4")
    database.close()
    assert say("verify") == 1
    out = capsys.readouterr().out.splitlines()
    assert out[-2].startswith("batch of leaf 3: holds 0, 7, ")
    assert out[-1] == "1 faults"
    assert say("verify", "--json") == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False


def test_a_key_is_handed_on_revoked_lost_and_backed_up(
    park: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = told(capsys, "key", "new", "a.key", "--store", str(park))
    assert "has the key" in refused(capsys, "key", "new", "b.key", "--store", str(park))
    assert not (tmp_path / "b.key").exists()
    second = told(capsys, "key", "rotate", "b.key", "--key", "a.key")
    assert "is not the store's" in refused(capsys, "key", "sign", "--key", "a.key")
    words = ("--since", "2026-04-17T11:00Z", "--why", "seen by others", "--key", "b.key")
    assert say("key", "revoke", first["fingerprint"][:8], *words) == 0
    assert "no key of this store begins like this" in refused(capsys, "key", "revoke", "xx", *words)
    shown = told(capsys, "key", "show")
    assert [each["until"] for each in shown] == ["2026-04-17T11:00:00Z", None]
    third = told(capsys, "key", "lost", "c.key", "--why", "the disk is gone")
    shown = told(capsys, "key", "show")
    assert [each["epoch"] for each in shown] == [1, 1, 2]
    assert [each["signs"] for each in shown] == [False, False, True]
    assert shown[1]["fingerprint"] == second["fingerprint"]
    (tmp_path / "words").write_text("a long passphrase\n", encoding="utf-8")
    opens = ("--passphrase", "words")
    assert told(capsys, "key", "backup", "c.sealed", "--key", "c.key", *opens) == third
    assert told(capsys, "key", "restore", "c.sealed", "again.key", *opens) == third
    assert say("key", "sign", "--key", "again.key") == 0
    assert say("verify") == 0


def test_a_witness_keeps_the_newest_head_in_a_folder_and_behind_a_url(
    park: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("key", "new", "a.key", "--store", str(park)) == 0
    assert say("key", "new", "w.key") == 0
    assert "no signed head" in refused(capsys, "witness", "kept", "--key", "w.key")
    assert say("key", "sign", "--key", "a.key") == 0
    assert "the log's own" in refused(capsys, "witness", "kept", "--key", "a.key")
    assert "no key was named" in refused(capsys, "witness", "kept")
    seen = told(capsys, "witness", "kept", "--key", "w.key")
    assert set(seen) == {"signed", "signature", "witness"}
    assert say("key", "sign", "--key", "a.key") == 0
    keeper = Witness(tmp_path / "kept", keyfile.load(tmp_path / "w.key"))
    server = door.server(keeper, "127.0.0.1", 0)
    opened = threading.Thread(target=server.serve_forever, args=(0.01,))
    opened.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        assert say("witness", url) == 0
        assert told(capsys, "verify", "--head", url, "--head", "kept")["heads"] == 2 + 2 + 2
        assert say("prove", "leaf:3", "--head", url, "--out", "proof.json") == 0
        assert say("verify", "--proof", "proof.json", "--head", "kept") == 0
    finally:
        server.shutdown()
        server.server_close()
        opened.join()


def test_a_store_whose_past_was_rewritten_does_not_pass_the_witness(
    park: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("key", "new", "a.key", "--store", str(park)) == 0
    assert say("key", "new", "w.key") == 0
    assert say("key", "sign", "--key", "a.key", "--out", "kept.json") == 0
    assert say("witness", "kept", "--key", "w.key") == 0
    database = apsw.Connection(str(park / FILE))
    change = "UPDATE leaf SET body = CAST(replace(body, 'works', 'wurst') AS BLOB) WHERE size = 2"
    database.execute(change)
    database.close()
    sentence = refused(capsys, "witness", "kept", "--key", "w.key")
    assert "the past was rewritten" in sentence
    assert say("verify", "--head", "kept.json") == 1


def test_heads_are_signed_as_often_as_asked_where_the_log_went_on(
    park: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, "key", "new", "a.key", "--store", str(park))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        """Write an entry, hold the store, write nothing, and let the person end it."""
        waits.append(seconds)
        if len(waits) == 1:
            with Store(park, "works", reserve=1 << 12) as store:
                store.note("command", {"set": 1})
            # So that the head is older than a second, by whatever clock.
            time.sleep(1.01)
        elif len(waits) == 2:
            held.append(Store(park, "works", reserve=1 << 12))
        elif len(waits) == 3:
            held[0].close()
            time.sleep(1.01)
        else:
            raise KeyboardInterrupt

    held: list[Store] = []
    monkeypatch.setattr(ledger_sign, "time", SimpleNamespace(sleep=wait))
    capsys.readouterr()
    every = ("--every", "1s", "--json", "--out", "head.json")
    assert say("key", "sign", "--key", "a.key", *every) == 0
    out, err = capsys.readouterr()
    sizes = [int(json.loads(json.loads(line)["signed"])["size"]) for line in out.splitlines()]
    # The first head, then one over it and the command; no third, since only the head came since.
    assert sizes == [sizes[0], sizes[0] + 2]
    assert json.loads(Path("head.json").read_text(encoding="utf-8")) == json.loads(
        out.splitlines()[-1]
    )
    assert "'works' (process" in err
    assert waits == [1.0] * 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("prove", "leaf:99", "--out", "p"), "leaf:99: nothing of this id is in the log; write"),
        (("prove", "leaf:x", "--out", "p"), "leaf:x: nothing of this id is in the log; write"),
        (("prove", "t7", "--out", "p"), "t7: nothing of this id is in the log; write POINT@TIME"),
        (("prove", "leaf:1"), "Name the file with --out FILE, or print the proof with --json."),
        (
            ("prove", "works/nod@2026-04-17T11:15Z", "--out", "p"),
            "'works/nod' is no point of this store. Did you mean 'works/node'?",
        ),
        (
            ("prove", "works/node@2026-04-17T11:15", "--out", "p"),
            "'2026-04-17T11:15' is no moment with its zone; write the interval's start, such as",
        ),
        (("prove", "works/node@noon", "--out", "p"), "'noon' is no moment with its zone; write"),
        (
            ("prove", "works/node@2026-04-17T10:00Z", "--out", "p"),
            "works/node: no reading starts at 2026-04-17T10:00Z; see",
        ),
        (("verify", "--head", "absent.json"), "absent.json: does not exist. Check the path."),
        (("verify", "--head", "empty"), "empty: holds no head of this store."),
        (("verify", "--head", "strange.json"), "strange.json: is no signed statement; it needs"),
        (("verify", "--proof", "strange.json"), "strange.json: is no proof of zeropark."),
        (("verify", "--proof", "absent.json"), "absent.json: does not exist. Check the path."),
        (("verify", "--store", "absent"), "absent: no store is there; make one, or check the"),
        (("witness", "http://park.example"), "http://park.example: allowed are https, and http"),
        (("witness", "k", "--serve", "here"), "'here' is no HOST:PORT, such as 127.0.0.1:8470."),
        (("witness", "k", "--serve", "0.0.0.0:1"), "0.0.0.0: a witness listens on this machine"),
        (("key", "sign"), "no key was named; give --key FILE, set ZEROPARK_KEY, or run as a"),
        (("key", "new", "park/a.key", "--store", "park"), "park/a.key: lies in the store's folder"),
        (("key", "sign", "--key", "strange.json"), "strange.json: others than its owner may read"),
        (
            ("key", "revoke", "3f", "--since", "soon", "--why", "x", "--key", "a.key"),
            "'soon' is no date; write 2026-04-17 or 2026-04-17T12:00Z.",
        ),
        (("key", "sign", "--every", "1"), "--every: "),
        (("key", "sign", "--every", "0.9s"), "--every '0.9s': out of range. Allowed: 1 s to 366"),
        (("key", "sign", "--every", "367d"), "--every '367d': out of range. Allowed: 1 s to 366"),
        (("key", "nwe"), "'nwe' is no command. Did you mean 'new'? Commands: new, show, sign,"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    park: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange.json").write_text("[]", encoding="utf-8")
    (tmp_path / "strange.json").chmod(0o644)
    assert say("key", "new", "a.key", "--store", str(park)) == 0
    assert say("key", "sign", "--key", "a.key") == 0
    assert refused(capsys, *words).startswith(sentence)


def test_a_span_of_readings_is_proven_whole(park: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("key", "new", "a.key", "--store", str(park)) == 0
    assert say("key", "sign", "--key", "a.key") == 0
    span = "works/node@2026-04-17T11:00Z..2026-04-17T11:30Z"
    assert say("prove", span, "works/node@2026-04-17T11:00Z", "--out", "proof.json") == 0
    held = told(capsys, "verify", "--proof", "proof.json")
    assert [each["value"] for each in held["readings"]] == [101, 102]


def test_a_reading_after_the_newest_head_asks_for_a_newer_one(
    park: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "the store has no signed head yet" in refused(capsys, "prove", "leaf:1", "--out", "p")
    assert say("key", "new", "a.key", "--store", str(park)) == 0
    assert say("key", "sign", "--key", "a.key") == 0
    assert "sign a new one" in refused(capsys, "prove", "leaf:8", "--out", "p")


def test_a_second_process_is_told_who_holds_the_store(
    park: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(park, "operate", reserve=1 << 12):
        assert "operate" in refused(capsys, "key", "new", "a.key", "--store", str(park))
        assert say("verify") == 0


def test_a_group_of_commands_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert say("key") == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: zeropark ledger key [OPTIONS] COMMAND")
    assert say("verify", "--help") == 0
    assert "Examples:\n  zeropark ledger verify --store park\n" in capsys.readouterr().out
