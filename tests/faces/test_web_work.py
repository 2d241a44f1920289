"""Studies, hand-over and back-up without a browser: what is asked, refused, kept and posted."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from starlette.testclient import TestClient

from tests.faces.test_web import WORDS, living, park, people, room, secrets
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.jobs import DONE, OPEN, Jobs
from zeropark.faces.web.people import People
from zeropark.ledger.reader import Reader
from zeropark.operate.living import Living

__all__ = ["living", "park", "people", "room", "secrets"]  # fixtures
PATIENCE_S = 60.0


def get(room: TestClient, secret: str, address: str) -> str:
    """Return a page in English as a session sees it."""
    room.cookies.clear()
    mark = "&" if "?" in address else "?"
    answer = room.get(f"{address}{mark}lang=en", headers={"Cookie": f"{COOKIE}={secret}"})
    return unescape(answer.text)


def post(room: TestClient, secret: str, address: str, **form: str) -> tuple[int, str]:
    """Send a form with the session's own word; return (status, page)."""
    people: People = room.app.state.room.people  # type: ignore[attr-defined]
    session = people.session(secret)
    assert session is not None
    room.cookies.clear()
    answer = room.post(
        f"{address}?lang=en", data={"csrf": session.csrf, **form},
        headers={"Cookie": f"{COOKIE}={secret}; lang=en"},
    )  # fmt: skip
    return answer.status_code, unescape(answer.text)


def kept(room: TestClient, name: str) -> Jobs:
    """Return the work of a page."""
    jobs: Jobs = room.app.state.room.kept[name]  # type: ignore[attr-defined]
    return jobs


def until(jobs: Jobs, holds: Callable[[], bool]) -> None:
    """Wait for news until something holds."""
    with jobs._some:
        assert jobs._some.wait_for(holds, PATIENCE_S)


# -- studies ---------------------------------------------------------------------------------------

STUDY = {"park": "microgrid", "start": "2026-04-16", "days": "1", "policy": "rules"}


def test_studies_are_lived_by_the_command_and_stand_side_by_side(
    room: TestClient, secrets: dict[str, str]
) -> None:
    jobs, me = kept(room, "study"), secrets["dispatcher"]
    for days in ("1", "2"):
        status, _ = post(room, me, "/study/ask", **{**STUDY, "days": days})
        assert status == 303
    until(jobs, lambda: all(job.state not in OPEN for job in jobs.all()))
    two, one = jobs.all()
    assert (one.state, two.state) == (DONE, DONE), (one.said, two.said)
    assert one.total > 0
    text = get(room, secrets["auditor"], f"/study?r_{one.id}=1&r_{two.id}=1")
    assert "Side by side" in text
    # Two days use more than one, and the page says that they are unlike.
    assert "so only shares and prices compare" in text
    row = re.search(r"electricity used.*?</tr>", text, re.DOTALL)
    assert row is not None
    first, second = (float(n) for n in re.findall(r'<td class="r">([\d.,]+)', row[0]))
    assert second > first > 0
    difference = re.search(r'caption">([+−][\d.]+)<', row[0])
    assert difference is not None
    assert float(difference[1]) == pytest.approx(second - first, abs=1e-9)
    answer = room.get(
        f"/study/report?run={one.id}", headers={"Cookie": f"{COOKIE}={secrets['auditor']}"}
    )
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "<html" in answer.text
    status, _ = post(room, me, "/study/remove", id=two.id)
    assert [job.id for job in jobs.all()] == [one.id]


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("park", "microgird", "'microgird' is no park here. Did you mean 'microgrid'?"),
        ("park", "../../etc/passwd", "is no park here"),
        ("start", "", "'' is not a date"),
        ("start", "2026-02-30", "'2026-02-30' is not a date"),
        ("start", "<script>alert(1)</script>", "'<script>alert(1)</script>' is not a date"),
        ("start", "1970-12-31", "1970-12-31 is out of range. Allowed: 1971-01-01 to 2099-12-31"),
        ("start", "2100-01-01", "2100-01-01 is out of range"),
        ("days", "0", "'0' is not a whole number from 1 to 366"),
        ("days", "367", "'367' is not a whole number from 1 to 366"),
        ("days", "1.5", "is not a whole number"),
        ("days", "٣", "is not a whole number"),
        ("days", "🙂" * 30, "is not a whole number"),
        ("policy", "plann", "Did you mean 'plan'"),
    ],
)
def test_a_study_asked_wrongly_is_refused_beside_its_field(
    room: TestClient, secrets: dict[str, str], field: str, given: str, said: str
) -> None:
    jobs = kept(room, "study")
    before = len(jobs.all())
    status, text = post(room, secrets["dispatcher"], "/study/ask", **{**STUDY, field: given})
    assert status == 200
    assert said in text
    assert len(jobs.all()) == before
    # What was right is still there.
    assert 'value="2026-04-16"' in text or field == "start"


def test_what_the_command_itself_refuses_is_said_in_the_list(
    room: TestClient, secrets: dict[str, str]
) -> None:
    jobs, me = kept(room, "study"), secrets["dispatcher"]
    # What a newer form lets through an older command may refuse.
    jobs.ask(
        STUDY, lambda folder: ["run", "microgrid", "--days", "0", "--out", str(folder / "out")],
        "dispatcher", "en",
    )  # fmt: skip
    until(jobs, lambda: jobs.all()[0].state not in OPEN)
    job = jobs.all()[0]
    assert job.state == "failed"
    assert job.said == "--days '0': allowed is a whole number from 1 to 3,660."
    assert job.said in get(room, me, "/study")
    status, text = post(room, me, "/study/remove", id=job.id)
    assert status == 303
    _, text = post(room, me, "/study/cancel", id=job.id)
    assert "there is no such work" in text


def test_who_may_not_try_runs_no_study(room: TestClient, secrets: dict[str, str]) -> None:
    assert "runs none" in get(room, secrets["auditor"], "/study")
    before = len(kept(room, "study").all())
    for act in ("ask", "cancel", "remove"):
        _, text = post(room, secrets["auditor"], f"/study/{act}", **STUDY)
        assert "Your role runs no study" in text
    assert len(kept(room, "study").all()) == before


@pytest.mark.parametrize("ticked", ["r_0=1", "r_0=1&r_1=1&r_2=1&r_3=1&r_4=1", "r_0=1&r_1=1"])
def test_too_few_too_many_and_unknown_runs_are_not_compared(
    room: TestClient, secrets: dict[str, str], ticked: str
) -> None:
    text = get(room, secrets["auditor"], f"/study?{ticked}")
    said = "there is no such work: '0'" if ticked.count("r_") == 2 else "compare two to 4"
    assert said in text
    assert 'id="beside"' not in text


# -- hand-over -------------------------------------------------------------------------------------


def test_a_shift_is_left_by_one_and_taken_by_another_and_both_are_posted(
    room: TestClient, living: Living, people: People, secrets: dict[str, str]
) -> None:
    leaves, takes = secrets["dispatcher"], secrets["specialist"]
    status, text = post(room, leaves, "/handover/leave", words="  ")
    assert (status, "The note is empty" in text) == (200, True)
    status, text = post(room, leaves, "/handover/leave", words="x" * 2_001)
    assert "has 2001 letters; at most 2000" in text
    assert "x" * 2_001 in text, "what was written is not lost"
    words = "Pump 2 is loud.\n=SUM(A1) <b>☃</b>"
    assert post(room, leaves, "/handover/leave", words=words)[0] == 303
    page = get(room, takes, "/handover")
    assert '<p class="note">Pump 2 is loud.\n=SUM(A1) <b>☃</b></p>' in page
    note = re.search(r'name="note" value="(\w+)"', page)
    assert note is not None
    # Who left it does not take it, and nobody leaves another over it.
    _, text = post(room, leaves, "/handover/take", note=note[1])
    assert "the coming shift takes it" in text
    _, text = post(room, takes, "/handover/leave", words="mine")
    assert "waits to be taken" in text
    assert post(room, takes, "/handover/take", note=note[1])[0] == 303
    # A second tab, or a second person, is told.
    _, text = post(room, takes, "/handover/take", note=note[1])
    assert "specialist took this note at" in text
    assert "taken by specialist" in get(room, secrets["auditor"], "/handover")
    assert living.place is not None
    with Reader(living.place) as reader:
        sizes = reader.database.rows("SELECT size FROM entry WHERE kind = 'handover' ORDER BY size")
        entries = reader.log.entries(size for (size,) in sizes)
    assert [(each["stage"], each["by"]) for each in entries] == [
        ("left", "dispatcher"), ("taken", "specialist"),
    ]  # fmt: skip
    assert entries[0]["words"] == words
    acts = [(who, act) for _, who, act, _ in people.acts()]
    assert ("specialist", "shift_taken") in acts
    assert "took the shift over" in get(room, secrets["auditor"], "/audit")


def test_who_wrote_a_note_may_replace_it_until_it_is_taken(
    room: TestClient, secrets: dict[str, str]
) -> None:
    leaves, takes = secrets["dispatcher"], secrets["specialist"]
    ids = []
    for words in ("first", "second"):
        assert post(room, leaves, "/handover/leave", words=words)[0] == 303
        found = re.search(r'name="note" value="(\w+)"', get(room, takes, "/handover"))
        assert found is not None
        ids.append(found[1])
    _, text = post(room, takes, "/handover/take", note=ids[0])
    assert "not open any more" in text
    assert post(room, takes, "/handover/take", note=ids[1])[0] == 303


def test_other_roles_read_hand_overs_and_make_none(
    room: TestClient, secrets: dict[str, str]
) -> None:
    for role in ("leadership", "auditor", "operator"):
        assert 'name="words"' not in get(room, secrets[role], "/handover")
        _, text = post(room, secrets[role], "/handover/leave", words="x")
        assert "Your role hands over no shift" in text
    assert "No field service is connected" not in get(room, secrets["dispatcher"], "/handover")


def test_what_is_in_force_is_what_operate_says_with_the_end_of_each_shelf(
    room: TestClient, living: Living, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    living.look()
    assert living.status is not None
    told = {
        **living.status,
        "stopped": True, "locked": ["hub"], "hand_mw": {"battery/p": -1.25},
        "limits_mw": {"tie": [0.0, 1.5]}, "shelved_s": {"soft:b": 5_400.0, "soft:a": 29.0},
        "alarms": [{"id": "not_following:hub", "priority": "high", "state": "unacknowledged"}],
    }  # fmt: skip
    monkeypatch.setattr(type(living), "status", told)
    page = get(room, secrets["auditor"], "/handover")
    rows = re.findall(
        r"<tr><td>(.*?)</td><th scope=\"row\">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>", page
    )
    assert rows == [
        ("stop", "the park is stopped", "", ""),
        ("alarm", "hub", "Device does not follow", ""),
        ("hand control", "battery/p", "-1,250 kW", ""),
        ("lock-out", "hub", "", ""),
        ("limit of the grid operator", "tie", "0 – 1,500 kW", ""),
        ("shelved alarm", "soft:a", "", "ends in 0 h 1 min"),
        ("shelved alarm", "soft:b", "", "ends in 1 h 30 min"),
    ]
    monkeypatch.setattr(type(living), "status", None)
    assert "No field service is connected" in get(room, secrets["auditor"], "/handover")


# -- back-up ---------------------------------------------------------------------------------------


def test_a_copy_is_made_checked_and_found_broken_once_it_is(
    room: TestClient, secrets: dict[str, str]
) -> None:
    jobs, me = kept(room, "backup"), secrets["operator"]
    assert "none yet" in get(room, me, "/backup")
    assert post(room, me, "/backup/make")[0] == 303
    until(jobs, lambda: all(job.state not in OPEN for job in jobs.all()))
    copy = jobs.all()[0]
    assert copy.state == DONE, copy.said
    text = get(room, me, "/backup")
    assert f"zeropark ledger restore {jobs.place(copy.id) / 'copy'} restored" in text
    assert "not yet" in text
    assert post(room, me, "/backup/check", id=copy.id)[0] == 303
    until(jobs, lambda: all(job.state not in OPEN for job in jobs.all()))
    assert "holds, " in get(room, me, "/backup")
    # A changed byte is found.
    with Reader(jobs.place(copy.id) / "copy") as reader:
        ((body,),) = reader.database.rows("SELECT body FROM leaf ORDER BY size LIMIT 1")
    file = next((jobs.place(copy.id) / "copy").glob("*.db"))
    content = file.read_bytes()
    at = content.index(bytes(body))
    file.write_bytes(content[: at + 5] + b"#" + content[at + 6 :])
    assert post(room, me, "/backup/check", id=copy.id)[0] == 303
    until(jobs, lambda: all(job.state not in OPEN for job in jobs.all()))
    assert "does not hold: " in get(room, me, "/backup")
    assert post(room, me, "/backup/remove", id=copy.id)[0] == 303
    assert not jobs.place(copy.id).exists()
    _, text = post(room, me, "/backup/check", id=copy.id)
    assert "there is no such work" in text


def test_only_the_operator_of_the_system_makes_copies(
    room: TestClient, secrets: dict[str, str]
) -> None:
    assert "Make a copy now" not in get(room, secrets["auditor"], "/backup")
    for act in ("make", "check", "remove", "cancel"):
        _, text = post(room, secrets["auditor"], f"/backup/{act}", id="0")
        assert "Your role makes no copy" in text or "no such work" in text
    status, _ = post(room, secrets["dispatcher"], "/backup/make")
    assert status == 403
    assert WORDS
