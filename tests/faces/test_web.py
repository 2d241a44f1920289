"""The control room without a browser: who sees what, what is refused, what a page adds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from starlette.testclient import TestClient

from tests.operate.living import Lived, lived
from zeropark.faces.report.flows import Band
from zeropark.faces.web.app import application
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.page import pages
from zeropark.faces.web.pages.now.page import few
from zeropark.faces.web.pages.reports.page import text_cell
from zeropark.faces.web.people import People
from zeropark.faces.web.roles import MAY, ROLES
from zeropark.faces.web.words import SHELL
from zeropark.operate.living import Living
from zeropark.units.text import Text

WORDS = "nine long letters"
PAGES = pages()


@pytest.fixture(scope="module")
def park() -> Iterator[Lived]:
    with lived() as found:
        found.living.start()
        yield found
        found.living.stop()


@pytest.fixture(scope="module")
def living(park: Lived) -> Living:
    return park.living


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    found = People(tmp_path_factory.mktemp("people") / "people.db")
    for role in ROLES:
        party = "park" if role == "party" else None
        found.add(role, WORDS, role, "test", party, ("park", "grid"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def room(living: Living, people: People) -> Iterator[TestClient]:
    with TestClient(application(living, people), follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def secrets(people: People) -> dict[str, str]:
    """Return the secret of a session of each role."""
    found = {}
    for role in ROLES:
        entered = people.sign_in(role, WORDS, "test")
        assert entered is not None
        found[role] = entered[0]
    return found


def ask(room: TestClient, secret: str, address: str, **headers: str) -> tuple[int, str]:
    """Return (status, text) of a page as a session sees it."""
    room.cookies.clear()
    answer = room.get(address, headers={"Cookie": f"{COOKIE}={secret}", **headers})
    return answer.status_code, answer.text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", list(PAGES))
def test_every_page_shows_itself_in_both_languages(
    room: TestClient, secrets: dict[str, str], name: str, language: str
) -> None:
    role = next(role for role in ("operator", "auditor") if role in MAY[PAGES[name].verb])
    status, text = ask(room, secrets[role], f"/{name}?lang={language}")
    assert status == 200
    assert f'lang="{language}"' in text
    label = PAGES[name].label.in_language(language)
    assert label.replace("&", "&amp;") in text
    # Said on every page: the plant is simulated.
    assert SHELL["simulated"].in_language(language) in text
    assert "None" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", list(PAGES))
def test_every_word_of_a_page_is_there_twice_with_the_same_places(name: str) -> None:
    for key, text in {**PAGES[name].words, **SHELL}.items():
        assert text.en, key
        assert text.zh, key
        places = [sorted(re.findall(r"{\w+}", side)) for side in text]
        assert places[0] == places[1], key


@pytest.mark.parametrize("role", list(ROLES))
@pytest.mark.parametrize("name", list(PAGES))
def test_a_role_sees_what_the_table_says(
    room: TestClient, secrets: dict[str, str], name: str, role: str
) -> None:
    status, _ = ask(room, secrets[role], f"/{name}")
    assert status == (200 if role in MAY[PAGES[name].verb] else 403)


def test_a_party_sees_its_own_and_nothing_else(
    room: TestClient, secrets: dict[str, str], people: People
) -> None:
    status, _ = ask(room, secrets["party"], "/asset/battery")
    assert status == 200
    people.add("stranger", WORDS, "party", "test", "grid", ("park", "grid"))
    entered = people.sign_in("stranger", WORDS, "test")
    assert entered is not None
    for address in ("/asset/battery", "/reports?subject=party:park", "/carbon?party=park"):
        status, text = ask(room, entered[0], address)
        assert status == 404, address
        assert "kW" not in text
    answer = room.get("/api/v1/assets/battery", headers={"Cookie": f"{COOKIE}={entered[0]}"})
    assert answer.status_code == 422


def test_who_is_not_signed_in_sees_nothing(room: TestClient) -> None:
    room.cookies.clear()
    for name in PAGES:
        answer = room.get(f"/{name}")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/sign-in?on=/{name}"
    assert room.get("/live").status_code == 401
    assert room.get("/api/v1/now").status_code == 401
    assert room.get("/metrics").status_code == 401


def test_signing_in_gives_a_cookie_that_no_script_reads(room: TestClient) -> None:
    room.cookies.clear()
    answer = room.post("/sign-in", data={"name": "dispatcher", "password": WORDS})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("on", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_leads_to_a_page_of_ours_only(room: TestClient, on: str) -> None:
    answer = room.post(
        "/sign-in", params={"on": on}, data={"name": "dispatcher", "password": WORDS}
    )
    assert answer.headers["location"] == "/"


def test_every_answer_keeps_strangers_out(room: TestClient) -> None:
    headers = room.get("/sign-in").headers
    policy = headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self'"
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_a_change_that_another_site_asks_for_is_refused(
    room: TestClient, secrets: dict[str, str]
) -> None:
    cookie = f"{COOKIE}={secrets['operator']}"
    form = {"name": "x", "password": WORDS, "role": "auditor"}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = room.post("/people/add", data=form, headers={"Cookie": cookie, **headers})
        assert answer.status_code == 403
    # From a page of ours, but without the session's own word.
    answer = room.post("/people/add", data=form, headers={"Cookie": cookie})
    assert answer.status_code == 403
    assert "x" not in {person.name for person in room.app.state.room.people.all()}  # type: ignore[attr-defined]


def test_an_unknown_thing_is_named_with_what_is_near(
    room: TestClient, secrets: dict[str, str]
) -> None:
    _, text = ask(room, secrets["dispatcher"], "/asset/batery?lang=en")
    assert "is no asset of this park" in text
    assert "battery" in text
    _, text = ask(room, secrets["dispatcher"], "/reports?measure=carbn&lang=en")
    assert "carbon" in text


@pytest.mark.parametrize(
    "given",
    ["<script>alert(1)</script>", "\u202eevil", "🙂" * 50, "'; DROP TABLE person;--", "{{7*7}}"],
)
def test_what_a_person_writes_is_shown_as_text(
    room: TestClient, secrets: dict[str, str], given: str
) -> None:
    room.cookies.clear()
    answer = room.get(
        "/reports", params={"subject": given}, headers={"Cookie": f"{COOKIE}={secrets['operator']}"}
    )
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert ">49<" not in answer.text


def test_a_trial_shows_its_column_and_refuses_in_words(
    room: TestClient, secrets: dict[str, str]
) -> None:
    _, plain = ask(room, secrets["dispatcher"], "/plan?lang=en")
    _, tried = ask(room, secrets["dispatcher"], "/plan?lang=en&trial=1&contract=0.2")
    assert "Leave the trial" not in plain
    assert "Leave the trial" in tried
    _, refused = ask(room, secrets["dispatcher"], "/plan?lang=en&trial=1&contract=9")
    assert "contracted demand 9: out of range. Allowed: 0.2 to 3" in refused
    _, nobody = ask(room, secrets["auditor"], "/plan?lang=en&trial=1&contract=0.2")
    assert "Leave the trial" not in nobody


def test_a_proof_holds_down_to_the_leaf(room: TestClient, secrets: dict[str, str]) -> None:
    status, text = ask(room, secrets["auditor"], "/audit?point=tie/node&lang=en")
    assert status == 200
    assert "<dd>holds</dd>" in text
    assert re.search(r"<code>[0-9a-f]{64}</code>", text)


def test_a_sheet_holds_the_numbers_of_the_page(
    room: TestClient, living: Living, secrets: dict[str, str]
) -> None:
    room.cookies.clear()
    answer = room.get(
        "/reports/sheet?measure=used&lang=en",
        headers={"Cookie": f"{COOKIE}={secrets['auditor']}"},
    )
    assert answer.headers["content-disposition"].endswith('zeropark-simulated-used.xlsx"')
    page = load_workbook(BytesIO(answer.content)).active
    assert page is not None
    rows = list(page.values)
    assert "simulated plant" in str(rows[0][0])
    assert rows[2] == ("hour", "used_mwh", "complete")
    assert len(rows) == 3 + 30
    _, columns = living.history()
    assert rows[-1][1] > 0
    assert len(columns["tie/import_mw"]) == 30


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_cell_that_begins_like_a_formula_is_text(words: str) -> None:
    assert text_cell(words) == f"'{words}"
    assert text_cell("plain") == "plain"


def test_many_thin_bands_stand_together_and_nothing_is_lost() -> None:
    bands = [Band(f"a{i}", Text("a", "甲"), "use", "electricity", float(i + 1)) for i in range(30)]
    shown = few(bands, "electricity")
    assert len(shown) == 12
    assert sum(band.mwh for band in shown) == sum(band.mwh for band in bands)
    assert shown[-1].label == Text("19 others", "其他 19 项")
    assert few(bands[:12], "electricity") == bands[:12]


def test_a_page_is_one_folder_and_edits_no_other_file(
    living: Living, people: People, secrets: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "page.py").write_text(
        "from pathlib import Path\n"
        "from zeropark.faces.web.page import Page\n"
        "from zeropark.units.text import Text\n"
        "PAGE = Page('hello', Text('Hello', '你好'), {'said': Text('Good day', '日安')},\n"
        "            lambda view: {}, order=50, folder=Path(__file__).parents[1])\n",
        encoding="utf-8",
    )
    (folder / "page.html.j2").write_text("<p>{{ w('said') }}</p>", encoding="utf-8")
    with TestClient(application(living, people, tmp_path)) as client:
        answer = client.get("/hello", headers={"Cookie": f"{COOKIE}={secrets['leadership']}"})
        assert "<p>日安</p>" in answer.text
        assert 'href="/hello"' in answer.text


def test_files_are_kept_for_good_under_the_name_of_their_content(room: TestClient) -> None:
    text = room.get("/sign-in").text
    address = re.findall(r'href="(/static/[0-9a-f]+/room\.css)"', text)[0]
    answer = room.get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert room.get("/static/000000000000/room.css").status_code == 404
    assert room.get(address.replace("room.css", "..%2Fapp.py")).status_code != 200


# -- the API -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokens(people: People) -> dict[str, str]:
    """Return a token of each scope, of the dispatcher."""
    owner = next(person for person in people.all() if person.name == "dispatcher")
    return {
        scope: people.give_token(owner, scope, (scope,), 1)[0]
        for scope in ("read", "try", "metrics")
    }


def api(room: TestClient, token: str, address: str) -> tuple[int, object]:
    """Return (status, body) of a question with a token."""
    room.cookies.clear()
    answer = room.get(f"/api/v1{address}", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def test_every_verb_that_reads_answers(
    room: TestClient, living: Living, tokens: dict[str, str]
) -> None:
    room.cookies.clear()
    described = room.get("/api/v1/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    reading = [p for p, verbs in described["paths"].items() if "get" in verbs]
    assert len(reading) == 10
    for path in reading:
        status, _ = api(room, tokens["read"], path.removeprefix("/api/v1").format(name="battery"))
        assert status == 200, path
    _, now = api(room, tokens["read"], "/now")
    assert isinstance(now, dict)
    assert living.frame is not None
    assert now["grid_import_mw"] == living.frame.readings["tie"]["import"]
    _, page = api(room, tokens["read"], "/series?first=10&count=5")
    assert isinstance(page, dict)
    assert (len(page["starts"]), page["next"]) == (5, 15)


def test_a_token_may_what_it_says_and_no_more(room: TestClient, tokens: dict[str, str]) -> None:
    assert api(room, tokens["try"], "/now")[0] == 403
    assert api(room, "zp_wrong", "/now")[0] == 401
    headers = {"Authorization": f"Bearer {tokens['metrics']}"}
    text = room.get("/metrics", headers=headers).text
    assert "zeropark_steps_lived 30" in text
    headers = {"Authorization": f"Bearer {tokens['read']}"}
    assert room.get("/metrics", headers=headers).status_code == 403
    assert room.post("/api/v1/trial", json={}, headers=headers).status_code == 403


def test_errors_of_the_api_are_problems_in_both_languages(
    room: TestClient, tokens: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {tokens['try']}"}
    for body in ({"contract": 99}, {"contract": "much"}, {"sun": -1}):
        answer = room.post("/api/v1/trial", json=body, headers=headers)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        said = json.loads(answer.text)
        assert said["title"] and said["title_zh"]  # noqa: PT018 - one problem, both languages
    answer = room.post("/api/v1/trial", json={"contract": 0.2}, headers=headers)
    assert answer.json()["figures"]["grid_peak_mw"] <= 0.4 + 1e-9 or answer.json()["gave_way"]


def test_health_is_plain(room: TestClient) -> None:
    assert room.get("/healthz").json() == {"well": True, "simulated": True}
