"""A store read by a process that does not write it, while another one writes on."""

from __future__ import annotations

from typing import Self

from zeropark.data.errors import DataError
from zeropark.ledger.about import about
from zeropark.ledger.database import Database
from zeropark.ledger.history import History
from zeropark.ledger.log import Log
from zeropark.ledger.place import ABSENT, Place, connected, shown, there
from zeropark.ledger.registry import Registry
from zeropark.ledger.store import point_of


class Reader:
    """A store as it is for who only reads: what is durable, and nothing that could change it.

    older: whether one of an older form may be read too. Raises `DataError` where there is no store
    in `place`, a folder or the address of a database.
    """

    def __init__(self, place: Place, *, older: bool = False) -> None:
        if not there(place):
            raise DataError("store_absent", ABSENT.format(path=shown(place)))
        self.place = place
        self.database: Database = connected(place, write=False, mortal=True)
        try:
            self.about = about(self.database, place, older=older)
            self.log = Log(self.database)
        except BaseException:
            self.database.close()
            raise
        self.history = History(self.database, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *trace: object) -> None:
        self.database.close()

    def registry(self) -> Registry:
        """Return the points that are registered now."""
        sizes = self.database.rows("SELECT size FROM point ORDER BY number")
        return Registry(point_of(entry) for entry in self.log.entries(size for (size,) in sizes))

    def sources(self) -> dict[int, str]:
        """Return the names of sources by number."""
        return dict(self.database.rows("SELECT number, name FROM source"))
