"""`zeropark plan`: one plan of the days ahead, its set-points, prices and reasons on one screen."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli import files as files_of
from zeropark.faces.cli import which
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.progress import PATIENCE_S, Progress
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.faces.cli.asked import Asked

# As far as a run's plans may look.
MOST_DAYS = 14
ONE_DAY = "1"


def plan(
    park: which.Park = "microgrid",
    start: which.Start = None,
    days: Annotated[
        str, typer.Option(metavar="N", help=N_("How many days are planned: 1 to 14."))
    ] = ONE_DAY,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=N_("Size what this study leaves free, or live the windows of its year."),
        ),
    ] = None,
    step: which.Step = None,
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help=N_("Seed of all chance; the same seed, the same plan.")),
    ] = None,
    peak_so_far: Annotated[
        str, typer.Option(metavar="POWER", help=N_("Highest demand of the month before the plan."))
    ] = "0 kW",
    weather: files_of.Weather = None,
    load: files_of.Load = None,
    price: files_of.Price = None,
    jobs: files_of.Jobs = None,
    cars: files_of.Cars = None,
    outages: files_of.Outages = None,
    *,
    learn: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=N_("With --study: plan its year only, and write what run --year reads."),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("Write the whole plan here too, as JSON.")),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=N_("Print the plan as JSON only."))
    ] = False,
) -> int:
    """Plan the days ahead as a run would at its first step, and show the plan; live nothing."""
    files = files_of.brought(weather, load, price, jobs, cars, outages)
    for path in files.values():
        files_of.readable(path)
    source = park_file(park)
    if study is not None:
        # Unless other days are asked for, a study is as long as it says.
        other = None if days == ONE_DAY else days
        said = (start, other, step, seed, peak_so_far)
        return _study(source, study, said, files, out, learn, as_json=as_json)
    if learn is not None:
        raise Refused(_("--learn plans the year of a study; name it with --study."))
    with _without_collector():
        # The engine's libraries take a while to import: only once the command's words are read.
        from zeropark.faces.cli.asked import Asked, whole  # noqa: PLC0415

        number = whole("--days", days, 1, MOST_DAYS)
        horizon = f"{24 * number}h"
        asked = Asked(start, str(number), step, horizon, "plan", seed, peak_so_far, files=files)
        found = _planned(source, asked)
    if out is not None:
        _write(out, found)
    if as_json:
        print(_text(found))  # noqa: T201 - the answer of a command
        return DONE
    from zeropark.faces.cli.plan_screen import lines  # noqa: PLC0415 - not for who wants JSON

    print("\n".join(lines(found)))  # noqa: T201 - the answer of a command
    return DONE


def _study(
    source: Path,
    study: str,
    said: tuple[str | None, str | None, str | None, str | None, str],
    files: Mapping[str, Path],
    out: Path | None,
    learn: Path | None,
    *,
    as_json: bool,
) -> int:
    # As above: the engine's libraries only once the words of the command are read.
    from zeropark.faces.cli import year_screen  # noqa: PLC0415
    from zeropark.faces.cli.asked import Asked  # noqa: PLC0415
    from zeropark.faces.cli.study import sized  # noqa: PLC0415
    from zeropark.faces.cli.study_screen import lines  # noqa: PLC0415

    start, days, step, seed, peak = said
    request = Asked(start, days, step, seed=seed, peak_so_far=peak, files=files, study=study)
    found = sized(source, request, learn)
    if out is not None:
        _write(out, found)
    if as_json:
        print(_text(found))  # noqa: T201 - the answer of a command
    else:
        show = lines
        if "policies" in found:
            show = year_screen.lines
        elif learn is not None:
            show = year_screen.learned
        print("\n".join(show(found)))  # noqa: T201 - the answer of a command
    return DONE


def _planned(source: Path, asked: Asked) -> Mapping[str, Any]:
    # As above: the engine's libraries only where a plan is really made.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate.one_plan import plan_once  # noqa: PLC0415

    with in_sentences(), _shown_when_long() as stages:
        request = asked.request(read_park(source, kinds()), source.parent)
        return plan_once(request, stages.append)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let garbage lie: a plan is over before any is worth collecting, and looking takes time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _shown_when_long() -> Iterator[list[str]]:
    """Yield the list of stages begun; what takes longer than two seconds shows the present one."""
    progress, stages = Progress(), ["world"]
    over = threading.Event()

    def show() -> None:
        while not over.wait(PATIENCE_S):
            progress(stages[-1], 0, 1)

    watch = threading.Thread(target=show, daemon=True)
    watch.start()
    try:
        yield stages
    finally:
        over.set()
        watch.join()
        progress.close()


def _text(found: Mapping[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1)


def _write(path: Path, found: Mapping[str, Any]) -> None:
    """Write beside and rename, so that a reader meets a whole plan or none."""
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(_text(found), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Refused(disk_sentence(error, str(path))) from error
