"""A small park in operation that has lived its first hours and then stands still."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zeropark.assets import kinds
from zeropark.ledger.place import place_of
from zeropark.ledger.store import Store, create
from zeropark.model.parkfile import read_park
from zeropark.operate.authority import Actor
from zeropark.operate.build import RunRequest
from zeropark.operate.living import Ask, Living
from zeropark.operate.service import Service
from zeropark.operate.start import here

ROOT = Path(__file__).parents[2]
HOURS = 30
SPEED = 60.0


@dataclass
class Lived:
    """A service whose clock has stopped, and who looks on at it."""

    service: Service
    living: Living
    store: Store


@contextmanager
def lived(
    park: str = "microgrid", step: int = 60, hours: int = HOURS, *, last_plan: bool = True
) -> Iterator[Lived]:
    """A park that has lived so many hours; its clock goes on only when a test asks for a cycle."""
    source = ROOT / "parks" / park / "park.yaml"
    request = RunRequest(
        read_park(source, kinds()), source.parent, "2026-04-16", days=4, step_minutes=step,
        horizon_hours=24.0, compare=False,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        place = place_of(f"{folder}/store")
        create(place, "simulated", reserve=4_096)
        with Store(place, "operate", reserve=4_096) as store:
            service = here(request, store, SPEED, 1.0, 4, threaded=False)
            asyncio.run(hurry(service, hours, last_plan=last_plan))
            living = Living(request, answered_by(service), place)
            living.look()
            yield Lived(service, living, store)


async def hurry(service: Service, hours: int, *, last_plan: bool) -> None:
    """Live so many hours at once, then one more cycle with a plan that is kept."""
    chronicle = service.chronicle
    assert chronicle is not None
    clock = service.clock
    clock.hold()  # type: ignore[attr-defined] # of a simulated park
    start = clock.now()
    chronicle.catching_up = True
    while clock.now() < start + hours * 3_600.0:
        service.report = await service.cycle.once()
        clock.skip(120.0)  # type: ignore[attr-defined] # of a simulated park
    if not last_plan:
        return
    chronicle.catching_up = False
    service.cycle.plan_soon()
    service.report = await service.cycle.once()


def answered_by(service: Service) -> Ask:
    """Return who answers in this process as the socket would."""

    def ask(said: Mapping[str, Any]) -> Mapping[str, Any]:
        actor = Actor(
            str(said.get("actor", "os_user")), str(said.get("name", "test")),
            str(said.get("role", "")), str(said.get("channel", "local")),
            str(said.get("party", "")),
        )  # fmt: skip
        return service.answer(said, actor)

    return ask
