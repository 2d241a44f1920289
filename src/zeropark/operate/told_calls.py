"""What the ledger tells of calls, for whoever shows them: the screen, the command line, a page.

Reads a store of another process as well as one's own; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeropark.ledger.database import Database
from zeropark.ledger.log import Log
from zeropark.operate.calls import CALL, ENERGIES, Call, Stage, call_of, delivered_share
from zeropark.operate.product import HOUR, Way


@dataclass(frozen=True)
class Step:
    """One step of a call's life. leaf: its number in the ledger's log, by which it is proven.

    at: moment of the park [POSIX s]. says: what it rests on, as it stands in the ledger.
    """

    stage: Stage
    at: float
    leaf: int
    says: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A call as the ledger tells it, with the steps of its life, oldest first."""

    call: Call
    steps: tuple[Step, ...]


def calls_in(database: Database, log: Log, ids: Iterable[str] = ()) -> list[Told]:
    """Return the calls of a ledger in the order they came; only those of `ids` where any is named.

    database, log: of a `Reader` or a `Store`.
    """
    wanted = set(ids)
    rows = database.rows("SELECT size, subject FROM entry WHERE kind = ? ORDER BY size", (CALL,))
    rows = [row for row in rows if not wanted or row[1] in wanted]
    found: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for (size, subject), entry in zip(rows, log.entries(size for size, _ in rows), strict=True):
        found.setdefault(subject, []).append((int(size), entry))
    return [_told(own) for own in found.values()]


def _told(entries: Sequence[tuple[int, Mapping[str, Any]]]) -> Told:
    steps = tuple(
        Step(Stage(entry["stage"]), float(entry["moment"]) / 1e3, size, entry.get("says", {}))
        for size, entry in entries
    )
    return Told(call_of([entry for _, entry in entries]), steps)


def told(call: Call) -> dict[str, Any]:
    """Return where a call stands, units last in names; what is not known yet is not there.

    earned_cny: paid less penalty; below 0 the park pays. cap_mw: of the import, per step;
    floor_mw: where more import was called.
    """
    found: dict[str, Any] = {
        "call": call.id,
        "product": call.terms.product,
        "way": call.way.value,
        "stage": call.stage.value,
        "begin": call.begin,
        "hours": call.hours,
        "power_mw": call.power,
        "price_cny_per_mwh": call.terms.price,
        "penalty_cny_per_mwh": call.terms.penalty,
    }
    if call.reckoned:
        found["reckoned_mw"] = list(call.reckoned)
    refused = call.said.get(Stage.REFUSED.value)
    if refused is not None:
        found |= {"because": refused["because"], "because_zh": refused["because_zh"]}
    found |= _series(call)
    settled = call.said.get(Stage.SETTLED.value)
    if settled is not None:
        found["called_mwh"] = float(settled["asked_mwh"])
        found |= {f"{name}_mwh": float(settled[f"{name}_mwh"]) for name in ENERGIES}
        found["delivered_share"] = delivered_share(call)
        paid, penalty = float(settled["paid_cny"]), float(settled["penalty_cny"])
        found |= {"paid_cny": paid, "fine_cny": penalty, "earned_cny": paid - penalty}
    shared = call.said.get(Stage.SHARED.value)
    if shared is not None:
        found["share_rule"] = shared["rule"]
        found["shares_cny"] = {party: int(fen) / 100.0 for party, fen in shared["fen"].items()}
    return found


def _series(call: Call) -> dict[str, Any]:
    """Return what was promised, metered and reckoned by step [MW]; None where nobody knows."""
    found: dict[str, Any] = {}
    if call.reckoned:
        holds = call.product.holds
        assert holds is not None, "what is called holds something"
        held = [holds(call.asked, reckoned) for reckoned in call.reckoned]
        if call.product.meter == "tie":
            name, ends = (
                ("cap_mw", [each.most for each in held])
                if call.way is Way.LESS
                else ("floor_mw", [each.least for each in held])
            )
            found[name] = ends
    delivered = call.said.get(Stage.DELIVERED.value)
    if delivered is not None:
        found["metered_mw"] = [_number(each) for each in delivered["metered_mw"]]
    measured = call.said.get(Stage.MEASURED.value)
    if measured is not None:
        found["baseline_mw"] = [_number(each) for each in measured["baseline_mw"]]
        found["baseline_method"] = measured["method"]
        found["gamed"] = measured["gamed"]
    return found


def starts(call: Call) -> list[float]:
    """Return the begin of each step of a call [POSIX s]."""
    return [call.begin + i * call.step for i in range(round(call.hours * HOUR / call.step))]


def _number(said: str | None) -> float | None:
    return None if said is None else float(said)
