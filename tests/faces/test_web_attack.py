"""The whole API asked what nobody should ask, many times over; and a scanner's checks as tests."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from starlette.testclient import TestClient

from tests.faces.test_web import living, park, people, room, secrets, tokens
from zeropark.faces.web.api import describe, openapi
from zeropark.faces.web.limits import Limiter

__all__ = ["living", "park", "people", "room", "secrets", "tokens"]  # fixtures
pytestmark = pytest.mark.attack

EXAMPLES = 200


def operations() -> dict[str, Any]:
    """Return every operation of the API by its name."""
    app = FastAPI()
    describe(app)
    results = schemathesis.openapi.from_dict(openapi(app)).get_all_operations()
    found: list[Any] = [each.ok() for each in results if isinstance(each, Ok)]
    return {each.label: each for each in found}


OPERATIONS = operations()


def test_every_operation_is_asked() -> None:
    assert len(OPERATIONS) >= 8


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_no_question_breaks_the_api(
    room: TestClient, tokens: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else the limiter, and not the operation, would answer most questions.
    monkeypatch.setattr(Limiter, "wait", lambda _self, _key: 0.0)
    operation = OPERATIONS[name]
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.query or operation.path_parameters:
        modes.append(GenerationMode.NEGATIVE)
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    room.cookies.clear()
    seen = []

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def asked(case: Any) -> None:
        words = case.as_transport_kwargs(base_url="http://testserver")
        scope = "read" if words["method"] == "GET" else "try"
        words["headers"] = {**words.get("headers", {}), "Authorization": f"Bearer {tokens[scope]}"}
        words.pop("cookies", None)
        if isinstance(words.get("data"), bytes):
            words["content"] = words.pop("data")
        answer = room.request(**words)
        seen.append(answer.status_code)
        assert answer.status_code < 500, answer.text[:400]
        kind = answer.headers.get("content-type", "")
        assert kind.startswith(("application/json", "application/problem+json")), kind
        if answer.status_code >= 400:
            said = answer.json()
            assert said["title"]
            assert said["title_zh"]

    asked()
    assert 429 not in seen
    # An operation that is asked nothing has one question; all others have hundreds.
    assert len(seen) >= (EXAMPLES if len(modes) > 1 else 1)
