"""Where a private key lies: a file of its owner alone, a systemd credential, a sealed backup."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from zeropark.data.errors import DataError
from zeropark.ledger import canonical
from zeropark.ledger.signed import fingerprint, public_bytes
from zeropark.units.text import Text

CREDENTIAL = "zeropark-ledger-key"
"""Name of the systemd credential that holds a key."""
ENVIRONMENT = "ZEROPARK_KEY"
"""Variable that names the key file."""
SHORTEST_PASSPHRASE = 12
"""Fewest letters of a passphrase that seals a backup."""

_OWNER_ONLY = 0o600
_BACKUP = "zeropark key backup"
# Cost of trying one passphrase: 64 MB and some 0.2 s [RFC 7914: N, r, p].
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**16, 8, 1
_SALT_BYTES, _NONCE_BYTES, _SEAL_BYTES = 16, 12, 32

_THERE = Text(
    "{path}: something stands here already, and a key is never overwritten. Name another file",
    "{path}：此处已有文件，密钥从不被覆盖。另取文件名",
)
_INSIDE = Text(
    "{path}: lies in the store's folder {store}; a backup of the store would carry the key. Keep "
    "it elsewhere",
    "{path}：在账本的文件夹 {store} 里；备份账本时会带走密钥。放在别处",
)
_OPEN = Text(
    "{path}: others than its owner may read or change this key (mode {mode}); allowed: 0600. Run "
    "chmod 600, or make a new key if somebody may have seen it",
    "{path}：除所有者外还有人可读或改此密钥（权限 {mode}）；可用：0600。运行 chmod 600；"
    "若可能已被看到，换新密钥",
)
_ABSENT = Text(
    "no key was named; give --key FILE, set ZEROPARK_KEY, or run as a service with the credential "
    "zeropark-ledger-key. 'zeropark ledger key new FILE' makes one",
    "没有指定密钥；用 --key FILE，或设 ZEROPARK_KEY，或以带凭据 zeropark-ledger-key 的服务运行。"
    "“zeropark ledger key new FILE”可新建",
)
_NO_KEY = Text(
    "{path}: holds no Ed25519 private key (PEM, PKCS 8, not encrypted)",
    "{path}：不含 Ed25519 私钥（PEM，PKCS 8，未加密）",
)
_NO_BACKUP = Text(
    "{path}: is no key backup of zeropark, or was cut", "{path}：不是 zeropark 的密钥备份，或不完整"
)
_PASSPHRASE = Text(
    "{path}: the passphrase does not open it, or the file was changed",
    "{path}：口令打不开，或文件被改过",
)
_SHORT = Text(
    "the passphrase has {given} letters; at least {due} are needed",
    "口令有 {given} 个字符；至少要 {due} 个",
)


def create(path: Path, store: Path | None = None) -> Ed25519PrivateKey:
    """Make a new key and keep it in `path`, readable by its owner alone.

    store: the store's folder or file, which the key may not lie beside. Raises `DataError`, or
    `OSError` where the disk refuses.
    """
    _outside(path, store)
    key = Ed25519PrivateKey.generate()
    _keep(path, _pem(key))
    return key


def load(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file that only its owner may read. Raises `DataError` or `OSError`."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & ~_OWNER_ONLY:
            raise DataError("key-open", _OPEN.format(path=path, mode=f"{mode:04o}"))
        return _key_of(file.read(), path)


def find(path: Path | None, environment: Mapping[str, str]) -> Ed25519PrivateKey:
    """Return the key named by a person, by `ZEROPARK_KEY`, or by systemd's credential.

    systemd gives a credential to the service alone, so its mode is systemd's affair. Raises
    `DataError` where none is named or it is no key.
    """
    named = path or (Path(named) if (named := environment.get(ENVIRONMENT)) else None)
    if named:
        return load(named)
    folder = environment.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / CREDENTIAL if folder else None
    if credential and credential.exists():
        return _key_of(credential.read_bytes(), credential)
    raise DataError("key-absent", _ABSENT)


def backup(key: Ed25519PrivateKey, path: Path, passphrase: str) -> None:
    """Keep a key sealed by a passphrase, in a file of its own: scrypt, then AES-256-GCM.

    Raises `DataError` where the passphrase is short or the file is there.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        text = _SHORT.format(given=len(passphrase), due=SHORTEST_PASSPHRASE)
        raise DataError("key-passphrase-short", text)
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    head = {
        "kind": _BACKUP,
        "version": 1,
        "fingerprint": fingerprint(public_bytes(key)),
        "salt": salt.hex(),
        "nonce": nonce.hex(),
    }
    sealed = AESGCM(_seal(passphrase, salt)).encrypt(
        nonce, key.private_bytes_raw(), canonical.dumps(head)
    )
    _keep(path, canonical.dumps({**head, "sealed": sealed.hex()}) + b"\n")


def restore(
    path: Path, passphrase: str, into: Path, store: Path | None = None
) -> Ed25519PrivateKey:
    """Open a sealed backup and keep its key in `into`, readable by its owner alone.

    Raises `DataError` where it does not open, or `into` is there or in the store.
    """
    _outside(into, store)
    try:
        said = json.loads(path.read_bytes())
        sealed = bytes.fromhex(said.pop("sealed"))
        salt, nonce = bytes.fromhex(said["salt"]), bytes.fromhex(said["nonce"])
        head = canonical.dumps(said)
        known = said["kind"] == _BACKUP and said["version"] == "1" and len(nonce) == _NONCE_BYTES
    except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
        raise DataError("key-backup", _NO_BACKUP.format(path=path)) from error
    if not known:
        raise DataError("key-backup", _NO_BACKUP.format(path=path))
    try:
        raw = AESGCM(_seal(passphrase, salt)).decrypt(nonce, sealed, head)
    except InvalidTag as error:
        raise DataError("key-passphrase", _PASSPHRASE.format(path=path)) from error
    key = Ed25519PrivateKey.from_private_bytes(raw)
    _keep(into, _pem(key))
    return key


def _seal(passphrase: str, salt: bytes) -> bytes:
    scrypt = Scrypt(salt=salt, length=_SEAL_BYTES, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return scrypt.derive(passphrase.encode())


def _outside(path: Path, store: Path | None) -> None:
    if store is None:
        return
    folder = (store if store.is_dir() else store.parent).resolve()
    if path.resolve().is_relative_to(folder):
        raise DataError("key-in-store", _INSIDE.format(path=path, store=folder))


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _key_of(written: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(written, password=None)
    except (ValueError, TypeError) as error:
        raise DataError("key-unreadable", _NO_KEY.format(path=path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError("key-unreadable", _NO_KEY.format(path=path))
    return key


def _keep(path: Path, content: bytes) -> None:
    """Write a new file of its owner alone, whole or not at all, and durable."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError as error:
        raise DataError("key-there", _THERE.format(path=path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _OWNER_ONLY)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
