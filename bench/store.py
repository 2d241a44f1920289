"""How fast the ledger takes in readings and answers, beside SQLite and DuckDB doing the same."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.cases import Effort, say
from bench.findings import Findings, Table
from bench.plain import QUESTIONS, Plain, PlainDuckdb, PlainPostgres, PlainSqlite, Values
from bench.process import ROOT
from tests.ledger import server
from zeropark.ledger.clock import OwnClock
from zeropark.ledger.place import Place
from zeropark.ledger.reading import Offered
from zeropark.ledger.registry import Point
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.store import Store, create

METERS = 1_000
WAITING = 8
QUARTER = 900_000
DAY = 96 * QUARTER
FROM = 1_767_225_600_000  # 2026-01-01T00:00Z


@dataclass
class Rate:
    """How fast rows went in: by the wall and by the processor [rows/s], and one commit [ms]."""

    wall: float
    cpu: float
    commit: float


def store(effort: Effort) -> Findings:
    """Write batches of 1,000 readings, each synced, then ask; then a year of 1,000 meters."""
    batches, days = (6, 2) if effort.small else (400, 365)
    values = np.random.default_rng(1).integers(0, 100_000, (batches, METERS))
    # On a disk, not in memory: what is measured is what a sync costs.
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as place, _server() as address:
        found = _writing(Path(place), address, values, 1 if effort.small else 3)
        found.add(_year(Path(place) / "year", days, min(30, days)))
        found.add(_beside(Path(place), address, min(30, days)))
    return found


@contextmanager
def _server() -> Iterator[str | None]:
    """Yield the address of a PostgreSQL server of our own, None where none is installed."""
    if server.programs() is None:
        yield None
        return
    with server.server(Path("/var/tmp"), (*server.SETTINGS, "work_mem=64MB")) as address:  # noqa: S108 - on a disk
        yield address


# -- in ------------------------------------------------------------------------------------------


def _writing(place: Path, address: str | None, values: Values, repeats: int) -> Findings:
    tools: dict[str, Callable[[Path], Rate]] = {
        "zeropark, one producer": lambda to: _ours(to, values, 1),
        "zeropark, one producer with 8 batches waiting": lambda to: _behind(to, values),
        "zeropark, 16 producers": lambda to: _ours(to, values, 16),
        "SQLite, table and newest values": lambda to: _plain(PlainSqlite(to), values),
        "DuckDB, one table": lambda to: _plain(PlainDuckdb(to), values),
    }
    if address is not None:
        tools |= {
            "zeropark on PostgreSQL, one producer": lambda _to: _ours(
                server.fresh(address), values, 1
            ),
            "zeropark on PostgreSQL, 8 batches waiting": lambda _to: _behind(
                server.fresh(address), values
            ),
            "PostgreSQL, table and newest values": lambda _to: _plain(
                PlainPostgres(server.fresh(address)), values
            ),
        }
    rates: dict[str, list[Rate]] = {name: [] for name in tools}
    for repeat in range(repeats):
        for number, (name, work) in enumerate(tools.items()):
            say(f"{name}, {repeat + 1} of {repeats}")
            rates[name].append(work(place / f"{repeat}-{number}"))
    rows, numbers = [], {}
    for name, some in rates.items():
        wall, cpu = (statistics.median(getattr(r, of) for r in some) for of in ("wall", "cpu"))
        commit = statistics.median(r.commit for r in some)
        own = "PostgreSQL" not in name
        rows.append((name, f"{wall:,.0f}", f"{cpu:,.0f}" if own else "-", f"{commit:.1f}"))
        if own and name.startswith("zeropark"):
            key = "behind" if "waiting" in name else "one" if "one" in name else "many"
            numbers[f"ledger/readings_per_s_{key}"] = wall
            numbers[f"ledger/readings_per_cpu_s_{key}"] = cpu
    words = (
        "Batches of 1,000 readings of 1,000 meters, each durable (full sync) before the next of "
        "its producer. Ours is checked for health, hashed into its batch's tree and appended to "
        "the log; SQLite (through apsw, WAL), DuckDB and PostgreSQL (COPY; on this machine) only "
        "keep the rows, SQLite and PostgreSQL the newest values too. What a second of the "
        "processor takes in does not depend on how fast the disk syncs; a server's processor is "
        "not counted."
    )
    header = ("tool", "rows a second", "rows a CPU second", "one batch, ms")
    return Findings([Table("Readings taken in", words, header, rows)], numbers)


def _timed(work: Callable[[], list[float]], rows: int) -> Rate:
    wall, cpu = time.perf_counter(), time.process_time()
    lasted = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Rate(rows / wall, rows / cpu, 1e3 * statistics.median(lasted))


def _points(count: int) -> list[Point]:
    return [
        Point(f"m{i}/p", "Wh", interval=QUARTER, low=0, high=10**6, jump=10**6, freeze_after=20)
        for i in range(count)
    ]


def _ours(place: Place, values: Values, producers: int) -> Rate:
    create(place, "simulated")
    share = max(1, len(values) // producers)
    with Store(place, "bench") as opened:
        opened.register(_points(METERS * producers))
        source = opened.source("bench")
        lasted: list[float] = []

        def produce(number: int) -> None:
            mine = np.arange(METERS) + number * METERS
            for k in range(share):
                begun = time.perf_counter()
                offered = Offered.of(mine, FROM + k * QUARTER, QUARTER, values[k], 1, source)
                if not opened.accept(offered).whole:
                    raise RuntimeError("a good reading was refused")
                lasted.append(time.perf_counter() - begun)

        def all_of_them() -> list[float]:
            threads = [threading.Thread(target=produce, args=(n,)) for n in range(producers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return lasted

        return _timed(all_of_them, share * producers * METERS)


def _behind(place: Place, values: Values) -> Rate:
    """Take what a producer has waiting, eight batches to a sync, each a batch of its own."""
    create(place, "simulated")
    with Store(place, "bench") as opened:
        opened.register(_points(METERS))
        source, mine = opened.source("bench"), np.arange(METERS)
        lasted: list[float] = []

        def all_of_them() -> list[float]:
            for first in range(0, len(values), WAITING):
                begun = time.perf_counter()
                some = enumerate(values[first : first + WAITING], first)
                offers = [
                    Offered.of(mine, FROM + k * QUARTER, QUARTER, row, 1, source) for k, row in some
                ]
                if not all(taken.whole for taken in opened.accept_all(offers)):
                    raise RuntimeError("a good reading was refused")
                lasted.append((time.perf_counter() - begun) / len(offers))
            return lasted

        return _timed(all_of_them, len(values) * METERS)


def _plain(database: Plain, values: Values) -> Rate:
    def work() -> list[float]:
        lasted = []
        for k, row in enumerate(values):
            begun = time.perf_counter()
            database.take(FROM + k * QUARTER, row)
            lasted.append(time.perf_counter() - begun)
        return lasted

    rate = _timed(work, values.size)
    database.close()
    return rate


# -- out -----------------------------------------------------------------------------------------


def _year(place: Path, days: int, month: int) -> Findings:
    """Fill a store with days of 1,000 meters at 15 min, seal them, and ask."""
    hand = [FROM]
    clock = OwnClock(0, lambda: hand[0], lambda: hand[0], lambda: True)
    create(place, "simulated", clock)
    load = _loads(days * 96)
    with Store(place, "bench", clock=clock) as opened:
        opened.register(_points(METERS))
        source = opened.source("bench")
        for day in range(days):
            if day % 30 == 0:
                say(f"a year of 1,000 meters, day {day}")
            # Six hours a batch: what a gateway hands over after a cut of its line.
            for part in range(day * 96, day * 96 + 96, 24):
                at = np.repeat(FROM + np.arange(part, part + 24) * QUARTER, METERS)
                meters = np.tile(np.arange(METERS), 24)
                hand[0] = int(at[-1]) + QUARTER
                block = load[part : part + 24].ravel()
                opened.accept(Offered.of(meters, at, QUARTER, block, 1, source))
            if day % 7 == 6 or day == days - 1:
                seal(opened)
                compact(opened)
        hand[0] += DAY
        seal(opened)
        compact(opened)
        sealed = sum(f.stat().st_size for f in (place / "sealed").rglob("*.parquet"))
        return _asked(opened, days, month, sealed)


def _loads(steps: int) -> Values:
    """Return loads of 1,000 meters [Wh]: a day's shape, a size of their own, noise of 5 %."""
    random = np.random.default_rng(2)
    shape = 1.0 + 0.5 * np.sin(np.arange(steps) * 2 * np.pi / 96)
    size = random.uniform(500, 5_000, METERS)
    noise = random.normal(1.0, 0.05, (steps, METERS))
    values: Values = np.rint(shape[:, None] * size * noise).astype(np.int64)
    return values


def _asked(opened: Store, days: int, month: int, sealed: int) -> Findings:
    history, last = opened.history, FROM + (days - 1) * DAY
    questions: dict[str, Callable[[], object]] = {
        "hourly sums of a day": lambda: history.sums(None, last, last + DAY, 3_600_000),
        "newest of every meter": history.latest,
        "a month's sums by meter": lambda: history.sums(None, FROM, FROM + month * DAY, 1 << 62),
    }
    lasted = {name: _median_ms(ask) for name, ask in questions.items()}
    megabytes = sealed / 1e6
    rows = [(name, f"{ms:.1f} ms") for name, ms in lasted.items()]
    rows.append((f"size of {days} days, sealed", f"{megabytes:.0f} MB"))
    words = f"1,000 meters at 15 min for {days} days, sealed; medians of 7."
    table = Table("Readings asked for", words, ("question", "answer"), rows)
    numbers = {
        "ledger/day_ms": lasted["hourly sums of a day"],
        "ledger/latest_ms": lasted["newest of every meter"],
        "ledger/month_ms": lasted["a month's sums by meter"],
        "ledger/year_mb": megabytes * 365 / days,
    }
    return Findings([table], numbers)


def _median_ms(ask: Callable[[], object]) -> float:
    lasted = []
    for _ in range(7):
        begun = time.perf_counter()
        ask()
        lasted.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(lasted)


def _beside(place: Path, address: str | None, days: int) -> Findings:
    """Ask plain tables the same about the same days, each index and newest value kept."""
    tools: dict[str, Callable[[], Plain]] = {
        "SQLite": lambda: PlainSqlite(place / "beside"),
        "DuckDB": lambda: PlainDuckdb(place / "beside"),
    }
    if address is not None:
        tools["PostgreSQL"] = lambda: PlainPostgres(server.fresh(address))
    load = _loads(days * 96)
    spans = {"hourly sums of a day": (FROM + (days - 1) * DAY, FROM + days * DAY)}
    rows, answers = [], []
    for name, make in tools.items():
        say(f"{days} days of 1,000 meters in {name}")
        database = make()
        for day in range(days):
            at = np.repeat(FROM + np.arange(day * 96, day * 96 + 96) * QUARTER, METERS)
            part = load[day * 96 : day * 96 + 96].ravel()
            database.fill(at, np.tile(np.arange(METERS), 96), part)
        cells, said = [name], []
        for question, sql in QUESTIONS.items():
            first, last = spans.get(question, (FROM, FROM + days * DAY))
            asked = sql.format(first=first, last=last)
            cells.append(f"{_median_ms(partial(database.ask, asked)):.1f} ms")
            said.append([tuple(map(int, row)) for row in database.ask(asked)])
        cells.append(f"{database.bytes() / 1e6:.0f} MB")
        database.close()
        rows.append(tuple(cells))
        answers.append(said)
    if any(said != answers[0] for said in answers):
        raise RuntimeError("two databases answer differently")
    words = (
        f"The first {days} days of the same readings in plain tables, keyed by time and meter "
        "(DuckDB: by order of arrival); medians of 7. Nothing in them is proven, and nothing is "
        "kept of what was known when."
    )
    header = ("tool", *QUESTIONS, f"size of {days} days")
    return Findings([Table("The same asked of plain tables", words, header, rows)], {})
