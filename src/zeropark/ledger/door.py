"""A witness behind a URL: its door, and those who knock.

`GET /heads/STORE` answers all heads kept of a store, `GET /latest/STORE` the largest, and
`POST /heads` with `{"head": …, "path": […]}` takes one. Only https leaves the machine; plain http
is for the machine itself, where another program may add TLS.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from zeropark.data.errors import DataError
from zeropark.ledger import merkle, signed, witness
from zeropark.ledger.signed import Signed
from zeropark.ledger.witness import Seen, Witness
from zeropark.units.text import Text

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PATIENCE_S = 10.0
_LARGEST_BYTES = 1 << 20
_LARGEST_ANSWER_BYTES = 64 << 20
_HASH_BYTES = 32

_SCHEME = Text(
    "{url}: allowed are https, and http on this machine (127.0.0.1)",
    "{url}：可用 https，或本机 http（127.0.0.1）",
)
_SILENT = Text("{url}: does not answer ({reason})", "{url}：没有应答（{reason}）")
_ANSWER = Text("{url}: answers what no witness answers", "{url}：应答不像见证方")
_REQUEST = Text(
    "a head and the path from the head before are needed", "需要签名头和自前一签名头起的路径"
)
_UNKNOWN = Text("no such page; there are /heads/STORE and /latest/STORE", "无此页面")


def is_url(place: str) -> bool:
    """Return whether a place is a URL, not a file or folder."""
    return "://" in place


# -- those who knock -----------------------------------------------------------------------------


def submit(url: str, log: merkle.Tree, head: Signed) -> Seen:
    """Send a head to the witness at `url`; return it with the witness's word.

    Raises `DataError` where the witness refuses, does not answer, or answers something else.
    """
    store = signed.word_of(head, "store", "head")
    latest = _ask(url, f"latest/{store}").get("head")
    kept = None if latest is None else signed.read(latest, url)
    path = [each.hex() for each in witness.path_from(log, head, kept)]
    answer = _ask(url, "heads", {"head": head.document(), "path": path})
    seen = witness.read_text(json.dumps(answer.get("seen")), url)
    if seen.word is None or signed.hash_of(seen.head, "root", url) != log.root(
        signed.number_of(seen.head, "size", url)
    ):
        raise DataError("witness-answer", _ANSWER.format(url=url))
    return seen


def fetch(url: str, store: str) -> list[tuple[str, Seen]]:
    """Return all heads the witness at `url` keeps of a store, with where. Raises `DataError`."""
    found = _ask(url, f"heads/{store}").get("heads")
    if not isinstance(found, list):
        raise DataError("witness-answer", _ANSWER.format(url=url))
    return [(url, witness.read_text(json.dumps(each), url)) for each in found]


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A witness that sends us elsewhere is not the one that was named."""

    def redirect_request(self, *_given: Any) -> None:
        """Follow nowhere."""


def _ask(url: str, page: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the JSON object a page answers. Raises `DataError`."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DataError("witness-scheme", _SCHEME.format(url=url))
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at just above
        f"{url.rstrip('/')}/{page}", data=data, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.build_opener(_NoDetour).open(request, timeout=_PATIENCE_S) as answer:
            said = json.loads(answer.read(_LARGEST_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(url, error) from error
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "reason", error)
        raise DataError("witness-silent", _SILENT.format(url=url, reason=reason)) from error
    if not isinstance(said, dict):
        raise DataError("witness-answer", _ANSWER.format(url=url))
    return said


def _refusal(url: str, error: urllib.error.HTTPError) -> DataError:
    """Return what a witness refused, in its own words where it has some."""
    try:
        said = json.loads(error.read(_LARGEST_BYTES))
        text = Text(f"{url}: {said['en']}", f"{url}：{said['zh']}")
        return DataError(str(said["key"]), text)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return DataError("witness-silent", _SILENT.format(url=url, reason=error.reason))


# -- the door ------------------------------------------------------------------------------------


def server(keeper: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """Return the door of a witness, listening; `serve_forever` opens it. port 0: any free one."""

    class Visit(_Visit):
        of = keeper

    return ThreadingHTTPServer((host, port), Visit)


class _Visit(BaseHTTPRequestHandler):
    """One knock at the door."""

    of: Witness
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        """Answer what is kept."""
        page, _, store = self.path.strip("/").partition("/")
        if page == "latest" and store:
            self._answer(lambda: {"head": _document(self.of.latest(store))})
        elif page == "heads" and store:
            self._answer(lambda: {"heads": [each.document() for each in self.of.all(store)]})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, DataError("witness-page", _UNKNOWN))

    def do_POST(self) -> None:
        """Take a head."""
        if self.path.strip("/") != "heads":
            self._refuse(HTTPStatus.NOT_FOUND, DataError("witness-page", _UNKNOWN))
            return
        self._answer(lambda: {"seen": self._take().document()})

    def log_message(self, *_given: Any) -> None:
        """Say nothing: what is kept lies in the folder."""

    def _take(self) -> Seen:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or int(length) > _LARGEST_BYTES:
            raise DataError("witness-request", _REQUEST)
        try:
            said = json.loads(self.rfile.read(int(length)))
            path = [bytes.fromhex(each) for each in said["path"]]
            head = signed.read(said["head"], "head")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError("witness-request", _REQUEST) from error
        if any(len(each) != _HASH_BYTES for each in path):
            raise DataError("witness-request", _REQUEST)
        return self.of.see(head, path, time.time_ns() // 1_000_000)

    def _answer(self, work: Callable[[], Mapping[str, object]]) -> None:
        try:
            said = work()
        except DataError as error:
            self._refuse(HTTPStatus.CONFLICT, error)
        else:
            self._send(HTTPStatus.OK, said)

    def _refuse(self, status: HTTPStatus, error: DataError) -> None:
        self._send(status, {"key": error.key, "en": error.text.en, "zh": error.text.zh})

    def _send(self, status: HTTPStatus, said: Mapping[str, object]) -> None:
        body = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _document(head: Signed | None) -> dict[str, str] | None:
    return None if head is None else head.document()
