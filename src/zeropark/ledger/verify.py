"""Whole verification: every stored byte is what the log's root and its signed heads say it is.

Leaves are read once in order and hashed into the tree; rows are hashed into their batches; heads,
those in the log and those somebody kept outside, must sign a beginning of that tree; what the store
derived from leaves and rows (latest values, roll-ups, balances, its indexes) is computed again by
the store and compared. Nothing stops at the first fault: all are named.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, heads, keys, leaf, merkle, rowform, signed
from zeropark.ledger.leaf import NATURES
from zeropark.ledger.signed import Signed
from zeropark.units.text import Text

Progress = Callable[[str, int], None]
"""Told what is read (leaves, rows) and how many so far."""

_T = TypeVar("_T")
_MOST_FAULTS = 1_000
_EXPIRY, _RESTORED = "expiry", "restored"
_FIRST = Text(
    "the first leaf does not say which store this is and whether it is field or simulated",
    "第一个叶没有说明这是哪个账本、现场还是仿真",
)
_NATURE = Text(
    "the first leaf says {given}, the store says {due}", "第一个叶说 {given}，账本却说 {due}"
)
_FRONTIER = Text(
    "the kept state of the tree ({kept}) is not that of the {size} leaves ({due}): a leaf or the "
    "state was changed",
    "所存的树状态（{kept}）与 {size} 个叶（{due}）不符：叶或状态被改过",
)
_HEAD_AHEAD = Text(
    "signs {given} leaves, and stands behind {size}", "签 {given} 个叶，却排在第 {size}"
)
_BATCH = Text(
    "the rows are not those under the root in leaf {leaf}: one of {count} was changed, added or "
    "left out",
    "这些行与叶 {leaf} 中的根不符：{count} 行中有被改、增或删的",
)
_GONE = Text(
    "the {count} rows of leaf {leaf} (from row {first}) are not there, and no leaf says that they "
    "expired",
    "叶 {leaf} 的 {count} 行（从第 {first} 行起）不在，也没有叶说明已到期",
)
_EDGE = Text(
    "rows {first} to {last} are those of no batch in the log",
    "第 {first} 至 {last} 行不属于日志中的任何批",
)
_DERIVED = Text("holds {kept}; computed again it is {due}", "存为 {kept}；重算为 {due}")
_LEAF_BETWEEN = Text(
    "a leaf from {first} to {last} was changed: heads hold up to {first} leaves, and not from "
    "{last} on",
    "叶 {first} 至 {last} 之间有被改的：签名头到 {first} 个叶成立，自 {last} 起不成立",
)


_FORK = Text(
    "signs {given} leaves of a branch that was left when the store was restored to {size} leaves "
    "(leaf {leaf}): a fork; what came after {size} there is not in this log",
    "所签 {given} 个叶属于恢复到 {size} 个叶时（叶 {leaf}）离开的分支：分叉；其 {size} 之后的内容"
    "不在此日志中",
)


class Chunk(NamedTuple):
    """Rows as they are stored, in order of arrival. where: the file or table, for a sentence.

    first: sequence of the first row. rows: bytes of whole batches.
    """

    where: str
    first: int
    rows: bytes


class Difference(NamedTuple):
    """Something the store derived that is not what its leaves and rows give."""

    where: str
    kept: str
    due: str


class Kept(Protocol):
    """A store as verification reads it, from its very bytes."""

    def about(self) -> tuple[str, str]:
        """Return the store's id, and field or simulated, as the store says now."""
        ...

    def leaves(self) -> Iterable[Sequence[bytes]]:
        """Yield all leaves in order, some at a time."""
        ...

    def frontier(self) -> bytes:
        """Return the kept state of the tree."""
        ...

    def rows(self) -> Iterable[Chunk | Fault]:
        """Yield all rows in order of arrival; a fault where a file cannot be read."""
        ...

    def derived(self) -> Iterable[Difference]:
        """Yield what the store derived and what it is not, computed again."""
        ...


@dataclass(frozen=True)
class Fault:
    """Something that does not hold. where: the place. key: stable name. text: what is wrong."""

    where: str
    key: str
    text: Text

    def sentence(self, language: str = "en") -> str:
        """Return the whole line a person reads."""
        colon = "：" if language == "zh" else ": "
        return f"{self.where}{colon}{self.text.in_language(language)}"


@dataclass
class Verdict:
    """What verification found. nature: field or simulated. size, root: of the log as it stands.

    heads: how many signed heads hold, kept outside or in the log. fingerprints: of its keys, oldest
    first. faults: at most 1,000.
    """

    store: str
    nature: str
    size: int = 0
    root: bytes = b""
    rows: int = 0
    heads: int = 0
    epoch: int = 0
    fingerprints: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def add(self, where: str, key: str, text: Text) -> None:
        """Note a fault; beyond 1,000 they tell nothing more."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(where, key, text))


@dataclass(frozen=True)
class _Batch:
    """A batch as its leaf says. index: of the leaf. first: sequence of its first row."""

    index: int
    first: int
    count: int
    body: bytes


@dataclass
class _Log:
    """What was read of the leaves."""

    tree: merkle.Tree = field(default_factory=merkle.Tree)
    ring: keys.Keyring = field(default_factory=keys.Keyring)
    heads: list[tuple[int, Signed]] = field(default_factory=list)
    batches: dict[int, _Batch] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)
    restored: list[tuple[int, int]] = field(default_factory=list)


def verify(
    kept: Kept,
    outside: Iterable[tuple[str, Signed]] = (),
    progress: Progress = lambda _what, _count: None,
) -> Verdict:
    """Return what holds of a store. outside: heads kept earlier, as (where, head)."""
    store, nature = kept.about()
    verdict, log = Verdict(store, nature), _Log()
    for some in _readable(kept.leaves(), "leaves", verdict):
        log.tree.extend(merkle.leaf_hashes(some))
        for number, body in enumerate(some, log.tree.size - len(some)):
            _leaf(log, verdict, number, body)
        progress("leaves", log.tree.size)
    verdict.size, verdict.root, verdict.epoch = log.tree.size, log.tree.root(), log.ring.epoch
    verdict.fingerprints = [signed.fingerprint(each) for each in log.ring.periods]
    if not log.tree.size:
        verdict.add("leaf 0", "log-empty", _FIRST)
    _frontier(kept.frontier(), log, verdict)
    _heads(log, verdict, outside)
    _rows(_readable(kept.rows(), "rows", verdict), log, verdict, progress)
    for differs in _readable(kept.derived(), "derived", verdict):
        text = _DERIVED.format(kept=differs.kept, due=differs.due)
        verdict.add(differs.where, "derived", text)
    return verdict


def _readable(source: Iterable[_T], where: str, verdict: Verdict) -> Iterator[_T]:
    """Yield what can be read; what ends it is a fault like any other."""
    try:
        yield from source
    except DataError as error:
        verdict.add(where, error.key, error.text)


def _leaf(log: _Log, verdict: Verdict, number: int, body: bytes) -> None:
    """Take in one leaf; what it says is noted where later checks need it."""
    where = f"leaf {number}"
    try:
        said = canonical.loads(body)
        kind = said.get("kind") if isinstance(said, dict) else None
        if number == 0:
            _birth(said, kind, verdict)
        elif kind == "readings":
            _note_batch(log, _Batch(number, int(said["sequence_from"]), int(said["count"]), body))
        elif kind == keys.KIND:
            log.ring.take(signed.read(said, where), where)
        elif kind == heads.KIND:
            log.heads.append((number, signed.read(said, where)))
        elif kind == _RESTORED:
            log.restored.append((number, int(said["size"])))
        elif kind == _EXPIRY:
            log.expired.update(int(each) for each in said["batches"])
    except DataError as error:
        verdict.add(where, error.key, _without_place(error.text, where))
    except (KeyError, TypeError, ValueError):
        verdict.add(where, "leaf-shape", _SHAPE)


def _note_batch(log: _Log, batch: _Batch) -> None:
    if batch.count < 1 or batch.first in log.batches:
        raise ValueError("a batch holds rows, and no two hold the same")
    log.batches[batch.first] = batch


_SHAPE = Text("does not say what a leaf of its kind says", "缺少此类叶应有的内容")


def _birth(said: Any, kind: object, verdict: Verdict) -> None:
    if kind != "store" or said.get("nature") not in NATURES:
        verdict.add("leaf 0", "log-birth", _FIRST)
        return
    given, due = f"{said.get('store')} {said['nature']}", f"{verdict.store} {verdict.nature}"
    if given != due:
        verdict.add("leaf 0", "log-nature", _NATURE.format(given=given, due=due))


def _frontier(state: bytes, log: _Log, verdict: Verdict) -> None:
    where = "frontier"
    try:
        frontier = merkle.Frontier.from_bytes(state)
    except DataError as error:
        verdict.add(where, error.key, error.text)
        return
    if (frontier.size, frontier.root()) != (log.tree.size, log.tree.root()):
        kept = f"{frontier.size}, {frontier.root().hex()[:16]}"
        due = log.tree.root().hex()[:16]
        verdict.add(where, "frontier", _FRONTIER.format(kept=kept, size=log.tree.size, due=due))


def _heads(log: _Log, verdict: Verdict, outside: Iterable[tuple[str, Signed]]) -> None:
    """Hold every head against the tree, those in the log and those kept outside."""
    inside = [(f"leaf {number}", statement, number) for number, statement in log.heads]
    held: list[int] = []
    broken: list[int] = []
    for where, statement, most in [*inside, *((w, s, None) for w, s in outside)]:
        try:
            head = heads.read(statement, where)
            log.ring.check(head, where)
            heads.same_store(head, verdict.store, verdict.nature, where)
            if most is not None:
                _not_ahead(head.size, most)
                whole = head.size <= log.tree.size and log.tree.root(head.size) == head.root
                (held if whole else broken).append(head.size)
            _no_fork(head, log)
            heads.holds_in(head, log.tree, where)
        except DataError as error:
            verdict.add(where, error.key, _without_place(error.text, where))
        else:
            verdict.heads += 1
    if broken:
        first = max((each for each in held if each < min(broken)), default=0)
        text = _LEAF_BETWEEN.format(first=first, last=min(broken))
        verdict.add("log", "leaf-between", text)


def _no_fork(head: heads.Head, log: _Log) -> None:
    """Refuse a head of a branch that was left by a restore, as what it is."""
    if head.size <= log.tree.size and log.tree.root(head.size) == head.root:
        return
    for leaf_number, size in log.restored:
        if size < head.size:
            text = _FORK.format(given=head.size, size=size, leaf=leaf_number)
            raise DataError("head-fork", text)


def _not_ahead(size: int, most: int) -> None:
    if size > most:
        raise DataError("head-ahead", _HEAD_AHEAD.format(given=size, size=most))


def _rows(chunks: Iterable[Chunk | Fault], log: _Log, verdict: Verdict, progress: Progress) -> None:
    """Hash all rows into their batches; name the batches whose rows differ or are not there."""
    firsts, seen = sorted(log.batches), set()
    for chunk in chunks:
        if isinstance(chunk, Fault):
            verdict.add(chunk.where, chunk.key, chunk.text)
            continue
        at, end = chunk.first, chunk.first + len(chunk.rows) // rowform.WIDTH
        while at < end:
            batch = log.batches.get(at)
            if batch is None or at + batch.count > end:
                following = bisect_right(firsts, at)
                to = min(end, firsts[following]) if following < len(firsts) else end
                text = _EDGE.format(first=at, last=to - 1)
                verdict.add(chunk.where, "rows-edge", text)
                at = to
                continue
            start = (at - chunk.first) * rowform.WIDTH
            rows = chunk.rows[start : start + batch.count * rowform.WIDTH]
            _batch(batch, rows, chunk.where, verdict)
            seen.add(at)
            verdict.rows += batch.count
            at += max(1, batch.count)
        progress("rows", verdict.rows)
    for first in firsts:
        batch = log.batches[first]
        if first not in seen and batch.index not in log.expired:
            text = _GONE.format(count=batch.count, leaf=batch.index, first=first)
            verdict.add(f"leaf {batch.index}", "rows-gone", text)


def _batch(batch: _Batch, rows: bytes, where: str, verdict: Verdict) -> None:
    """Compare a batch's leaf with the one its rows give, byte for byte."""
    try:
        same = leaf.readings(rowform.decode(rows)) == batch.body
    except DataError as error:
        verdict.add(f"{where}, leaf {batch.index}", error.key, error.text)
        return
    if not same:
        place = f"{where}, rows {batch.first} to {batch.first + batch.count - 1}"
        text = _BATCH.format(leaf=batch.index, count=batch.count)
        verdict.add(place, "rows-differ", text)


def _without_place(text: Text, where: str) -> Text:
    """Return a sentence without the place at its beginning, which a fault says by itself."""
    return Text(text.en.removeprefix(f"{where}: "), text.zh.removeprefix(f"{where}："))
