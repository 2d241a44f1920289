"""`zeropark run`: a park in closed loop on the simulated plant, its files and its one screen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli import files as files_of
from zeropark.faces.cli import which
from zeropark.faces.cli.folder import result_folder
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.progress import Progress
from zeropark.faces.cli.refused import DONE, WRONG_INPUT, Refused, disk_sentence, say
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from zeropark.faces.cli.asked import Asked
    from zeropark.ledger.store import Store
    from zeropark.operate.build import RunRequest
    from zeropark.operate.controllers import Advice


def run(
    park: which.Park = "microgrid",
    start: which.Start = None,
    days: Annotated[
        str | None, typer.Option(metavar="N", help=N_("How many days: 1 to 3660."))
    ] = None,
    step: which.Step = None,
    horizon: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help=N_("How far each plan looks, 1h to 336h; 24h+48h goes on by the hour."),
        ),
    ] = None,
    policy: Annotated[
        str, typer.Option(metavar="NAME", help=N_("Who decides: plan or rules."))
    ] = "plan",
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help=N_("Seed of all chance; the same seed, the same run.")),
    ] = None,
    peak_so_far: Annotated[
        str, typer.Option(metavar="POWER", help=N_("Highest demand of the month before the run."))
    ] = "0 kW",
    weather: files_of.Weather = None,
    load: files_of.Load = None,
    price: files_of.Price = None,
    jobs: files_of.Jobs = None,
    cars: files_of.Cars = None,
    outages: files_of.Outages = None,
    *,
    year: which.Year = None,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help=N_("Folder of the result; an earlier one is replaced.")),
    ] = Path("runs/latest"),
    store: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help=N_("Simulated store to post into; made where it is not.")
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=N_("Sign the store's head after the run; else ZEROPARK_KEY.")
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=N_("Print run.json only."))] = False,
    no_compare: Annotated[
        bool, typer.Option("--no-compare", help=N_("Leave out rules and foresight."))
    ] = False,
) -> int:
    """Run the park, write the result's files into `out`, show one screen; return the exit code."""
    files = files_of.brought(weather, load, price, jobs, cars, outages)
    for path in files.values():
        files_of.readable(path)
    source = park_file(park)
    # The engine's libraries take a second to import: only once the words of the command are read.
    from zeropark.faces.cli.asked import Asked  # noqa: PLC0415

    asked = Asked(
        start, days, step, horizon, policy, seed, peak_so_far, compare=not no_compare, files=files
    )
    result = _lived(source, asked, out, store, key, year)
    _show(result, out, as_json=as_json)
    if not result["partial"]:
        return DONE
    if result["days_run"] < result["days"]:
        sentence = _("Stopped after {days:.2f} of {asked} days; {place} holds what there was.")
    else:
        sentence = _("Stopped while comparing; {place} holds the run without the comparison.")
    say(sentence.format(days=result["days_run"], asked=result["days"], place=out))
    return WRONG_INPUT


def _lived(
    source: Path,
    asked: Asked,
    out: Path,
    ledger: str | None,
    key: Path | None,
    year: Path | None,
) -> Mapping[str, Any]:
    """Run the park file `source`, write the files of the result, return what `run.json` holds."""
    # As above: the engine's libraries only where a run really begins.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.faces.report import write_report  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate.run import execute  # noqa: PLC0415

    with in_sentences():
        signer = _signer(ledger, key)
        request = asked.request(read_park(source, kinds()), source.parent)
        told = _told(year, request)
        with _opened(ledger, signer) as store, result_folder(out) as folder, Progress() as progress:
            result = execute(request, folder, progress, store, signer, told)
            progress("report", 0, 1)
            fault = _fault_of(lambda: write_report(result, folder / "series.parquet", folder))
    if fault is not None:
        raise fault
    return result


def _told(year: Path | None, request: RunRequest) -> Advice | None:
    if year is None:
        return None
    from zeropark.faces.cli.year_told import given  # noqa: PLC0415 - as above

    return given(year, request)


def _signer(ledger: str | None, key: Path | None) -> Ed25519PrivateKey | None:
    """Return the key that signs the store's head after the run, None where nobody names one."""
    if ledger is None:
        if key is None:
            return None
        raise Refused(_("--key signs the head of a store; name it with --store."))
    from zeropark.data.errors import DataError  # noqa: PLC0415 - as above
    from zeropark.ledger.keyfile import ENVIRONMENT, find  # noqa: PLC0415 - as above

    try:
        return find(key, os.environ)
    except DataError as error:
        if error.key == "key-absent":
            return None
        raise
    except OSError as error:
        named = key or os.environ.get(ENVIRONMENT)
        raise Refused(disk_sentence(error, str(error.filename or named))) from error


@contextmanager
def _opened(named: str | None, signer: Ed25519PrivateKey | None) -> Iterator[Store | None]:
    """Yield the simulated store of a run, None where nobody asks for one.

    A key that cannot sign for it is refused before the run, not after.
    """
    if named is None:
        yield None
        return
    from zeropark.ledger import signing  # noqa: PLC0415 - as above
    from zeropark.ledger.place import place_of, there  # noqa: PLC0415 - as above
    from zeropark.ledger.store import Store, create  # noqa: PLC0415 - as above

    place = place_of(named)
    if not there(place):
        create(place, "simulated")
    with Store(place, "run") as store:
        store.must_be("simulated")
        if signer is not None:
            signing.must_fit(store, signer)
        yield store


def _fault_of(write: Callable[[], object]) -> Exception | None:
    """Return our mistake in a report, so that the run's numbers are kept before it is told."""
    try:
        write()
    except (OSError, KeyboardInterrupt):
        raise
    except Exception as fault:  # noqa: BLE001 - told once the numbers lie in their place
        return fault
    return None


def _show(result: Mapping[str, Any], place: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=1))  # noqa: T201 - the answer of a command
        return
    # rich takes 0.1 s to import; who wants JSON does not wait for it.
    from zeropark.faces.cli.screen import show  # noqa: PLC0415

    show(result, place / "report.html")
