"""A run in the ledger: its figures come out the same from whole numbers alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.operate.conftest import park_of, request_of, silent, small_assets
from zeropark.data.errors import DataError
from zeropark.ledger.canonical import loads
from zeropark.ledger.reader import Reader
from zeropark.ledger.store import Store, create
from zeropark.operate.posted import figures_posted, runs
from zeropark.operate.run import execute


@pytest.mark.parametrize("policy", ["plan", "rules"])
def test_figures_from_the_ledger_equal_those_of_the_run(tmp_path: Path, policy: str) -> None:
    create(tmp_path / "store", "simulated", reserve=4_096)
    found = []
    for _ in range(2):
        with Store(tmp_path / "store", "run", reserve=4_096) as store:
            request = request_of(park_of(small_assets()), policy=policy)
            found.append(execute(request, tmp_path, silent, store))
    assert json.loads((tmp_path / "run.json").read_text())["ledger_run"] == found[1]["ledger_run"]
    with Reader(tmp_path / "store") as reader:
        entries = runs(reader.log, reader.database)
        assert [each["run"] for each in entries] == [each["ledger_run"] for each in found]
        for run in found:
            again = figures_posted(reader.history, reader.registry(), entries, run["ledger_run"])
            # Each reading is rounded to a mWh, so a day's sum of a few hundred is off by less.
            for name, figure in again.items():
                assert figure == pytest.approx(run[name], abs=1e-6), name
        assert found[1]["grid_import_mwh"] > 1.0
        with pytest.raises(DataError, match="no run 'none' is in this store"):
            figures_posted(reader.history, reader.registry(), entries, "none")


def test_commands_say_who_decided_from_what_and_what_was_read_back(tmp_path: Path) -> None:
    create(tmp_path / "store", "simulated", reserve=4_096)
    with Store(tmp_path / "store", "run", reserve=4_096) as store:
        found = execute(request_of(park_of(small_assets())), tmp_path, silent, store)
        sizes = store.database.rows("SELECT kind, min(size), count(*) FROM entry GROUP BY kind")
        first = {kind: loads(store.log.body(size)) for kind, size, _ in sizes}
        count = {kind: times for kind, _, times in sizes}
    assert count["command"] == count["decision"] == 96
    command, decision = first["command"], first["decision"]
    assert command["by"] == "plan"
    assert command["run"] == found["ledger_run"]
    assert len(command["image"]) == 64
    assert float(command["written"]["bat"]["p"]) == pytest.approx(
        float(command["read_back"]["bat"]["p"]), abs=1.0
    )
    assert {"en", "zh"} == set(decision["why"][0]["sentence"])


def test_a_run_never_goes_into_a_field_store(tmp_path: Path) -> None:
    create(tmp_path / "store", "field", reserve=4_096)
    with (
        Store(tmp_path / "store", "run", reserve=4_096) as store,
        pytest.raises(DataError, match="this store holds the field"),
    ):
        execute(request_of(park_of(small_assets())), tmp_path, silent, store)
