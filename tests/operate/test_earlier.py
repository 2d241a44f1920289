"""An earlier run in the ledger comes to the same as its file, by hour, day and month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest

from zeropark.assets import kinds
from zeropark.data.errors import DataError
from zeropark.data.published import Fact
from zeropark.ledger.store import Store, create
from zeropark.model.park import Park
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.earlier import Past, earlier, of_ledger
from zeropark.operate.figures import flow_name
from zeropark.operate.reported import Report, report_of
from zeropark.operate.result import regional
from zeropark.operate.run import execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zeropark.assets.kind import Kind

ROOT = Path(__file__).parents[2]
PARK = ROOT / "parks/microgrid/park.yaml"


class Run:
    """A run of three days over the end of a month, in a file and in a ledger."""

    def __init__(self, folder: Path) -> None:
        self.park: Park = read_park(PARK, kinds())
        self.assets = cast("Sequence[Kind]", self.park.assets)
        self.place, self.file = folder / "store", folder / "series.parquet"
        request = RunRequest(
            self.park, PARK.parent, "2026-04-29", days=3, step_minutes=30, policy="rules",
            compare=False,
        )  # fmt: skip
        create(self.place, "simulated")
        with Store(self.place, "test") as store:
            self.found: dict[str, Any] = execute(request, folder, lambda *_: None, store)

    @property
    def past(self) -> Past:
        """The run as the ledger holds it."""
        run = str(self.found["ledger_run"])
        return of_ledger(self.place, run, self.park.name, self.assets, self.park.place.zone)

    def report(self, measure: str, level: str, factor: Fact | None = None) -> Report:
        """Return a report of all assets."""
        every = self.assets
        return report_of(self.past, every, every, measure, factor, level)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("lived"))


def test_the_ledger_lists_the_run_with_its_first_day_and_length(run: Run) -> None:
    (only,) = earlier(run.place, run.park.name, run.assets)
    # Midnight of 29 April in Xining is 16:00 UTC of the day before.
    assert (only.id, only.days, only.policy) == (run.found["ledger_run"], 3.0, "rules")
    assert only.first == np.datetime64("2026-04-28T16:00:00")
    assert earlier(run.place, "another park", run.assets) == []
    assert earlier(run.place, run.park.name, run.assets[1:]) == []


def test_each_step_is_what_the_file_says_to_a_thousandth_of_a_kilowatt_hour(run: Run) -> None:
    table = pq.read_table(run.file)
    past = run.past
    assert len(past.starts) == 3 * 48
    for name, shown in (
        ("tie/import_mw", "tie/import_mw"), (flow_name("roofs", "node"), "roofs/p_mw"),
    ):  # fmt: skip
        assert past.columns[name] == pytest.approx(table[shown].to_numpy(), abs=1e-9)
    shown = table["park/clean_share_pu"].to_numpy()
    assert past.clean == pytest.approx(shown, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize(("level", "count"), [("hour", 72), ("day", 3), ("month", 2)])
def test_every_level_comes_to_the_same_total(run: Run, level: str, count: int) -> None:
    found = run.report("used", level)
    assert (len(found.values), all(found.complete)) == (count, level != "month")
    assert found.total == pytest.approx(run.found["served_mwh"], abs=1e-6)
    assert float(found.values.sum()) == pytest.approx(found.total)
    # The last of April and the first of May are kept apart.
    if level == "month":
        assert [str(month) for month in found.hours] == ["2026-04", "2026-05"]
        assert found.values[0] == pytest.approx(run.report("used", "day").values[:2].sum())


def test_carbon_is_import_times_the_factor(run: Run) -> None:
    factor = regional(run.park, "grid_factor", dt.date(2026, 4, 29))
    assert factor is not None
    found = run.report("carbon", "day", factor)
    assert found.total == pytest.approx(
        run.found["grid_import_mwh"] * factor.in_unit("t/MWh"), abs=1e-6
    )
    assert run.report("carbon", "day").total is None


def test_what_the_ledger_does_not_hold_is_absent_and_never_zero(run: Run) -> None:
    found = run.report("cost", "day")
    assert found.total is None
    assert np.isnan(found.values).all()


def test_an_unknown_run_is_named_with_what_is_near(run: Run) -> None:
    name = str(run.found["ledger_run"])
    near = f"{name[:-1]}x"
    with pytest.raises(DataError, match=f"'{near}' is no earlier run.*Did you mean '{name}'"):
        of_ledger(run.place, near, run.park.name, run.assets, "Asia/Shanghai")
