"""A PostgreSQL server of the tests' own: on loopback, in a temporary folder, never as root."""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

PROGRAMS = Path("/usr/lib/postgresql")
UNPRIVILEGED = ("postgres", "nobody")
_numbers = itertools.count(1)


def programs() -> Path | None:
    """Return where the newest server's programs lie, None where none of 15 or newer is there."""
    found = [each for each in PROGRAMS.glob("*/bin") if int(each.parent.name) >= 15]
    return max(found, key=lambda each: int(each.parent.name), default=None)


SETTINGS = ("shared_buffers=64MB", "max_wal_size=256MB")


@contextmanager
def server(
    below: Path | None = None, settings: Sequence[str] = SETTINGS, wal_mb: int = 16
) -> Iterator[str]:
    """Yield the address of a server's database; the server and its folder go afterwards.

    It syncs as a real one does. Where the tests are root it runs as an unprivileged user. below:
    where its folder is made. wal_mb: size of the files of its log.
    """
    there = programs()
    assert there is not None, "make stores installs Debian's postgresql"
    who = _unprivileged() if os.getuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="zeropark-pg-", dir=below))
    if who is not None:
        os.chown(home, who.pw_uid, who.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    word = secrets.token_hex(8)
    secret = home / "word"
    secret.write_text(word)
    secret.chmod(0o644)

    def call(program: str, *given: str) -> None:
        subprocess.run(
            [str(there / program), *given], check=True, cwd=home, stdout=subprocess.DEVNULL,
            user=who.pw_uid if who else None, group=who.pw_gid if who else None,
            extra_groups=[] if who else None, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    data = str(home / "data")
    options = " ".join([f"-p {port} -h 127.0.0.1 -k ''", *(f"-c {each}" for each in settings)])
    call(
        "initdb", "-D", data, "-U", "park", "-A", "scram-sha-256", f"--pwfile={secret}",
        "-E", "UTF8", "--no-sync", "--no-instructions", f"--wal-segsize={wal_mb}",
    )  # fmt: skip
    call("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        yield f"postgresql://park:{word}@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("a server needs a user that is not root")


def fresh(address: str) -> str:
    """Return the address of a new schema of the server's database, for one store."""
    name = f"store_{next(_numbers)}_{secrets.token_hex(4)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{address}?options={quote(f'-csearch_path={name}')}"
