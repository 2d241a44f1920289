"""The seat of the one instance that leads a park whose store lies in PostgreSQL.

A row of the store's own schema says who leads: an epoch that only grows, and a beat that moves
while the leader lives. No clock of one machine is ever held against that of another: who waits sees
the beat stand still for a whole lease on a monotonic clock of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zeropark.data.errors import DataError
from zeropark.ledger.place import Place, shown
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.ledger.postgres import PostgresDatabase

_TABLE = """CREATE TABLE IF NOT EXISTS seat (one BIGINT PRIMARY KEY, epoch BIGINT NOT NULL,
  beat BIGINT NOT NULL, holder TEXT NOT NULL, lease_ms BIGINT NOT NULL)"""
_EMBEDDED = Text(
    "{path}: a store in a folder has no standby; keep it in PostgreSQL for that, see zeropark "
    "ledger move",
    "{path}：文件夹中的账本没有备用实例；需将账本放入 PostgreSQL，见 zeropark ledger move",
)


@dataclass(frozen=True)
class Seen:
    """What the seat shows: epoch 0 where nobody ever led.

    lease: how long its holder leads without a further beat [s, wall time]; 0 where it was left.
    """

    epoch: int
    beat: int
    holder: str
    lease: float


class Seat:
    """The seat at a store. name: of this instance. patience: longest wait for one answer [s].

    Every method raises `DataError` while the database does not answer. Raises `DataError` for a
    store in a folder. Calls come from one thread at a time.
    """

    def __init__(self, place: Place, name: str, patience: float) -> None:
        if not isinstance(place, str):
            raise DataError("no_standby", _EMBEDDED.format(path=place))
        self._place, self._name, self._patience = place, name[:60], patience
        self._connection: PostgresDatabase | None = None

    def _database(self) -> PostgresDatabase:
        """Return the connection of the seat, opened anew where it was lost."""
        if self._connection is None:
            # Who keeps a store in a folder does not wait for the driver.
            from zeropark.ledger.postgres import PostgresDatabase  # noqa: PLC0415

            found = PostgresDatabase(
                self._place, shown(self._place), write=True, patience=self._patience
            )
            try:
                found.run(_TABLE)
            except BaseException:
                found.close()
                raise
            self._connection = found
        return self._connection

    def look(self) -> Seen:
        """Return what the seat shows now."""
        with self._told():
            rows = self._database().rows("SELECT epoch, beat, holder, lease_ms FROM seat")
        if not rows:
            return Seen(0, 0, "", 0.0)
        epoch, beat, holder, lease = rows[0]
        return Seen(int(epoch), int(beat), str(holder), int(lease) / 1e3)

    def take(self, seen: Seen, lease: float) -> int | None:
        """Take the seat for `lease` [s, wall time] if it still shows what was seen.

        Return the new epoch, or None where somebody was faster. Who held the store before is cut
        off from it: a process that was stopped holds its connection for as long as it stands.
        """
        with self._told():
            rows = self._database().rows(
                "INSERT INTO seat VALUES (1, ?, 0, ?, ?) ON CONFLICT (one) DO UPDATE SET "
                "epoch = excluded.epoch, beat = 0, holder = excluded.holder, "
                "lease_ms = excluded.lease_ms WHERE seat.epoch = ? AND seat.beat = ? "
                "RETURNING epoch",
                (seen.epoch + 1, self._name, round(lease * 1e3), seen.epoch, seen.beat),
            )
            if not rows:
                return None
            self._database().cut_off()
        return int(rows[0][0])

    def beat(self, epoch: int) -> bool:
        """Let the beat move; return False where another epoch has begun."""
        with self._told():
            rows = self._database().rows(
                "UPDATE seat SET beat = beat + 1 WHERE epoch = ? RETURNING beat", (epoch,)
            )
        return bool(rows)

    def leave(self, epoch: int) -> None:
        """Leave the seat in peace, so that the next one need not wait."""
        with self._told():
            self._database().run(
                "UPDATE seat SET lease_ms = 0, beat = beat + 1 WHERE epoch = ?", (epoch,)
            )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DataError:
            # What the connection brings after this is not known: the next question opens one.
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        found, self._connection = self._connection, None
        if found is not None:
            found.close()
