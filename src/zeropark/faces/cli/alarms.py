"""`zeropark alarms`: how alarms stand, what they asked of people; acknowledge one, or shelve it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli.ledger_place import JsonOption
from zeropark.faces.cli.refused import DONE, Refused
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.operate.told_alarms import Burden, Moved

# What ISA-18.2 holds an operator able to bear: a calm hour, and ten minutes of trouble.
_CALM_HOUR, _TEN_MINUTES = 6, 10


def alarms(
    store: Annotated[
        Path, typer.Option(metavar="DIR", help=N_("Folder of the store that operate writes."))
    ] = Path("runs/operate"),
    acknowledge: Annotated[
        str | None,
        typer.Option(metavar="ALARM", help=N_("Say that this alarm was seen.")),
    ] = None,
    shelve: Annotated[
        str | None, typer.Option(metavar="ALARM", help=N_("Set this alarm aside for --hours."))
    ] = None,
    hours: Annotated[
        str, typer.Option(metavar="TIME", help=N_("How long it is set aside, such as 2h."))
    ] = "1h",
    why: Annotated[
        str, typer.Option(metavar="TEXT", help=N_("Reason; it stands in the ledger."))
    ] = "",
    role: Annotated[
        str, typer.Option(metavar="ROLE", help=N_("Role it is asked in, such as dispatcher."))
    ] = "",
    hour: Annotated[
        str | None,
        typer.Option("--last", metavar="TIME", help=N_("Count only the last so long: 24h.")),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Return 0; what is asked of an alarm is in the ledger then."""
    if acknowledge is not None and shelve is not None:
        raise Refused(_("Name --acknowledge or --shelve, not both."))
    for verb, alarm in (("acknowledge", acknowledge), ("shelve", shelve)):
        if alarm is not None:
            return _ask(store, verb, alarm, hours, why, role, as_json=as_json)
    return _show(store, hour, as_json=as_json)


def _ask(
    store: Path, verb: str, alarm: str, hours: str, why: str, role: str, *, as_json: bool
) -> int:
    from zeropark.faces.cli.asked import amount  # noqa: PLC0415 - pydantic is slow to import
    from zeropark.faces.cli.command_park import tell  # noqa: PLC0415 - as above
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - as above
    from zeropark.operate.socket import NAME, hand_over  # noqa: PLC0415 - as above

    said: dict[str, Any] = {"verb": verb, "on": alarm, "why": why, "role": role}
    if verb == "shelve":
        said["hours"] = amount("--hours", hours, "h")
    with in_sentences():
        answer = hand_over(store / NAME, said)
    tell(answer, as_json=as_json)
    return DONE


def _show(store: Path, last: str | None, *, as_json: bool) -> int:
    from zeropark.faces.cli.asked import amount  # noqa: PLC0415 - as above
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - as above
    from zeropark.ledger.reader import Reader  # noqa: PLC0415 - as above
    from zeropark.operate.told_alarms import burden, lived, moves, standing  # noqa: PLC0415

    seconds = None if last is None else amount("--last", last, "s")
    with in_sentences(), Reader(store) as reader:
        changes, span = moves(reader.database, reader.log), lived(reader.database)
    if span is None:
        raise Refused(_("{store}: nothing was lived there yet.").format(store=store))
    begin, end = span
    if seconds is not None:
        begin = max(begin, end - seconds)
    found, left = burden(changes, begin, end), standing(changes)
    if as_json:
        print(json.dumps(_as_json(found, left), ensure_ascii=False, indent=1))  # noqa: T201 - as above
    else:
        print("\n".join([*_counted(found), *(_line(each) for each in left)]))  # noqa: T201 - as above
    return DONE


def _counted(found: Burden) -> list[str]:
    """Return the measures, each beside what people are able to bear."""
    shares = ", ".join(f"{_name(each)} {share:.0%}" for each, share in found.shares.items())
    rows = [
        (_("hours of operation"), f"{found.hours:.2f}", ""),
        (_("alarms told"), f"{found.told}", _("{n} after grouping").format(n=found.groups)),
        (
            _("per operator-hour"),
            f"{found.per_hour:.2f}",
            _("calm: at most {n}").format(n=_CALM_HOUR),
        ),
        (
            _("most in ten minutes"),
            f"{found.most_in_ten_minutes}",
            _("at most {n}").format(n=_TEN_MINUTES),
        ),
        (_("chattering"), f"{found.chattering}", _("three times in a minute")),
        (_("standing over 24 h"), f"{found.over_a_day}", ""),
        (_("share by priority"), shares or "-", ""),
    ]
    from zeropark.faces.cli.calls_screen import row  # noqa: PLC0415 - as above

    return [row(name, f"{value}  {beside}".rstrip()) for name, value, beside in rows]


def _name(priority: str) -> str:
    return {"high": _("high"), "medium": _("medium"), "low": _("low")}[priority]


def _line(each: Moved) -> str:
    from zeropark.faces.cli.calls_screen import row  # noqa: PLC0415 - as above

    title, action = (said.in_language(language()) for said in (each.row.title, each.row.action))
    since = dt.datetime.fromtimestamp(each.at, dt.UTC).isoformat(timespec="minutes")
    return row(
        f"[{_name(each.row.priority)}]",
        f"{title} ({each.id}): {_state(each)}, {since}. {action}",
    )


def _state(each: Moved) -> str:
    from zeropark.operate.alarms import STANDING  # noqa: PLC0415 - as above

    return STANDING[each.state].in_language(language())


def _as_json(found: Burden, left: list[Moved]) -> dict[str, Any]:
    return {
        "hours": round(found.hours, 4),
        "told": found.told,
        "groups": found.groups,
        "per_hour": round(found.per_hour, 4),
        "most_in_ten_minutes": found.most_in_ten_minutes,
        "chattering": found.chattering,
        "over_a_day": found.over_a_day,
        "shares": {name: round(share, 4) for name, share in found.shares.items()},
        "standing": [
            {
                "id": each.id,
                "priority": each.row.priority,
                "state": each.state.value,
                "since": dt.datetime.fromtimestamp(each.at, dt.UTC).isoformat(),
                "said": each.said,
                "leaf": each.leaf,
            }
            for each in left
        ],
    }
