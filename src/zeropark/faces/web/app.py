"""The control room as one application: who may see what, which page answers, and its manners."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from fastapi import FastAPI, Request
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from zeropark.data.errors import DataError
from zeropark.faces.web import log
from zeropark.faces.web.bound import Bounds
from zeropark.faces.web.commands import Commands
from zeropark.faces.web.factors import Factors
from zeropark.faces.web.guard import Guard, secret_of
from zeropark.faces.web.limits import COMMANDS, READS, Limiter
from zeropark.faces.web.page import Keeper, Page, View, pages
from zeropark.faces.web.paper import pdf
from zeropark.faces.web.served import Files
from zeropark.faces.web.signin import SignIn, language_of, theme_of
from zeropark.faces.web.stream import Stream, age_words, clock_words, frame_mark
from zeropark.faces.web.words import SHELL
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.faces.web.people import People, Session
    from zeropark.operate.living import Living

_HERE = Path(__file__).parent
_KEPT = 256
_MOST_BODY = 64_000


@dataclass
class Room:
    """What all parts of the control room share.

    kept: what pages keep, by their names. secure: whether browsers come by TLS.
    """

    living: Living
    people: People
    pages: Mapping[str, Page]
    files: Files
    templates: Environment
    stream: Stream
    kept: Mapping[str, Keeper]
    factors: Factors
    bounds: Bounds
    reading: Limiter
    commanding: Limiter
    secure: bool = False


def application(
    living: Living, people: People, *more: Path, secure: bool = False
) -> FastAPI:  # fmt: skip
    """Return the control room of a living park.

    more: folders of further pages. secure: whether browsers come by TLS, so that cookies say so.
    """
    known = pages(*more)
    kept = _kept(known, people.path)
    stream = Stream(living, {name: keeper.mark for name, keeper in kept.items()})
    room = Room(
        living,
        people,
        known,
        Files(),
        _templates(known),
        stream,
        kept,
        Factors(people),
        Bounds(people),
        Limiter(READS),
        Limiter(COMMANDS),
        secure,
    )
    # The framework's own pages of documentation would fetch scripts from elsewhere.
    app = FastAPI(
        title="zeropark", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_life(room)
    )
    app.state.room = room
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(Guard, secure=secure)
    if log.wanted():
        app.add_middleware(log.Log)
    from zeropark.faces.web.api import attach  # noqa: PLC0415 - it needs `Room`

    _plain_doors(app, room)
    SignIn(room).attach(app)
    Commands(room).attach(app)
    attach(app, room)
    Pages(room).attach(app)
    return app


def _life(room: Room) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        del app
        room.stream.start()
        yield
        await room.stream.stop()
        for keeper in room.kept.values():
            await anyio.to_thread.run_sync(keeper.close)

    return life


def _kept(known: Mapping[str, Page], beside: Path) -> dict[str, Keeper]:
    """Return what pages keep, each in a folder of its own beside the people's file."""
    folder = beside.with_name(f"{beside.stem.removesuffix('-people')}-pages")
    made = ((page.name, page.keeper) for page in known.values())
    return {name: keeper(folder / name) for name, keeper in made if keeper is not None}


def _templates(known: Mapping[str, Page]) -> Environment:
    folders = {page.folder for page in known.values()}
    loader = ChoiceLoader(
        [
            FileSystemLoader(_HERE / "templates"),
            *(PrefixLoader({"pages": FileSystemLoader(folder)}) for folder in folders),
        ]
    )
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def _plain_doors(app: FastAPI, room: Room) -> None:
    """Answer for files, for health, and for the event stream."""

    @app.get("/static/{tag}/{name}", include_in_schema=False)
    async def static(request: Request, tag: str, name: str) -> Response:
        file = room.files.get(name)
        if file is None or tag != room.files.tag:
            return Response(status_code=404)
        packed = "gzip" in request.headers.get("accept-encoding", "") and name[-5:] != "woff2"
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        }
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(file.packed if packed else file.plain, 200, headers, file.kind)

    @app.get("/live", include_in_schema=False)
    async def live(request: Request) -> Response:
        secret = secret_of(request)
        if room.people.session(secret) is None:
            return Response(status_code=401)
        events = room.stream.events(language_of(request), room.people, secret or "")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, 200, headers, "text/event-stream")


class Pages:
    """Answers for pages: renders them, and keeps what it rendered while the park stands still."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._kept: OrderedDict[tuple[Any, ...], str] = OrderedDict()
        self._lock = threading.Lock()
        # Two trials at a time would only make each other slow.
        self._trying = threading.Lock()

    def attach(self, app: FastAPI) -> None:
        """Answer under the names of the pages."""

        @app.get("/", include_in_schema=False)
        async def root() -> Response:
            return RedirectResponse(f"/{next(iter(self._room.pages))}", 303)

        @app.get("/{name}", include_in_schema=False)
        @app.get("/{name}/{rest:path}", include_in_schema=False)
        async def page(request: Request, name: str, rest: str = "") -> Response:
            return await anyio.to_thread.run_sync(self._answer, request, name, rest)

        @app.post("/{name}/{act}", include_in_schema=False)
        async def post(request: Request, name: str, act: str) -> Response:
            body = await request.body()
            if len(body) > _MOST_BODY:
                return Response(status_code=413)
            form = {key: str(value) for key, value in (await request.form()).items()}
            return await anyio.to_thread.run_sync(self._act, request, name, act, form)

    def _answer(self, request: Request, name: str, rest: str) -> Response:
        session = self._room.people.session(secret_of(request))
        if session is None:
            return self._to_sign_in(request)
        page = self._room.pages.get(name)
        view = self._view(request, session, rest)
        if page is None or not page.has(rest):
            return self._refused(view, 404, SHELL["no_page"])
        if not view.may(page.verb):
            return self._refused(view, 403, SHELL["not_yours"])
        try:
            if rest and (rest in page.files or rest == page.paper):
                return self._sent(page, view)
            return self._shown(request, page, view)
        except DataError as error:
            return self._refused(view, 404, error.text, page)

    def _sent(self, page: Page, view: View) -> Response:
        """Return a file of a page."""
        if view.rest in page.files:
            kind, saved, content = page.files[view.rest](view)
        else:
            kind, saved = "application/pdf", f"zeropark-simulated-{page.name}.pdf"
            content = self._paper(page, replace(view, rest=""))
        headers = {"Content-Disposition": f'attachment; filename="{saved}"'}
        return Response(content, 200, headers, kind)

    def _paper(self, page: Page, view: View) -> bytes:
        """Return a page as PDF."""
        style = self._room.files.style
        html = self._room.templates.get_template("paper.html.j2").render(
            body=self._body(page, view), page=page, style=style,
            clock=clock_words(view.living, view.language), **self._words(page, view),
        )  # fmt: skip
        return pdf(html)

    def _shown(self, request: Request, page: Page, view: View) -> Response:
        part = request.headers.get("hx-request") == "true"
        body = self._body(page, view)
        content = body if part else self._whole(page, view, body)
        response = HTMLResponse(content, headers={"Cache-Control": "no-store"})
        for cookie in ("lang", "theme"):
            if cookie in request.query_params:
                value = view.language if cookie == "lang" else view.theme
                response.set_cookie(
                    cookie, value, max_age=31_536_000, samesite="lax", httponly=True
                )
        return response

    def _body(self, page: Page, view: View, given: Mapping[str, Any] | None = None) -> str:
        """Return what changes of a page; a living one is made once for each frame and reader."""
        person = view.session.person
        key = (
            page.name, view.rest, tuple(sorted(view.query.items())), view.language, view.theme,
            person.role, person.party, frame_mark(view.living), view.living.stale(),
            tuple(view.roles_asked),
        )  # fmt: skip
        if page.live and given is None and (kept := self._kept.get(key)) is not None:
            return kept
        with self._trying if "trial" in view.query else threading.Lock():
            context = dict(page.context(view)) if given is None else dict(given)
        words = self._words(page, view)
        template = self._room.templates.get_template
        made = template("orders.html.j2").render(**words)
        made += template(f"pages/{page.name}/page.html.j2").render(**context, **words)
        if page.live and given is None:
            with self._lock:
                self._kept[key] = made
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return made

    def _whole(self, page: Page | None, view: View, body: str) -> str:
        living = view.living
        return self._room.templates.get_template("shell.html.j2").render(
            body=body,
            page=page,
            pages=[
                p for p in self._room.pages.values() if p.order is not None and view.may(p.verb)
            ],
            tag=self._room.files.tag,
            clock=clock_words(living, view.language),
            age=age_words(living, view.language),
            mark=frame_mark(living),
            stale=living.stale(),
            fault=living.fault is not None,
            unlike=living.unlike,
            operate=living.status is not None,
            **self._words(page, view),
        )

    def _words(self, page: Page | None, view: View) -> dict[str, Any]:
        acts = {key: text for each in self._room.pages.values() for key, text in each.acts.items()}
        words = {**SHELL, **acts, **(page.words if page is not None else {})}

        def w(key: str, **values: object) -> str:
            return view.say(words[key].format(**values))

        return {"w": w, "view": view, "say": view.say}

    def _refused(self, view: View, status: int, text: Text, page: Page | None = None) -> Response:
        body = self._room.templates.get_template("refused.html.j2").render(
            text=view.say(text), **self._words(page, view)
        )
        return HTMLResponse(self._whole(page, view, body), status)

    def _act(self, request: Request, name: str, act: str, form: Mapping[str, str]) -> Response:
        session = self._room.people.session(secret_of(request))
        if session is None:
            return self._to_sign_in(request)
        page = self._room.pages.get(name)
        view = self._view(request, session, "")
        if page is None or act not in page.posts:
            return self._refused(view, 404, SHELL["no_page"])
        if form.get("csrf") != session.csrf:
            return self._refused(view, 403, SHELL["old_form"], page)
        if not view.may(page.verb):
            return self._refused(view, 403, SHELL["not_yours"])
        answer = page.posts[act](view, form)
        if isinstance(answer, str):
            return RedirectResponse(answer, 303)
        return HTMLResponse(
            self._whole(page, view, self._body(page, view, answer)),
            headers={"Cache-Control": "no-store"},
        )

    def _view(self, request: Request, session: Session, rest: str) -> View:
        query = {key: value[:200] for key, value in request.query_params.items()}
        for key in ("lang", "theme"):
            query.pop(key, None)
        return View(
            self._room.living, self._room.people, session, language_of(request), theme_of(request),
            request.url.path, rest, query, self._room.kept,
        )  # fmt: skip

    def _to_sign_in(self, request: Request) -> Response:
        if request.headers.get("hx-request") == "true":
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        on = request.url.path
        return RedirectResponse(f"/sign-in?on={on}" if on != "/" else "/sign-in", 303)
