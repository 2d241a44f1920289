"""A witness: it keeps heads, signs for them, and takes no head that forgets an earlier one."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.made_log import START, Log, key
from zeropark.data.errors import DataError
from zeropark.ledger import canonical, door, signed, witness
from zeropark.ledger.witness import Seen, Witness

AT = START + 60_000


@pytest.fixture
def keeper(tmp_path: Path) -> Witness:
    """Return a witness with an empty folder."""
    return Witness(tmp_path / "kept", key(8))


@pytest.fixture
def url(keeper: Witness) -> Iterator[str]:
    """Open the witness's door on this machine; return its URL."""
    server = door.server(keeper, "127.0.0.1", 0)
    # Asked often, so that the end of a test waits for no poll.
    open_door = threading.Thread(target=server.serve_forever, args=(0.01,))
    open_door.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    open_door.join()


def show(keeper: Witness, log: Log) -> Seen:
    """Show a witness the newest head of a log, with the proof it asks for."""
    path = witness.path_from(log.tree(), log.head(), keeper.latest(log.store))
    return keeper.see(log.head(), path, AT)


def rewritten(log: Log) -> Log:
    """Return the log with another third leaf, as long as before."""
    other = Log(leaves=[])
    other.leaves = [*log.leaves[:2], canonical.dumps({"kind": "posting"}), *log.leaves[3:]]
    return other


def test_heads_are_kept_and_signed_for_by_another_key(keeper: Witness, tmp_path: Path) -> None:
    log = Log()
    first = show(keeper, log)
    log.add(3)
    second = show(keeper, log)
    assert [each.head for each in keeper.all("works-1")] == [first.head, second.head]
    assert second.word is not None
    assert signed.check(second.word, "witness", "x") == signed.public_bytes(key(8))
    assert second.word.said == {
        "kind": "witness",
        "head": second.head.hash(),
        "store": "works-1",
        "size": "3",
        "root": log.tree().root().hex(),
        "at": str(AT),
        "key": signed.public_bytes(key(8)).hex(),
    }
    files = witness.kept_in(tmp_path / "kept")
    assert [each for _, each in files] == [first, second]
    assert files[1][0].endswith("works-1/00000000000000000003.json")
    assert witness.kept_in(Path(files[0][0])) == files[:1]


def test_the_same_head_again_is_no_new_one(keeper: Witness) -> None:
    log = Log()
    assert show(keeper, log) == show(keeper, log)
    assert len(keeper.all("works-1")) == 1


def test_a_rewritten_log_is_refused_and_nothing_of_it_is_kept(keeper: Witness) -> None:
    log = Log()
    log.add(3)
    log.add(3)
    kept = show(keeper, log).head
    for forged in (rewritten(log), rewritten(log)):
        forged.post(1)
        with pytest.raises(DataError, match="the past was rewritten"):
            show(keeper, forged)
        path = forged.tree().consistency(4)
        with pytest.raises(DataError, match="the past was rewritten"):
            keeper.see(forged.head(), path, AT)
    same_size = rewritten(log)
    with pytest.raises(DataError, match="the past was rewritten"):
        keeper.see(same_size.head(), [], AT)
    assert [each.head for each in keeper.all("works-1")] == [kept]


def test_a_log_that_was_cut_back_is_refused(keeper: Witness) -> None:
    log = Log()
    short = log.head()
    log.add(3)
    show(keeper, log)
    with pytest.raises(DataError, match="signs 3 leaves, and the log has 2: leaves were lost"):
        keeper.see(short, [], AT)


def test_the_logs_own_key_is_no_witness(tmp_path: Path) -> None:
    log = Log()
    with pytest.raises(DataError, match="the witness's key is the log's own"):
        Witness(tmp_path, log.signer).see(log.head(), [], AT)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("store", ["..", "", "a/b", "x" * 65, ".hidden", "/etc"])
def test_a_stores_name_leads_nowhere_else(keeper: Witness, store: str) -> None:
    with pytest.raises(DataError, match="is no id of a store"):
        keeper.see(Log(store=store).head(), [], AT)
    with pytest.raises(DataError, match="is no id of a store"):
        keeper.latest(store)


def test_a_changed_file_is_refused_when_it_is_read(keeper: Witness, tmp_path: Path) -> None:
    log = Log()
    seen = show(keeper, log)
    (file,) = (tmp_path / "kept").rglob("*.json")
    other = Log(store="works-2").head()
    document = seen.document()
    for changed in (
        {**document, "signature": "00" * 64},
        {**document, "witness": {**dict(document["witness"]), "signature": "00" * 64}},  # type: ignore[call-overload]
        {**document, **other.document()},
        {**document, "witness": {}},
    ):
        file.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(DataError):
            witness.kept_in(file)


# -- behind a URL --------------------------------------------------------------------------------


def test_a_witness_behind_a_url_keeps_the_same_heads(url: str, keeper: Witness) -> None:
    log = Log()
    log.add(2)
    first = door.submit(url, log.tree(), log.head())
    log.add(2)
    second = door.submit(url, log.tree(), log.head())
    assert [each for _, each in door.fetch(url, "works-1")] == keeper.all("works-1")
    assert keeper.all("works-1") == [first, second]
    assert door.fetch(url, "works-2") == []


def test_a_witness_behind_a_url_refuses_a_rewritten_log_in_its_own_words(
    url: str, keeper: Witness
) -> None:
    log = Log()
    log.add(3)
    log.add(3)
    door.submit(url, log.tree(), log.head())
    forged = rewritten(log)
    forged.post(1)
    # The ledger's own side sees it first ...
    with pytest.raises(DataError, match="kept head: the log's first 4 leaves are not those"):
        door.submit(url, forged.tree(), forged.head())
    # ... and a dishonest ledger is told by the witness.
    with pytest.raises(DataError, match=f"{url}: head: .*the past was rewritten") as refused:
        door._ask(url, "heads", {"head": forged.head().document(), "path": []})
    assert refused.value.key == "head-rewritten"
    assert refused.value.text.zh.endswith("过去被改写")
    assert len(keeper.all("works-1")) == 1


@pytest.mark.parametrize(
    ("page", "body", "status"),
    [
        ("/heads", b"{", 409),
        ("/heads", b'{"head": 5, "path": []}', 409),
        ("/heads", b'{"head": {"signed": "{}", "signature": "00"}, "path": ["zz"]}', 409),
        ("/heads", b'{"head": {}, "path": ["00"]}', 409),
        ("/elsewhere", b"{}", 404),
        ("/latest/..", None, 409),
        ("/nothing", None, 404),
    ],
)
def test_a_strange_knock_gets_a_sentence(
    url: str, page: str, body: bytes | None, status: int
) -> None:
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    line.request("GET" if body is None else "POST", page, body)
    answer = line.getresponse()
    said = json.loads(answer.read())
    line.close()
    assert answer.status == status
    assert set(said) == {"key", "en", "zh"}


@pytest.mark.parametrize(
    "place", ["http://park.example", "ftp://127.0.0.1", "file:///etc/passwd", "http://[::2]:1"]
)
def test_plain_http_does_not_leave_the_machine(place: str) -> None:
    with pytest.raises(DataError, match="allowed are https, and http on this machine"):
        door.fetch(place, "works-1")


def test_a_witness_that_is_not_there_is_a_sentence(keeper: Witness) -> None:
    server = door.server(keeper, "127.0.0.1", 0)
    port = server.server_address[1]
    server.server_close()
    with pytest.raises(DataError, match="does not answer"):
        door.fetch(f"http://127.0.0.1:{port}", "works-1")


def test_a_tree_a_witness_answers_for_is_the_one_that_was_sent(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, other = Log(), Log()
    log.add(2)
    other.post(1)
    strange = Seen(other.head(), None)
    monkeypatch.setattr(Witness, "see", lambda *_given: strange)
    with pytest.raises(DataError, match="answers what no witness answers"):
        door.submit(url, log.tree(), log.head())
