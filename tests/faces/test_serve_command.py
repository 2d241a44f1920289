"""`zeropark serve` refuses, in words, what would be unsafe; its API page says what it answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.operate.test_service import until
from zeropark.faces.cli.demonstration import Demonstration
from zeropark.faces.cli.refused import Refused
from zeropark.faces.cli.serve import _first, _may_listen, serve
from zeropark.faces.web.api_page import api_page
from zeropark.operate.socket import NAME, hand_over, listens

PAGE = Path(__file__).parents[2] / "docs/reference/api.md"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    assert _may_listen(host, None, None, None) is False


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org"])  # noqa: S104 - refused
def test_an_open_address_needs_tls_or_a_proxy(host: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="others could listen"):
        _may_listen(host, None, None, None)
    assert _may_listen(host, None, None, "192.0.2.1") is True
    pair = (tmp_path / "cert", tmp_path / "key")
    for file in pair:
        file.touch()
    assert _may_listen(host, *pair, None) is True


def test_half_of_a_certificate_a_missing_file_and_no_address_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "cert"
    with pytest.raises(Refused, match="go together"):
        _may_listen("127.0.0.1", file, None, None)
    with pytest.raises(Refused, match="does not exist"):
        _may_listen("127.0.0.1", file, file, None)
    with pytest.raises(Refused, match="'proxy': not an address"):
        _may_listen("127.0.0.1", None, None, "proxy")


def test_the_demonstration_is_an_operate_of_its_own_that_outlives_the_room(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = Demonstration(store, ["microgrid", "--speed", "60", "--start", "2026-04-16"])
    second = Demonstration(store, ["microgrid"])
    first.start()
    try:
        until(lambda: listens(store / NAME))
        process = first._process
        assert process is not None
        assert process.pid != os.getpid()
        # In a session of its own: a kill of the room's group does not reach it.
        assert os.getsid(process.pid) == process.pid
        # Another room finds it and starts none.
        second.start()
        second.stop()
        assert second._process is None
        assert hand_over(store / NAME, {"verb": "see", "role": "system"})["cycles"] > 0
    finally:
        first.stop()
    assert not listens(store / NAME)
    assert process.returncode == 0


@pytest.mark.parametrize("speed", [0.9, 1000.1])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(Refused, match="Allowed: 1 to 1000"):
        serve(speed=speed)


def test_the_first_person_comes_from_the_environment_or_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    words.write_text("nine long letters\n", encoding="utf-8")
    monkeypatch.setenv("ZEROPARK_FIRST_USER", "Wang")
    monkeypatch.setenv("ZEROPARK_FIRST_PASSWORD_FILE", str(words))
    assert _first() == ("Wang", "nine long letters")
    words.unlink()
    with pytest.raises(Refused, match="does not exist"):
        _first()
    monkeypatch.delenv("ZEROPARK_FIRST_USER")
    # A test has no terminal.
    with pytest.raises(Refused, match="Nobody may sign in yet"):
        _first()


def test_the_page_of_the_api_is_what_the_api_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == api_page(), (
        "python -m zeropark.faces.web.api_page > docs/reference/api.md brings it up to date"
    )
