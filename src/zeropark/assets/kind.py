"""The contract of an asset kind: one file says what it is, how it is planned and how it behaves."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.carried import NOTHING, Carried
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import Asset, Point
from zeropark.model.tariff import Tariff
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Readings = Mapping[str, Any]


@dataclass(frozen=True)
class Horizon:
    """The steps a plan looks over.

    grid: the open steps. end_price: what a MWh of electricity is worth after the horizon [CNY/MWh].
    expected: what is foreseen to arrive at an asset, by the asset's own rules (jobs, cars).
    exposed: whether a reserve is to be held at the end of each step, (N,): not while the grid is
    away, nor for a while after.
    doubt: how much less sun and wind may give than foreseen in each step [MW], (N,): what stores
    keep energy for. exact: whether the steps are those of the plant, so that what holds of a step
    holds of the plant within it. carried: what a year tells of the time outside these steps.
    available: what own clean sources are foreseen to be able to give in all steps [MWh].
    promised: (least, most) import [MW], each (N,), that calls ask of a tie, by its name. kept:
    power that calls have a store keep free to give [MW], (N,), by its name; lasts: and how long
    that must last [h].
    """

    grid: TimeGrid
    end_price: float
    expected: Mapping[str, Any] = field(default_factory=dict)
    exposed: npt.NDArray[np.bool_] | None = None
    doubt: Floats | None = None
    exact: bool = False
    carried: Carried = NOTHING
    available: float = 0.0
    promised: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    kept: Mapping[str, Floats] = field(default_factory=dict)
    lasts: float = 0.0

    def worth_of(self, asset: str, usual: float) -> float:
        """Return what a unit in store at the end is worth: as a year says, else as usual [CNY]."""
        return self.carried.worth.get(asset, usual)


@dataclass(frozen=True)
class PlannedStep:
    """What a plan says of one asset in one step.

    hours: the step's length [h]. columns: column name -> amount per member, shape (members,).
    upper: the columns' upper bounds. worth: rule name -> price of one unit more [CNY], shape
    (members,).
    signal: returns a signal of the step by name, shape (members,).
    """

    hours: float
    columns: Mapping[str, Floats]
    upper: Mapping[str, Floats]
    worth: Mapping[str, Floats]
    signal: Callable[[str], Floats]


@dataclass(frozen=True)
class RuleView:
    """What a good operator without an optimiser looks at in a step.

    band: whether the import price now is among the day's low, middle or high ones. surplus:
    what sun and wind gave beyond all use in the last step [MW]. target: highest import the
    operator allows [MW].
    fill: state of charge up to which a store is filled from the grid at a low price [1].
    start_surplus: surplus from which waiting work is started [MW]. room: how much more waiting
    work may take before the import passes the target with all stores at rest [MW], - where it is
    above it.
    """

    band: str
    surplus: float
    target: float
    fill: float
    start_surplus: float
    room: float

    @property
    def good_hour(self) -> bool:
        """Whether waiting work should run now: power is cheap, or green and to spare."""
        return self.band == "low" or self.surplus >= self.start_surplus


@dataclass(frozen=True)
class Account:
    """Where a device's energy came from and went since the run began [MWh].

    drawn: from outside the park's nodes (sun, wind, outside air, the grid), net. lost: used for
    good or given to the surroundings. held: stored now. Nothing is lost unaccounted: the sum of
    all flows into nodes (cooling counts as heat taken out) is drawn - lost - what `held` has
    grown.
    """

    drawn: float = 0.0
    lost: float = 0.0
    held: float = 0.0


def per_step(values: npt.NDArray[Any]) -> Sequence[Any]:
    """Return a number per step for a device that reads one at a time: Python's own, not NumPy's.

    A list of a year's numbers takes four times the memory that they do as an array. values: (N,),
    of floats, whole numbers or truths (0 and 1).
    """
    code = {"f": "d", "i": "q", "b": "b"}[values.dtype.kind]
    return array(code, values.astype(code).tobytes())


@dataclass(frozen=True)
class Steered:
    """A set-point that moves electric power within seconds.

    point: the set-point. shown_by: the point that shows what it does now. sign: what one unit more
    puts into the node at `port`: +1 or -1. low, high: what the device takes [MW]. most: point that
    shows the most it takes now, where `high` is not all. rest: what leaves the device to itself
    [MW], its safe value. caps: whether the device may of itself stay below the set-point, as sun
    does below a limit. turn: when it is asked to help; less is earlier. stores: whether a state of
    charge bounds it. ramp: fastest rise [MW/h], None where there is none.
    """

    point: str
    shown_by: str
    sign: int
    low: float
    high: float
    most: str = ""
    rest: float = 0.0
    caps: bool = False
    turn: float = 0.0
    stores: bool = False
    ramp: float | None = None
    port: str = "node"


@dataclass(frozen=True)
class Guarded:
    """A metered flow that must stay between two numbers, whoever wants otherwise.

    point: shows it [MW]; sign: +1 where + flows into the node at `port`, -1 where it leaves it.
    low, high: of the flow into that node [MW].
    """

    point: str
    port: str
    low: float
    high: float
    sign: int = 1


class Device(Protocol):
    """An asset of the simulated plant: answers like the real one, obeys its own physics."""

    @property
    def costs(self) -> Mapping[str, float]:
        """What it has cost since the run began [CNY], by part: energy, demand, wear, unserved."""

    def account(self) -> Account:
        """Return the energy it drew, lost and holds."""

    def read(self) -> dict[str, Any]:
        """Return what its meters and states show, by point name."""

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Live through one step; return the mean flow into the node at each port [MW].

        index: the step of the run. hours: its length [h]. setpoints: by point name; an
        absent one means "as you would without us". ports: what the other assets have put
        into each port's node so far [MW].
        """


@runtime_checkable
class Adjustable(Protocol):
    """A device that can still change its flow within a step, when a node would not balance.

    One with several ports shows in `flows` [MW] what it then puts into each of them.
    """

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Change the flow into the node at `port` by up to `change` [MW]; return what was done."""


@runtime_checkable
class Offering(Protocol):
    """A device that nature gives to, as it will: sun or wind."""

    def offers(self, index: int) -> float:
        """Return the most it can give in step `index` [MW]."""


@runtime_checkable
class Deferrable(Adjustable, Protocol):
    """An adjustable device, some of whose flow in the present step can wait at no loss."""

    @property
    def spare(self) -> float:
        """How much of the step's mean flow can wait [MW, or the carrier's unit], ≥ 0."""

    def take_on(self, change: float, price: float, hours: float) -> float:
        """Take up to `change` more in the step where that is worth its price; return how much.

        change, result: [MW, or the carrier's unit]. price: what it takes costs [CNY per unit-h].
        """


@runtime_checkable
class Tolled(Protocol):
    """A device that carries from its port `node` to another, at a loss or for a charge."""

    def price_at_far(self, near: float) -> float:
        """Return what a MWh is worth at `node` where it is worth `near` beyond [CNY/MWh]."""


class Kind(Asset):
    """An asset kind: nameplate, rules for plans, physics for the simulated plant.

    order: when its device moves within a step of the plant; what depends on others' flows comes
    later.
    example: a park file in which the kind works, a few lines of YAML.
    """

    order: ClassVar[int] = 50
    role: ClassVar[str] = "use"
    """What it is to the park's balance.

    source, use, store, grid, convert (between carriers), carry (between nodes of one carrier), or
    trade (green attributes only), or contract (limits over others' flows).
    """
    clean: ClassVar[bool] = True
    """Whether electricity it makes counts as clean; of fuel it does not."""
    measured: ClassVar[Mapping[str, str]] = {}
    """Signals whose last true value a reading shows, by name: a forecast is corrected with it."""
    lasting: ClassVar[Mapping[str, str]] = {}
    """Signals that a reading caps for hours to come, by name: what is broken stays so a while."""
    takes: ClassVar[Mapping[str, str]] = {}
    """Files of a person's that speak of it, by what they say, and the series each becomes.

    Of load, price and outages that is a signal's name; of jobs and cars, `arrivals`.
    """
    example: ClassVar[str] = ""
    limits: ClassVar[Mapping[str, Limit]] = {}
    """Words for what binds or gives way: a rule, a slack, or what a column `means`, by name."""

    def billed_by(self, tariffs: Mapping[str, Tariff]) -> Self:
        """Return the asset knowing what its tariff says of the shape of its rules."""
        del tariffs
        return self

    def members(self) -> Sequence[tuple[str, object]]:
        """Return (name, object) of the parts with rows of their own; by default the asset."""
        return [("", self)]

    def shown_member(self, name: str) -> Text:
        """Return the words for a part with rows of its own: its label, else its name."""
        label: Text | None = getattr(dict(self.members()).get(name), "label", None)
        return label or Text(name, name)

    def shown_points(self) -> Sequence[Point]:
        """Return the points whose values a run keeps; a kind with members adds theirs."""
        return self.points

    def lookback(self, hours: float) -> int:
        """Return how many slots of `hours` [h] before now the rules look back to."""
        del hours
        return 1

    @staticmethod
    @abstractmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the kind's rules as named pairs; asked once for all assets of the kind."""

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return what weather, tariffs and profiles say of this asset, each (members, N)."""
        del outlook
        return {}

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return what the asset's own readings say of the steps ahead, each (members, …)."""
        del readings, horizon
        return Inputs()

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the set-points of the asset's device for a planned step, by point name."""
        del step
        return {}

    def draw(self, outlook: Outlook, random: np.random.Generator) -> Any | None:
        """Return what truly arrives at this asset on the outlook's grid; None where nothing does.

        The table's form is the kind's own; it goes to `expect`, `arrived` and, by
        `truth.tables`, to the device.
        """
        del outlook, random
        return None

    def from_rows(self, file: str, rows: Any, drawn: Any, run: TimeGrid) -> Any:
        """Return a person's jobs or cars (`data.events`) as a table like `drawn`, what chance drew.

        file: its name. run: the run's grid; of the time before it `drawn` may tell what the file
        does not. Raises `DataError` where nothing arrives.
        """
        del file, rows, run
        return drawn

    def chance(self, outlook: Outlook, random: np.random.Generator) -> dict[str, Floats]:
        """Return series, by name, that truly happen to this asset and no forecast knows, each (N,).

        They stand in `truth.series` as `asset/name`: perfect foresight knows them, a plan does not.
        """
        del outlook, random
        return {}

    def expect(self, table: Any, ahead: TimeGrid) -> Any:
        """Return what to expect on the grid `ahead`, from arrivals before its start only."""
        del table, ahead
        return None

    def arrived(self, table: Any, grid: TimeGrid) -> Any:
        """Return the true arrivals on `grid` in the form `expect` has, for perfect foresight."""
        del table, grid
        return None

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return what the device's points would show if a plan came true, each shape (N,).

        amounts: column name -> amounts per step, (members, N) or (members, 1). hours: [h], (N,).
        """
        del amounts, hours
        return {}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return the set-points a good operator without an optimiser would give."""
        del readings, view
        return {}

    def steered(self) -> Sequence[Steered]:
        """Return the set-points that move electric power within seconds."""
        return ()

    def guarded(self) -> Sequence[Guarded]:
        """Return the flows through it that local safety keeps within limits."""
        return ()

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return what counts over a run, such as jobs_done, jobs_late, unserved_mwh."""
        del readings
        return {}

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return what the state costs when a run ends [CNY]: stored -, owed +.

        end_price: worth of a MWh of electricity after the run [CNY/MWh]; the same for all policies.
        """
        del readings, end_price
        return 0.0

    @abstractmethod
    def device(self, truth: Outlook, random: np.random.Generator) -> Device:
        """Return the asset as it truly behaves in the world `truth`."""
