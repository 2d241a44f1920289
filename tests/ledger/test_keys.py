"""Keys: which may sign when, how they are kept, and what a lost one means."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger.made_log import START, Log, key
from zeropark.data.errors import DataError
from zeropark.ledger import canonical, heads, keyfile, keys, signed
from zeropark.ledger.keys import Keyring
from zeropark.ledger.signed import fingerprint, public_bytes

ONE, TWO, THREE = key(1), key(2), key(3)
BORN = keys.born(ONE, START)
HANDED_ON = keys.rotated(ONE, public_bytes(TWO), 1, START + 10)
OPENS_WITH = "correct horse battery"


def head(signer: Ed25519PrivateKey, at: int, epoch: int = 1) -> heads.Head:
    """Return the head of a small log signed at a moment."""
    log = Log(signer=signer, epoch=epoch)
    return heads.read(log.head(START + at), "head")


def refused(call: object, *given: object) -> DataError:
    """Return what a call refuses."""
    assert callable(call)
    with pytest.raises(DataError) as error:
        call(*given)
    return error.value


@pytest.mark.parametrize(
    ("signer", "at", "fits"),
    [
        *((ONE, -1, False), (ONE, 0, True), (ONE, 9, True), (ONE, 10, False)),
        *((TWO, 9, False), (TWO, 10, True), (TWO, 10**9, True), (THREE, 10, False)),
    ],
)
def test_a_key_signs_from_its_first_moment_until_the_next_key_begins(
    signer: Ed25519PrivateKey, at: int, *, fits: bool
) -> None:
    ring = Keyring([BORN, HANDED_ON])
    one = head(signer, at)
    if fits:
        assert ring.check(one, "head").key == public_bytes(signer)
    else:
        assert refused(ring.check, one, "head").key in {"key-period", "key-not-ours"}


def test_a_key_that_is_not_ours_is_named_beside_those_that_are() -> None:
    error = refused(Keyring([BORN]).check, head(THREE, 5), "head of size 2")
    known, strange = (fingerprint(public_bytes(each))[:16] for each in (ONE, THREE))
    assert error.text.en == (
        f"head of size 2: the key {strange} is none of this log's ({known}); it was signed "
        "elsewhere"
    )
    assert error.text.zh == (
        f"head of size 2：密钥 {strange} 不属于此日志（{known}）；它是在别处签的"
    )


def test_a_key_out_of_its_time_is_told_its_time() -> None:
    error = refused(Keyring([BORN, HANDED_ON]).check, head(ONE, 10_000), "head")
    one = fingerprint(public_bytes(ONE))[:16]
    assert error.text.en == (
        f"head: signed on 2026-01-01T00:00:10Z with the key {one}, which may sign from "
        "2026-01-01T00:00:00Z until before 2026-01-01T00:00:00Z in epoch 1"
    )


@pytest.mark.parametrize(("at", "fits"), [(4, True), (5, False), (20, False)])
def test_a_revoked_key_does_not_count_from_the_date_on(at: int, *, fits: bool) -> None:
    revoked = keys.revoked(public_bytes(ONE), TWO, 1, START + 20, START + 5, "seen by others")
    ring = Keyring([BORN, HANDED_ON, revoked])
    if fits:
        ring.check(head(ONE, at), "head")
    else:
        assert refused(ring.check, head(ONE, at), "head").key == "key-period"


def test_revoking_never_lets_a_key_sign_longer() -> None:
    revoked = keys.revoked(public_bytes(ONE), TWO, 1, START + 20, START + 15, "late")
    ring = Keyring([BORN, HANDED_ON, revoked])
    assert ring.periods[public_bytes(ONE)].until == START + 10


def test_a_new_epoch_is_signed_by_the_new_key_alone_and_vouched_for_by_nobody() -> None:
    ring = Keyring([BORN, keys.begun(TWO, 2, START + 10, "the key is lost")])
    assert ring.epoch == 2
    period = ring.check(head(TWO, 10, epoch=2), "head")
    assert period.vouched_by is None
    assert refused(ring.check, head(TWO, 10, epoch=1), "head").key == "key-period"


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ([HANDED_ON], "begins with 'rotate' instead of 'new'"),
        ([BORN, keys.born(TWO, START + 1)], "a second 'new'"),
        ([BORN, keys.rotated(THREE, public_bytes(TWO), 1, START + 10)], "'rotate' is signed by"),
        ([BORN, HANDED_ON, keys.rotated(ONE, public_bytes(THREE), 1, START + 20)], "not the log's"),
        ([BORN, keys.rotated(ONE, public_bytes(TWO), 2, START + 10)], "epoch 2 follows 1"),
        ([BORN, keys.begun(TWO, 3, START + 10, "lost")], "epoch 3 follows 1"),
        ([BORN, keys.rotated(ONE, public_bytes(ONE), 1, START + 10)], "comes back"),
        ([BORN, keys.rotated(ONE, public_bytes(TWO), 1, START - 1)], "is dated before the one"),
        (
            [
                BORN,
                keys.revoked(public_bytes(ONE), ONE, 1, START + 5, START + 5, "seen"),
                keys.rotated(ONE, public_bytes(TWO), 1, START + 6),
            ],
            "'rotate' is signed by",
        ),
    ],
)
def test_statements_that_do_not_follow_are_refused(
    statements: list[signed.Signed], words: str
) -> None:
    error = refused(Keyring, statements)
    assert error.key == "key-order"
    assert words in error.text.en


def test_a_statement_about_a_key_is_a_leaf_and_found_again() -> None:
    said = canonical.loads(keys.leaf(HANDED_ON))
    assert keys.of_leaf(said, "leaf 1") == HANDED_ON
    assert keys.of_leaf({"kind": "posting"}, "leaf 2") is None


def test_a_head_passes_for_no_statement_about_keys() -> None:
    error = refused(Keyring().take, Log().head(), "leaf 3")
    assert error.text.en == ("leaf 3: is a statement of kind 'head'; 'key' is needed here")


@pytest.mark.parametrize(
    "written",
    ["", "[]", "{}", '{"signed":"x","signature":"zz"}', '{"signed":"x","signature":"00"}'],
)
def test_what_is_no_signed_statement_is_refused(written: str) -> None:
    assert refused(signed.read_text, written, "head.json").text.en.startswith(
        "head.json: is no signed statement"
    )


# -- files ---------------------------------------------------------------------------------------


def test_a_new_key_is_its_owners_alone_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    made = keyfile.create(path, tmp_path / "elsewhere" / "store.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_bytes(keyfile.load(path)) == public_bytes(made)
    assert public_bytes(keyfile.find(path, {})) == public_bytes(made)
    assert public_bytes(keyfile.find(None, {"ZEROPARK_KEY": str(path)})) == public_bytes(made)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    path.write_text("somebody's", encoding="utf-8")
    assert "a key is never overwritten" in refused(keyfile.create, path).text.en
    assert path.read_text(encoding="utf-8") == "somebody's"


def test_a_key_does_not_lie_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "deep").mkdir(parents=True)
    for path in (store / "ledger.key", store / "deep" / ".." / "k"):
        assert refused(keyfile.create, path, store).key == "key-in-store"
        assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "ledger.key"
    keyfile.create(path)
    path.chmod(mode)
    error = refused(keyfile.load, path)
    assert f"(mode {mode:04o}); allowed: 0600" in error.text.en


def test_a_systemd_credential_is_found(tmp_path: Path) -> None:
    keyfile.create(tmp_path / keyfile.CREDENTIAL)
    # systemd gives credentials as 0400 or 0440 in a folder of the service alone.
    (tmp_path / keyfile.CREDENTIAL).chmod(0o440)
    found = keyfile.find(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    kept = serialization.load_pem_private_key(
        (tmp_path / keyfile.CREDENTIAL).read_bytes(), password=None
    )
    assert isinstance(kept, Ed25519PrivateKey)
    assert public_bytes(found) == public_bytes(kept)


def test_no_key_at_all_says_how_to_name_one(tmp_path: Path) -> None:
    error = refused(keyfile.find, None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert error.text.en.startswith("no key was named; give --key FILE, set ZEROPARK_KEY")


def test_a_file_that_is_no_such_key_is_refused(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for number, content in enumerate((b"", b"-----BEGIN", other)):
        path = tmp_path / str(number)
        path.write_bytes(content)
        path.chmod(0o600)
        assert refused(keyfile.load, path).key == "key-unreadable"


def test_a_backup_is_sealed_and_opens_again(tmp_path: Path) -> None:
    made = keyfile.create(tmp_path / "ledger.key")
    sealed = tmp_path / "ledger.key.sealed"
    keyfile.backup(made, sealed, OPENS_WITH)
    content = sealed.read_bytes()
    assert made.private_bytes_raw().hex().encode() not in content
    assert fingerprint(public_bytes(made)).encode() in content
    opened = keyfile.restore(sealed, OPENS_WITH, tmp_path / "again.key")
    assert public_bytes(opened) == public_bytes(keyfile.load(tmp_path / "again.key"))
    assert public_bytes(opened) == public_bytes(made)
    error = refused(keyfile.restore, sealed, "wrong passphrase", tmp_path / "third.key")
    assert error.key == "key-passphrase"
    assert not (tmp_path / "third.key").exists()
    other = fingerprint(public_bytes(THREE)).encode()
    sealed.write_bytes(content.replace(fingerprint(public_bytes(made)).encode(), other))
    error = refused(keyfile.restore, sealed, OPENS_WITH, tmp_path / "third.key")
    assert error.key == "key-passphrase"


@pytest.mark.parametrize(("letters", "enough"), [(11, False), (12, True)])
def test_a_short_passphrase_seals_nothing(tmp_path: Path, letters: int, *, enough: bool) -> None:
    path = tmp_path / "sealed"
    if enough:
        keyfile.backup(ONE, path, "x" * letters)
    else:
        error = refused(keyfile.backup, ONE, path, "x" * letters)
        assert error.text.en == "the passphrase has 11 letters; at least 12 are needed"
    assert path.exists() is enough


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"sealed":5}', b'{"sealed":"00"}'])
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sealed"
    path.write_bytes(content)
    error = refused(keyfile.restore, path, OPENS_WITH, tmp_path / "key")
    assert error.key == "key-backup"
