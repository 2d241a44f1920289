"""`zeropark plan --study`: what to build, and what a cleaner park would cost, each point lived.

A study that names the steps of a coarse year is of windows instead: `faces.cli.year_study`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zeropark.assets import kinds
from zeropark.faces.cli.asked import Asked, study_of
from zeropark.faces.cli.progress import Progress
from zeropark.faces.cli.refused import Refused
from zeropark.faces.cli.sentences import in_sentences
from zeropark.faces.locale import gettext as _
from zeropark.model.park import Park, Study
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.replay import Replay
from zeropark.operate.run import Run
from zeropark.plan.result import as_json
from zeropark.plan.sizing import Sizing, size, wanted_by
from zeropark.plan.year import Year


def sized(source: Path, asked: Asked, learn: Path | None = None) -> Mapping[str, Any]:
    """Return what a study of the park file `source` comes to, as `--json` prints it.

    learn: where a study of windows writes its planned year, and lives nothing.
    """
    with in_sentences():
        park = read_park(source, kinds())
        study = study_of(park, asked.study)
        if learn is not None:
            return _learned(source, park, study, asked, learn)
        if study.coarse is not None:
            # Studies of windows import all of a run: not for who sizes.
            from zeropark.faces.cli.year_study import windowed  # noqa: PLC0415

            with Progress() as progress:
                return windowed(park, study, asked.request(park, source.parent), progress)
        if not study.free:
            sentence = _(
                "--study '{given}': it leaves nothing free. Write free: with asset, parameter, "
                "at_most, cost and lifetime, and interest:, to size something."
            )
            raise Refused(sentence.format(given=study.name))
        request = asked.request(park, source.parent)
        with Progress() as progress:
            return _sized(park, study, request, progress)


def _learned(source: Path, park: Park, study: Study, asked: Asked, place: Path) -> dict[str, Any]:
    if study.coarse is None:
        sentence = _(
            "--learn: study '{given}' plans no year. Write coarse: with the length of its steps, "
            "such as 4 h, or name another with --study."
        )
        raise Refused(sentence.format(given=study.name))
    # As above.
    from zeropark.faces.cli.year_told import learned  # noqa: PLC0415

    with Progress() as progress:
        return learned(park, study, asked.request(park, source.parent), place, progress)


def _sized(park: Park, study: Study, request: RunRequest, progress: Progress) -> dict[str, Any]:
    progress("world", 0, 1)
    run = Run(request)
    world = run.world
    year = Year(world.assets, run.nodes, world.truth, run.plant().read(), world.end_price)
    wanted, units = wanted_by(study, world.assets, float(world.grid.hours.sum()))
    progress("world", 1, 1)
    sizing = size(
        year, wanted, clean_share=study.clean_share, points=study.points, progress=progress
    )
    lived = _lived(sizing, request, progress)
    found = as_json(sizing, units, lived)
    head = {
        "park": park.name,
        "park_label": park.shown._asdict(),
        "study": study.name,
        "start": request.start,
        "days": request.days,
        "step_minutes": request.step_minutes,
        "seed": request.seed,
        "clean_share_asked": study.clean_share,
    }
    return {**head, **found}


def _lived(sizing: Sizing, request: RunRequest, progress: Progress) -> list[dict[str, Any]]:
    """Return what each point came to on twelve days: the frontier's, then the answer's."""
    points = [*sizing.frontier, sizing.answer]
    replay = Replay(request)
    found: list[dict[str, Any]] = []
    for number, point in enumerate(points):
        if point in points[:number]:
            found.append(found[points.index(point)])
            continue

        def told(day: int, number: int = number) -> None:
            progress("replay", 12 * number + day, 12 * len(points))

        found.append(asdict(replay.live(point.sizes(), told)))
    progress("replay", 1, 1)
    return found
