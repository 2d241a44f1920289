"""What a scanner of web sites looks for, and what a log must not hold."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.faces.test_web import WORDS, living, park, people, room, secrets, tokens
from zeropark.faces.web import log
from zeropark.faces.web.app import application
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.people import People
from zeropark.operate.living import Living

__all__ = ["living", "park", "people", "room", "secrets", "tokens"]  # fixtures
ADDRESSES = [
    "/", "/now", "/nothing", "/sign-in", "/live", "/healthz", "/metrics", "/api/v1/now",
    "/api/v1/nothing", "/api/v1/openapi.json", "/static/x/room.css", "/reports/sheet",
]  # fmt: skip
MUST = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_carries_the_headers_and_names_no_program(
    room: TestClient, address: str
) -> None:
    room.cookies.clear()
    headers = room.get(address).headers
    assert {name: headers.get(name) for name in MUST} == MUST
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "server" not in headers
    assert "x-powered-by" not in headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("address", ["/now", "/api/v1/now", "/sign-in", "/healthz"])
def test_other_methods_do_nothing(
    room: TestClient, secrets: dict[str, str], method: str, address: str
) -> None:
    room.cookies.clear()
    answer = room.request(method, address, headers={"Cookie": f"{COOKIE}={secrets['operator']}"})
    assert answer.status_code in {403, 404, 405}
    assert secrets["operator"] not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/.git/config", "/.env", "/admin", "/wp-login.php", "/server-status", "/docs", "/redoc",
        "/openapi.json", "/static/../app.py", "/static/%2e%2e/app.py", "/now/..%2f..%2fetc/passwd",
        "/asset/%00", "/asset/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/study/report?run=../../etc/passwd",
        "/reports/sheet?of=../../etc/passwd", "/backup/make", "/audit?point=' OR 1=1 --",
    ],
)  # fmt: skip
def test_what_scanners_ask_for_is_not_there(
    room: TestClient, secrets: dict[str, str], address: str
) -> None:
    room.cookies.clear()
    answer = room.get(address, headers={"Cookie": f"{COOKIE}={secrets['operator']}"})
    assert answer.status_code in {303, 404}
    for sign in ("Traceback", 'File "', "site-packages", "root:x:", "[core]", "sqlite3", "apsw"):
        assert sign not in answer.text


@pytest.mark.parametrize(
    "given",
    ["//evil.example", "/\r\nSet-Cookie: a=b", "javascript:alert(1)", "/%0d%0aX: y", "\\evil"],
)
def test_no_address_leads_away_or_writes_a_header(room: TestClient, given: str) -> None:
    room.cookies.clear()
    answer = room.post(
        "/sign-in", params={"on": given}, data={"name": "dispatcher", "password": WORDS}
    )
    assert answer.status_code == 303
    there = answer.headers["location"]
    assert there.startswith("/")
    assert not there.startswith(("//", "/\\"))
    assert "a=b" not in answer.headers.get("set-cookie", "")
    assert "x" not in answer.headers


def test_a_strange_host_is_not_repeated(room: TestClient) -> None:
    room.cookies.clear()
    answer = room.get("/now", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in answer.text + str(answer.headers)


def test_who_does_not_exist_is_answered_like_a_wrong_password(room: TestClient) -> None:
    room.cookies.clear()
    answers = [
        room.post("/sign-in?lang=en", data={"name": name, "password": "wrong words here"})
        for name in ("leadership", "nobody-at-all")
    ]
    assert [each.status_code for each in answers] == [403, 403]
    assert answers[0].text == answers[1].text


def test_a_session_that_was_ended_opens_nothing(room: TestClient, people: People) -> None:
    entered = people.sign_in("auditor", WORDS, "test")
    assert entered is not None
    room.cookies.clear()
    headers = {"Cookie": f"{COOKIE}={entered[0]}"}
    assert room.get("/now", headers=headers).status_code == 200
    room.post("/sign-out", headers=headers)
    room.cookies.clear()
    assert room.get("/now", headers=headers).status_code == 303
    assert room.get("/api/v1/now", headers=headers).status_code == 401


@pytest.mark.parametrize("address", ["/sign-in", "/study/ask", "/api/v1/trial"])
def test_a_huge_body_is_refused(
    room: TestClient, secrets: dict[str, str], tokens: dict[str, str], address: str
) -> None:
    room.cookies.clear()
    headers = {"Cookie": f"{COOKIE}={secrets['dispatcher']}"}
    if address.startswith("/api"):
        headers = {"Authorization": f"Bearer {tokens['try']}"}
    answer = room.post(address, content=b"x" * 3_000_000, headers=headers)
    assert answer.status_code in {413, 422}


def test_by_tls_a_cookie_goes_nowhere_else(living: Living, people: People) -> None:
    with TestClient(
        application(living, people, secure=True), base_url="https://testserver",
        follow_redirects=False,
    ) as client:  # fmt: skip
        answer = client.post("/sign-in", data={"name": "dispatcher", "password": WORDS})
    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_no_secret_reaches_a_log_or_the_list_of_acts(
    room: TestClient, people: People, secrets: dict[str, str], tokens: dict[str, str],
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    room.cookies.clear()
    room.post("/sign-in", data={"name": "dispatcher", "password": WORDS})
    room.cookies.clear()
    room.post("/sign-in", data={"name": "dispatcher", "password": "another wrong one"})
    room.get("/now", headers={"Cookie": f"{COOKIE}={secrets['auditor']}"})
    room.get("/api/v1/now", headers={"Authorization": f"Bearer {tokens['read']}"})
    room.get("/api/v1/now", headers={"Authorization": "Bearer zp_not-a-token-of-ours"})
    said = caplog.text + "".join(capfd.readouterr()) + str(people.acts(1_000))
    for secret in (
        WORDS, "another wrong one", secrets["auditor"], tokens["read"], "zp_not-a-token-of-ours",
    ):  # fmt: skip
        assert secret not in said


def test_a_line_of_the_log_says_what_was_asked_and_nothing_else(
    living: Living, people: People, secrets: dict[str, str], tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv(*log.AS_LINES)
    with TestClient(application(living, people), follow_redirects=False) as client:
        client.get("/static/x/room.css")
        client.get(f"/asset/battery?token={tokens['read']}", headers={"Cookie": f"{COOKIE}=abc"})
        client.post("/sign-in", data={"name": "nobody", "password": "a wrong password"})
    said = capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(each["method"], each["path"], each["status"]) for each in lines] == [
        ("GET", "/asset/battery", 303), ("POST", "/sign-in", 403),
    ]  # fmt: skip
    assert all(set(each) == {"at", "method", "path", "status", "ms", "from"} for each in lines)
    for secret in (tokens["read"], "abc", "a wrong password", secrets["auditor"]):
        assert secret not in said


def test_no_template_carries_a_script_or_a_handler_of_its_own() -> None:
    folder = Path(__file__).parents[2] / "src/zeropark/faces/web"
    templates = [*folder.rglob("*.j2")]
    assert len(templates) > 10
    for file in templates:
        text = file.read_text(encoding="utf-8")
        for script in re.findall(r"<script[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script, file
        assert not re.search(r"\son[a-z]+=", text), file
        assert "javascript:" not in text, file
