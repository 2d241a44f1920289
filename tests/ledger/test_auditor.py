"""The stand-alone verifier: it needs nothing of zeropark, and finds whatever was changed."""

from __future__ import annotations

import ast
import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.made_log import START, Log, key
from tests.ledger.test_merkle import TREE
from zeropark.data.errors import DataError
from zeropark.ledger import auditor, canonical, heads, keys, leaf, merkle, rowform, signed
from zeropark.ledger.auditor import Broken
from zeropark.ledger.proof import AUDITOR
from zeropark.ledger.signed import fingerprint, public_bytes

# RFC 8032 7.1, tests 1 to 3 and "SHA(abc)": public key, message, signature.
PUBLISHED = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
            "f9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
            "f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
            "dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3f"
            "eebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
            "e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


def made() -> tuple[Log, dict[str, Any]]:
    """Return a log and the proof of two readings, a whole batch and a posting."""
    log = Log()
    first, second = log.add(7), log.add(3)
    kept = log.head()
    posting = log.post(5)
    log.add(1)
    items = log.item(first, [0, 6]), log.item(second), log.item(posting)
    return log, json.loads(json.dumps(log.prove(*items, earlier=(kept,))))


def trusted(log: Log) -> str:
    """Return the fingerprint of the log's key."""
    return fingerprint(public_bytes(log.signer))


def test_it_imports_nothing_but_pythons_own_and_cryptography_where_it_is() -> None:
    tree = ast.parse(AUDITOR.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    assert found - sys.stdlib_module_names == {"cryptography"}


def test_it_is_written_in_the_python_it_asks_for() -> None:
    written = AUDITOR.read_text(encoding="utf-8")
    assert "needs Python 3.9" in written
    assert ast.parse(written, feature_version=(3, 9)).body
    # What came later and a syntax tree does not show.
    assert not re.search(r"strict=|bit_count|removeprefix|dt\.UTC|datetime\.UTC|\bmatch ", written)


@pytest.mark.parametrize(("public", "message", "signature"), PUBLISHED)
def test_its_own_ed25519_holds_the_published_vectors(
    public: str, message: str, signature: str
) -> None:
    given = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert auditor.ed25519_verify(*given)
    flipped = bytes([given[2][0] ^ 1]) + given[2][1:]
    assert not auditor.ed25519_verify(given[0], given[1], flipped)
    assert not auditor.ed25519_verify(given[0], given[1] + b"\0", given[2])


@given(st.binary(max_size=40), st.integers(0, 95), st.integers(0, 7), st.booleans())
def test_its_own_ed25519_says_what_the_library_says(
    message: bytes, at: int, bit: int, change: bool
) -> None:
    whole = bytearray(public_bytes(key(3)) + key(3).sign(message))
    if change:
        whole[at] ^= 1 << bit
    public, signature = bytes(whole[:32]), bytes(whole[32:])
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        due = True
    except (InvalidSignature, ValueError):
        due = False
    assert auditor.ed25519_verify(public, message, signature) is due


@given(st.integers(1, 5000), st.data())
def test_its_trees_are_those_of_the_ledger(size: int, data: st.DataObject) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    own, path, root = merkle.leaf_hash(b"%d" % index), TREE.inclusion(index, size), TREE.root(size)
    assert auditor._is_included(own, index, size, path, root)
    both = TREE.consistency(old, size)
    assert auditor._begins(old, size, TREE.root(old), root, both)
    # Whatever is changed, both ways to check say the same.
    at = data.draw(st.integers(0, 14))
    change = data.draw(st.sampled_from(["drop", "swap", "add", "index", "size"]))
    index, size = index + (change == "index"), size + (change == "size")
    for some in (path, both):
        if change == "drop":
            del some[at : at + 1]
        elif change == "swap" and at < len(some):
            some[at] = own
        elif change == "add":
            some.insert(at, own)
    assert auditor._is_included(own, index, size, path, root) == merkle.verify_inclusion(
        own, index, size, path, root
    )
    assert auditor._begins(old, size, TREE.root(old), root, both) == merkle.verify_consistency(
        old, size, TREE.root(old), root, both
    )


def test_a_whole_proof_holds_and_says_what_was_read() -> None:
    log, document = made()
    found = auditor.audit(document, trusted(log), [])
    assert found.lines[0].en == "FIELD: what meters measured; store works-1"
    assert found.lines[-1].en == "3 leaves and 5 readings lie in the log under this head"
    assert [each["value"] for each in found.readings] == [1000, 1006, 1007, 1008, 1009]
    assert found.readings[0] == {
        "quality": "measured",
        "source": 7,
        "point": 42,
        "start_ms": START,
        "length_ms": 900_000,
        "value": 1000,
        "known_at_ms": START + 905_000,
        "sequence": 0,
        "flags": 0,
        "start": "2026-01-01T00:00:00+00:00",
    }


def test_a_simulated_store_says_so_first() -> None:
    log = Log(nature="simulated")
    found = auditor.audit(log.prove(), None, [])
    assert found.lines[0].en.startswith("SIMULATED: made by a simulation; nothing here may be")
    assert "nobody has vouched for this key" in found.lines[3].en


def changed(document: dict[str, Any], place: tuple[Any, ...], to: Any) -> dict[str, Any]:
    """Return a copy with another value at a place; `to` may be a function of the old one."""
    other = copy.deepcopy(document)
    inner: Any = other
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = to(inner[place[-1]]) if callable(to) else to
    return other


def flipped(digits: str) -> str:
    """Return hexadecimal digits with another last one."""
    return digits[:-1] + ("0" if digits[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("place", "to", "sentence"),
    [
        (("head", "signature"), flipped, "head: the signature does not fit the text"),
        (
            ("head", "signed"),
            lambda text: text.replace('"size":"6"', '"size":"5"'),
            "head: the signature does not fit the text",
        ),
        (("birth", "path", 0), flipped, "birth: does not lie in the log under this head"),
        (
            ("birth", "leaf"),
            lambda text: text.replace("field", "simulated"),
            "birth: does not lie in the log under this head",
        ),
        (("keys", 0, "signature"), flipped, "keys[0]: the signature does not fit the text"),
        (("keys",), [], "head: signed with a key that is none of this log's"),
        (("items", 0, "index"), "3", "items[0]: does not lie in the log under this head"),
        (("items", 0, "leaf"), lambda t: t.replace("7", "8", 1), "items[0]: does not lie in the"),
        (("items", 0, "rows", 0, "row"), flipped, "items[0].rows[0]: this reading does not lie in"),
        (("items", 0, "rows", 1, "index"), "5", "items[0].rows[1]: this reading does not lie in"),
        (("items", 0, "rows", 1, "path", 0), flipped, "items[0].rows[1]: this reading does not"),
        (("items", 1, "batch"), flipped, "items[1]: the batch's rows are not those under its root"),
        (("items", 1, "batch"), lambda d: d[:-104], "items[1]: the batch's rows are not those"),
        (("items", 2, "path"), [], "items[2]: does not lie in the log under this head"),
        (
            ("earlier", 0, "path", 0),
            flipped,
            "earlier[0]: the log does not begin with the 4 leaves",
        ),
        (("earlier", 0, "path"), [], "earlier[0]: the log does not begin with the 4 leaves"),
    ],
)
def test_whatever_is_changed_is_found_and_named(
    place: tuple[Any, ...], to: Any, sentence: str
) -> None:
    log, document = made()
    with pytest.raises(Broken) as broken:
        auditor.audit(changed(document, place, to), trusted(log), [])
    assert broken.value.en.startswith(sentence)
    assert broken.value.code == auditor.NO


@given(st.data())
def test_any_flipped_digit_of_any_hash_row_or_signature_is_found(data: st.DataObject) -> None:
    log, document = MADE
    places = [*_hexadecimal(document, ())]
    place = data.draw(st.sampled_from(places))
    digits: Any = document
    for step in place:
        digits = digits[step]
    at = data.draw(st.integers(0, len(digits) - 1))
    other = "0123456789abcdef"[(int(digits[at], 16) + 1 + data.draw(st.integers(0, 14))) % 16]
    broken = changed(document, place, digits[:at] + other + digits[at + 1 :])
    if other != digits[at]:
        with pytest.raises(Broken):
            auditor.audit(broken, trusted(log), [])


def _hexadecimal(value: Any, place: tuple[Any, ...]) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in pairs:
        if isinstance(inner, dict | list):
            yield from _hexadecimal(inner, (*place, step))
        elif len(inner) >= 64 and set(inner) <= set("0123456789abcdef"):
            yield (*place, step)


MADE = made()


@pytest.mark.parametrize(
    "place",
    [
        ("kind",),
        ("version",),
        *(("head",), ("head", "signed"), ("keys",), ("birth",), ("items",), ("earlier",)),
        *(("items", 0, "leaf"), ("items", 0, "index"), ("items", 0, "path"), ("items", 0, "rows")),
        *(("items", 1, "batch"), ("earlier", 0, "head"), ("keys", 0, "signed")),
    ],
)
@pytest.mark.parametrize(
    "to", [None, 5, "x", [5], {"a": 1}, "\ud800", "[" * 5000, "9" * 5000, '{"a":"1","a":"2"}']
)
def test_a_malformed_proof_is_refused_and_is_no_fault_of_the_program(
    place: tuple[Any, ...], to: Any
) -> None:
    log, document = MADE
    with pytest.raises(Broken):
        auditor.audit(changed(document, place, to), trusted(log), [])


@pytest.mark.parametrize("document", [None, [], "x", 5, {}])
def test_what_is_no_proof_at_all_is_a_wrong_input(document: Any) -> None:
    with pytest.raises(Broken, match="this is no proof of this version") as broken:
        auditor.audit(document, None, [])
    assert broken.value.code == auditor.WRONG_INPUT


def test_a_row_of_a_newer_layout_is_refused_as_such() -> None:
    log = Log()
    rows = bytearray(rowform.encode(rowform.blank(2)))
    rows[0] = 2
    said = {"count": "2", "kind": "readings", "layout": "1", "root": _root(rows)}
    log.leaves.append(canonical.dumps(said))
    log.batches[2] = bytes(rows)
    with pytest.raises(Broken, match=r"batch\[0\]: layout 1 is missing or of the wrong kind"):
        auditor.audit(log.prove(log.item(2)), None, [])


def _root(rows: bytearray) -> str:
    return merkle.row_root(bytes(rows), rowform.WIDTH).hex()


def test_a_missing_reading_has_no_value() -> None:
    log = Log()
    rows = rowform.blank(2)
    said = {"count": "2", "kind": "readings", "layout": "1", "root": _root(bytearray(rows))}
    log.leaves.append(canonical.dumps(said))
    log.batches[2] = rowform.encode(rows)
    found = auditor.audit(log.prove(log.item(2)), None, [])
    assert [each["value"] for each in found.readings] == [None, None]


# -- keys ----------------------------------------------------------------------------------------


def test_a_key_handed_on_is_vouched_for_by_the_one_before() -> None:
    log = Log()
    log.add(2)
    log.state(keys.rotated(log.signer, public_bytes(key(2)), 1, START + 3_500))
    log.signer = key(2)
    document = log.prove()
    assert auditor.audit(document, fingerprint(public_bytes(key(1))), []).fingerprint
    assert auditor.audit(document, fingerprint(public_bytes(key(2))).upper(), []).fingerprint
    with pytest.raises(Broken, match="is neither the one you trust nor was it handed on by it"):
        auditor.audit(document, fingerprint(public_bytes(key(3))), [])


def test_a_trusted_key_does_not_vouch_for_the_one_before_it() -> None:
    log = Log()
    log.state(keys.rotated(log.signer, public_bytes(key(2)), 1, START + 50_000))
    with pytest.raises(Broken, match="is neither the one you trust"):
        auditor.audit(log.prove(), fingerprint(public_bytes(key(2))), [])


def test_a_lost_key_means_a_new_epoch_that_says_so_and_is_not_vouched_for() -> None:
    log = Log()
    log.state(keys.begun(key(2), 2, START + 5_000, "the disk with the key is gone"))
    log.signer, log.epoch = key(2), 2
    log.add(1)
    document = changed(log.prove(), ("head",), log.head(START + 9_000).document())
    found = auditor.audit(document, fingerprint(public_bytes(key(2))), [])
    assert any(
        "the key before was lost: a new epoch 2 began on 2026-01-01T00:00:05+00:00" in line.en
        for line in found.lines
    )
    with pytest.raises(Broken, match="ask for the new fingerprint by another way"):
        auditor.audit(document, fingerprint(public_bytes(key(1))), [])


def test_a_head_signed_after_its_key_was_revoked_does_not_count() -> None:
    log = Log()
    log.add(2)
    good = log.prove()
    revoked = public_bytes(log.signer)
    log.state(keys.revoked(revoked, log.signer, 1, START + 4_000, START + 3_500, "seen by others"))
    statements = [each.document() for each in log.statements]
    auditor.audit(changed(good, ("keys",), statements), None, [])
    late = changed(log.prove(), ("head",), log.head(START + 3_500).document())
    with pytest.raises(
        Broken, match=r"head: signed on .* its key may sign from .* until .*00:00:03"
    ):
        auditor.audit(late, None, [])


# -- heads kept before ---------------------------------------------------------------------------


def test_a_kept_head_is_held_against_the_log() -> None:
    log, document = made()
    kept = document["earlier"][0]["head"]
    found = auditor.audit(document, trusted(log), [("mine.json", kept)])
    assert "mine.json: the log still begins with the 4 leaves of" in found.lines[-2].en


def test_a_kept_head_without_a_proof_of_consistency_is_asked_for() -> None:
    log, document = made()
    kept = document["earlier"][0]["head"]
    bare = changed(document, ("earlier",), [])
    with pytest.raises(Broken, match="mine: the proof holds no consistency with it; ask for one "):
        auditor.audit(bare, trusted(log), [("mine", kept)])


def test_a_kept_head_beyond_the_proof_means_that_leaves_were_lost() -> None:
    log, document = made()
    log.post(1)
    with pytest.raises(Broken, match="mine: the head you kept signs 7 leaves, this one 6"):
        auditor.audit(document, trusted(log), [("mine", log.head().document())])


def test_a_head_of_another_store_is_not_taken_for_this_one() -> None:
    log, document = made()
    other = Log(store="works-2")
    kept = other.head().document()
    one = changed(document, ("earlier",), [{"head": kept, "path": []}])
    with pytest.raises(Broken, match=r"earlier\[0\]: is a head of the store works-2 \(field\)"):
        auditor.audit(one, trusted(log), [])


def test_the_key_holder_who_rewrites_a_reading_is_exposed_by_a_head_kept_before() -> None:
    """Someone with the store and the key changes one reading, rebuilds and re-signs all."""
    log = Log()
    batch = log.add(4)
    log.post(1)
    kept = log.head()
    log.add(2)
    rows = rowform.decode(log.batches[batch]).copy()
    rows["value"][2] -= 500
    log.leaves[batch], log.batches[batch] = leaf.readings(rows), rowform.encode(rows)
    forged = log.prove(log.item(batch, [2]))
    # By itself the forgery is flawless: right key, right signature, right proofs.
    assert auditor.audit(forged, trusted(log), []).readings[0]["value"] == 1002 - 500
    # It cannot be shown to follow from the head that was kept ...
    with pytest.raises(DataError, match="the past was rewritten"):
        log.prove(log.item(batch, [2]), earlier=(kept,))
    with pytest.raises(Broken, match="kept: the proof holds no consistency with it"):
        auditor.audit(forged, trusted(log), [("kept", kept.document())])
    # ... not even with a path made from the forged tree, or a head of that size signed again.
    size = heads.read(kept, "kept").size
    path = [each.hex() for each in log.tree().consistency(size)]
    made_up = changed(forged, ("earlier",), [{"head": kept.document(), "path": path}])
    with pytest.raises(Broken, match=r"earlier\[0\]: the log does not begin with the 4 leaves"):
        auditor.audit(made_up, trusted(log), [])
    old_tree = merkle.Tree(merkle.leaf_hashes(log.leaves[:size]))
    again = heads.sign(
        old_tree, log.signer, store=log.store, nature="field", epoch=1, at=START + 4_000
    )
    made_up = changed(forged, ("earlier",), [{"head": again.document(), "path": path}])
    with pytest.raises(Broken, match=r"kept: the log does not begin with the 4 leaves signed on"):
        auditor.audit(made_up, trusted(log), [("kept", kept.document())])


# -- the program ---------------------------------------------------------------------------------


def test_it_runs_alone_and_without_the_library(tmp_path: Path) -> None:
    log, document = made()
    shutil.copy(AUDITOR, tmp_path / "auditor.py")
    (tmp_path / "proof.json").write_text(json.dumps(document), encoding="utf-8")
    kept = json.dumps(document["earlier"][0]["head"])
    (tmp_path / "mine.json").write_text(kept, encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        # -S -I: no site-packages, so neither zeropark nor cryptography is there.
        return subprocess.run(
            [sys.executable, "-S", "-I", "auditor.py", *words],
            cwd=tmp_path,
            env={"ZEROPARK_LANG": "en"},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("proof.json", "--fingerprint", trusted(log), "--kept", "mine.json", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "FIELD: what meters measured; store works-1"
    assert json.loads(lines[-1])["value"] == 1009
    log.signer = key(9)
    (tmp_path / "proof.json").write_text(json.dumps(log.prove()), encoding="utf-8")
    done = run("proof.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "head: signed with a key that is none of this log's\n"
    done = run("mine.json")
    assert done.returncode == 2
    assert run("absent.json").returncode == 2


def test_it_speaks_chinese_where_the_environment_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "zh")
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(made()[1]), encoding="utf-8")
    assert auditor.main([str(path)]) == 0
    assert capsys.readouterr().out.startswith("现场：仪表所测；账本 works-1\n签名头含 6 个叶")
    path.write_text("{", encoding="utf-8")
    assert auditor.main([str(path)]) == 2
    assert "无法读作 JSON" in capsys.readouterr().err


def test_the_ledger_and_the_auditor_refuse_the_same_heads() -> None:
    log = Log()
    head = log.head()
    broken = signed.Signed(head.text, bytes(64))
    with pytest.raises(DataError, match="x: the signature does not fit the text"):
        heads.read(broken, "x")
    with pytest.raises(Broken, match="x: the signature does not fit the text"):
        auditor._head(broken.document(), "x")
