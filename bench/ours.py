"""The same problems through zeropark's formulation, stated as an asset's file states its rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.planned import Planned
from bench.shapes import ELECTRICITY, Floats, Park, Problem
from zeropark.formulation.block import Block, Formulated
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Mask, Rule
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.solver import Option, Solver

NODES = ("electricity", "heat", "low_heat")
Rules = Iterable[tuple[str, Rule]]


@dataclass(frozen=True)
class Part:
    """A part of the problem at one node; what the kinds below have alike."""

    name: str
    node: str

    def members(self) -> Sequence[tuple[str, object]]:
        """Return the part itself."""
        return [("", self)]

    def port_nodes(self) -> Mapping[str, str | None]:
        """Return the node at the only port."""
        return {"node": self.node}


@dataclass(frozen=True)
class Grid(Part):
    """Import and export at a price, and the highest import at a charge."""

    p_max_import: float
    p_max_export: float
    demand_charge: float

    @staticmethod
    def rules(m: Block) -> Rules:
        """Yield that no import is above the highest."""
        bought = m.flow("import", upper=m["p_max_import"] * m.hours)
        sold = m.flow("export", upper=m["p_max_export"] * m.hours)
        peak = m.once("peak", lower=m.figure("peak_so_far"), upper=m["p_max_import"])
        yield "peak", bought - peak * m.hours <= 0.0
        m.into("node", bought - sold)
        m.cost("energy", bought * m.signal("price_import") - sold * m.signal("price_export"))
        m.cost("demand", peak * m["demand_charge"])


@dataclass(frozen=True)
class Source(Part):
    """Something that gives up to what is available, at a cost."""

    marginal_cost: float

    @staticmethod
    def rules(m: Block) -> Rules:
        """Yield nothing: its bound says all."""
        given = m.flow("given", upper=m.signal("available") * m.hours)
        m.into("node", given)
        m.cost("fuel", given * m["marginal_cost"])
        return ()


@dataclass(frozen=True)
class Demand(Part):
    """Something that takes what it must."""

    @staticmethod
    def rules(m: Block) -> Rules:
        """Yield nothing: its bounds say all."""
        asked = m.signal("asked") * m.hours
        m.into("node", -m.flow("taken", lower=asked, upper=asked))
        return ()


@dataclass(frozen=True)
class HeatPump(Part):
    """Lifts waste heat by electricity."""

    p_nom: float

    def port_nodes(self) -> Mapping[str, str | None]:
        """Return the three nodes it joins."""
        return dict(zip(NODES, NODES, strict=True))

    @staticmethod
    def rules(m: Block) -> Rules:
        """Yield nothing: its coefficients say all."""
        p = m.flow("p", upper=m["p_nom"] * m.hours)
        cop = m.signal("cop")
        m.into("electricity", -p)
        m.into("heat", p * cop)
        m.into("low_heat", p * (1.0 - cop))
        return ()


@dataclass(frozen=True)
class Store(Part):
    """A battery or a heat store."""

    p_nom: float
    e_nom: float
    efficiency_store: float
    efficiency_dispatch: float
    keep: float
    wear: float

    @staticmethod
    def rules(m: Block) -> Rules:
        """Yield how its content goes on."""
        charge = m.flow("charge", upper=m["p_nom"] * m.hours)
        dispatch = m.flow("dispatch", upper=m["p_nom"] * m.hours)
        # No problem starts outside its band, so that the band need not open.
        content = m.state("content", m.signal("least"), m["e_nom"], opens=False)
        stored, drawn = charge * m["efficiency_store"], dispatch / m["efficiency_dispatch"]
        yield "content", content == content.before * m["keep"] ** m.hours + stored - drawn
        m.into("node", dispatch - charge)
        m.cost("wear", dispatch * m["wear"])


@dataclass(frozen=True)
class Flexible(Part):
    """Jobs and cars: places for amounts of energy to take, each while its window is open.

    windows: where a place can ever take energy, shape (places, slots).
    """

    windows: Mask

    def members(self) -> Sequence[tuple[str, object]]:
        """Return the places."""
        return [(str(place), self) for place in range(len(self.windows))]

    @staticmethod
    def rules(m: Block) -> Rules:
        """Yield that what is taken over the horizon is the amount."""
        (windows,) = {id(each): each for each in m.texts("windows")}.values()
        taken = m.flow("taken", upper=m.signal("power") * m.hours, where=windows)
        amount = m.once("amount", lower=m.figure("least"), upper=m.figure("most"))
        yield "energy", taken.total() == amount
        m.into("node", -taken)


class Ours:
    """A problem's program and its solver; kept, it is warm for the next one."""

    def __init__(
        self, p: Problem, windows: Mask, turns: int, options: Mapping[str, Option] | None = None
    ) -> None:
        stores, places = p.stores, len(windows)
        kinds: dict[str, Sequence[Formulated]] = {
            "grid": [Grid("grid", NODES[0], p.import_cap, p.export_cap, p.demand_charge)],
            "source": [
                Source("pv", NODES[0], 0.0),
                Source("wind", NODES[0], 0.0),
                Source("waste", NODES[2], 0.0),
                Source("boiler", NODES[1], p.boiler_cost),
            ],
            "demand": [Demand("load", NODES[0]), Demand("heat_load", NODES[1])],
            "heat_pump": [HeatPump("heat_pump", NODES[0], p.heat_pump_nom)],
            "store": [
                Store(
                    f"store-{i}",
                    NODES[0] if stores.node[i] == ELECTRICITY else NODES[1],
                    stores.p_nom[i],
                    stores.e_nom[i],
                    stores.efficiency_store[i],
                    stores.efficiency_dispatch[i],
                    1.0 - stores.standing_loss[i],
                    stores.wear[i],
                )
                for i in range(len(stores))
            ],
            "flexible": [Flexible("flexible", NODES[0], windows)],
        }
        lag = windows.shape[1] - p.steps
        balances = [Balance(NODES[0], "electricity"), *(Balance(n, "heat") for n in NODES[1:])]
        self.places, self.turns = places, turns
        self.program = Program(balances, kinds, Layout(np.full(p.steps, p.hours), lag))
        self.solver = Solver(self.program, options)
        self.first = p.first

    def plan(self, p: Problem) -> Planned:
        """Plan from where `p` stands."""
        self.program.layout.advance(p.first - self.first)
        self.first = p.first
        self.program.update(self.inputs(p))
        solution = self.solver.solve()
        assert not solution.elastic, "every shape can be met"
        bought = Plan.read(self.program, solution, p.first).amounts("grid", "import")[0]
        return Planned(float(self.program.cost @ solution.columns), bought / p.hours)

    def inputs(self, p: Problem) -> dict[str, Inputs]:
        """Return the numbers of `p` as the program takes them."""
        least = np.zeros((len(p.stores), p.steps))
        least[:, -1] = p.stores.e_end
        return {
            "grid": Inputs(
                {"price_import": _row(p.price_import), "price_export": _row(p.price_export)},
                {"peak_so_far": np.array([p.peak_so_far])},
            ),
            "source": Inputs(
                {
                    "available": np.stack(
                        [p.pv, p.wind, p.waste_heat, np.full(p.steps, p.boiler_nom)]
                    )
                }
            ),
            "demand": Inputs({"asked": np.stack([p.load, p.heat_load])}),
            "heat_pump": Inputs({"cop": _row(p.cop)}),
            "store": Inputs({"least": least}, {"content": p.stores.e_start}),
            "flexible": self._flexible(p),
        }

    def _flexible(self, p: Problem) -> Inputs:
        """Return what each place holds; a class that opens daily has one for each open day."""
        rows = p.flexible
        place = rows.opened % self.turns * (self.places // self.turns) + rows.group
        power = np.zeros((self.places, p.steps))
        amounts = np.zeros((2, self.places))
        power[place] = rows.power
        amounts[0, place], amounts[1, place] = rows.least, rows.most
        return Inputs({"power": power}, {"least": amounts[0], "most": amounts[1]})


def _row(values: Floats) -> Floats:
    return values.reshape(1, -1)


def day(p: Problem, options: Mapping[str, Option] | None = None) -> Ours:
    """Return a program for `p` alone, or for other courses of it; `options` go to HiGHS."""
    rows = p.flexible
    days, groups = int(rows.opened.max()) + 1, int(rows.group.max()) + 1
    windows = np.zeros((days * groups, p.steps + 1), dtype=bool)
    windows[rows.opened * groups + rows.group, 1:] = rows.power > 0.0
    return Ours(p, windows, days, options)


def plan(p: Problem) -> Planned:
    """Plan cold: compile, update, hand over, solve, check, read."""
    return day(p).plan(p)


def rolling(park: Park, p: Problem) -> Ours:
    """Return a program whose window can move over `park` from `p` on.

    Its ring is a day longer than the horizon: whole days, so that a class that opens daily finds
    its window in the same slots each time.
    """
    day, classes = park.size.day_steps, park.classes
    turns = park.size.days + 1
    slots = turns * day
    windows = np.zeros((turns * len(classes), slots), dtype=bool)
    for turn in range(turns):
        for group in range(len(classes)):
            steps = turn * day + np.arange(classes.begin[group], classes.end[group])
            # The first step lies in the slot after the closed ones.
            windows[turn * len(classes) + group, (steps - p.first + day) % slots] = True
    return Ours(p, windows, turns)
