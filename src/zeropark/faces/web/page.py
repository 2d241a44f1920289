"""What a page of the control room is, and what it is given to show."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

import numpy as np

from zeropark.faces.web.roles import ROLES, may, roles_for
from zeropark.operate.authority import VERBS
from zeropark.units.text import Text
from zeropark.units.timegrid import to_local

if TYPE_CHECKING:
    from zeropark.assets.kind import Kind
    from zeropark.faces.web.people import People, Session
    from zeropark.model.park import Park
    from zeropark.operate.living import Frame, Living
    from zeropark.operate.today import Today

FOLDER = Path(__file__).parent / "pages"
Form = Mapping[str, str]


class Keeper(Protocol):
    """What a page keeps beside the park, such as work that goes on while nobody looks."""

    def mark(self) -> str:
        """Return what changes with whatever the page should be asked for again."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Page:
    """A page: one folder with `page.py`, that names it `PAGE`, and the template it fills.

    name: in the address. order: in the menu; None keeps it out. key: typed after `g`. label: in the
    menu. verb: what one must be allowed to do to see it. words: its texts, by the template's names.
    context: returns what the template is given. posts: what forms of the page do, by the last
    word of their address; each returns the address to go on to, or a context of its own. live:
    whether it changes with every step of the park. keeper: makes what the page keeps, in a folder
    of its own; a change of its mark reaches the browser as an event of the page's name. acts: words
    of what the page notes that somebody did. paper: last word of the address of the page as PDF;
    "" where it is not made, as of a page whose charts scripts draw. deep: whether
    something may stand behind its name in an address. folder: of the template `page.html.j2`.
    """

    name: str
    label: Text
    words: Mapping[str, Text]
    context: Callable[[View], Mapping[str, Any]]
    order: int | None = None
    key: str = ""
    verb: str = "see_park"
    posts: Mapping[str, Callable[[View, Form], str | Mapping[str, Any]]] = field(
        default_factory=dict
    )
    files: Mapping[str, Callable[[View], tuple[str, str, bytes]]] = field(default_factory=dict)
    live: bool = True
    keeper: Callable[[Path], Keeper] | None = None
    acts: Mapping[str, Text] = field(default_factory=dict)
    paper: str = ""
    deep: bool = False
    folder: Path = FOLDER

    def has(self, rest: str) -> bool:
        """Return whether there is something behind the page's name in an address."""
        return self.deep or rest in {"", *self.files, self.paper}


@dataclass(frozen=True)
class View:
    """One person's look at the park.

    language: zh or en. theme: light, dark, or "" for what the reader's system prefers. path: of the
    page, from the root. rest: what of it stands behind the page's name. query: of the address.
    kept: what pages keep, by the page's name.
    """

    living: Living
    people: People
    session: Session
    language: str
    theme: str
    path: str
    rest: str
    query: Mapping[str, str]
    kept: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def frame(self) -> Frame | None:
        """The newest frame, the same for the whole page."""
        return self.living.frame

    @cached_property
    def today(self) -> Today | None:
        """The park at that frame; None before its first step has ended."""
        from zeropark.operate.today import today  # noqa: PLC0415 - numpy-heavy, and only for pages

        return None if self.frame is None else today(self.living, self.frame)

    @property
    def park(self) -> Park:
        """The park."""
        return self.living.run.request.park

    @property
    def zone(self) -> str:
        """The park's clock."""
        return self.living.run.world.grid.zone

    def say(self, text: Text) -> str:
        """Return a text in the reader's language."""
        return text.in_language(self.language)

    @property
    def status(self) -> Mapping[str, Any] | None:
        """How operate says things stand; None where it does not answer."""
        return self.living.status

    @property
    def roles_asked(self) -> list[tuple[str, str, int]]:
        """Who gave himself a role that commands, which, and in how many hours it holds."""
        from zeropark.faces.web.granting import Granting  # noqa: PLC0415 - it asks the roles

        now = self.people.now()
        return [
            (each.name, self.say(ROLES[each.role]), math.ceil((each.ends - now) / 3_600.0))
            for each in Granting(self.people).waiting()
        ]

    @property
    def own_only(self) -> bool:
        """Whether the person sees the assets of one party and nothing else."""
        return self.session.person.party is not None

    def seen(self, on: str) -> str:
        """Return what a form about an object carries, so that who comes second is told."""
        return "" if self.status is None else str(self.status["newest"].get(on, ""))

    def verb(self, name: str) -> str:
        """Return a command in words."""
        return self.say(VERBS.get(name, Text(name, name)))

    def can(self, verb: str, asset: Kind | None = None) -> bool:
        """Return whether the person may command this, and somebody is there to take it."""
        person = self.session.person
        own = person.party is not None and asset is not None and asset.party == person.party
        kinds = ("own",) if own else ("asset",) if asset is not None else ("park", "alarm", "order")
        return self.status is not None and any(
            person.role in roles_for(verb, kind) for kind in kinds
        )

    def may(self, verb: str) -> bool:
        """Return whether the person may do what the verb says."""
        return may(self.session.person.role, verb)

    def local(self, moment: np.datetime64) -> np.datetime64:
        """Return the park's clock at an instant (UTC)."""
        found: np.datetime64 = to_local(np.array([moment], "datetime64[s]"), self.zone)[0]
        return found

    def clock(self, moment: np.datetime64) -> str:
        """Return the park's time of an instant (UTC) as HH:MM, with the date of another day."""
        there, here = self.local(moment), self.local(self.living.clock())
        text = str(there)[11:16]
        day = there.astype("datetime64[D]")
        return text if day == here.astype("datetime64[D]") else f"{_day(day, self.language)} {text}"

    def address(self, **changed: str | None) -> str:
        """Return the address of this view with some of its query otherwise; None leaves one out."""
        query = {**self.query, **changed}
        said = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{self.path}?{said}" if said else self.path


def _day(day: np.datetime64, language: str) -> str:
    from zeropark.faces.report.shown import short_day  # noqa: PLC0415 - as above

    return short_day(day.astype("datetime64[D]").astype(object)).in_language(language)


def pages(*more: Path) -> dict[str, Page]:
    """Return the pages in the menu's order: every folder with a `page.py` here and in `more`."""
    found = [_page(path) for folder in (FOLDER, *more) for path in sorted(folder.glob("*/page.py"))]
    ordered = sorted(found, key=lambda page: (page.order is None, page.order or 0, page.name))
    return {page.name: page for page in ordered}


def _page(path: Path) -> Page:
    name = f"zeropark.faces.web.pages.{path.parent.name}.page"
    if path.parent.parent != FOLDER:
        name = f"zeropark_page_{path.parent.name}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None, "a Python file can be loaded"  # noqa: PT018
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    page: Page = sys.modules[name].PAGE
    return page
