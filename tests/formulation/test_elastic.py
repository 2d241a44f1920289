"""What gives way, and how much: one elastic solve equals the answer of a pass for each rank.

The second answer is a formulation of its own, written row by row for SciPy. The parks hold uses and
sources that cannot be told to stop, so that every rank has to give way now and then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import linprog

from zeropark.formulation.block import Block, Formulated, Rank
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.solver import Solver

Floats = npt.NDArray[np.float64]
PARKS, PER_TEST = 2_000, 100


@dataclass(frozen=True)
class Thing:
    """A thing of a random park; the numbers its rules ask for are its own."""

    name: str
    node: str = "bus"
    p_nom: float = 0.0
    contract: float = 0.0
    e_nom: float = 0.0
    reserve: float = 0.0
    efficiency: float = 1.0

    def members(self) -> Sequence[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> Mapping[str, str | None]:
        return {"node": self.node}


class Fixed(Thing):
    """A use (or, negative, a source) that nobody can change."""

    def rules(self, m: Block) -> Iterable[tuple[str, Rule]]:
        amount = m.signal("amount")
        m.into("node", -m.flow("amount", lower=amount, upper=amount))
        return ()


class Purchase(Thing):
    """A purchase under a contract that gives way before supply does."""

    def rules(self, m: Block) -> Iterable[tuple[str, Rule]]:
        buy = m.flow("buy", upper=m["p_nom"])
        over = m.slack("over", Rank.CONTRACT)
        yield "contract", buy - over <= m["contract"]
        m.into("node", buy)
        m.cost("energy", buy * m.signal("price"))


class Store(Thing):
    """A store with a reserve that may be used when a contract would be broken otherwise."""

    def rules(self, m: Block) -> Iterable[tuple[str, Rule]]:
        charge, discharge = m.flow("charge", upper=m["p_nom"]), m.flow("give", upper=m["p_nom"])
        energy = m.state("energy", upper=m["e_nom"])
        short = m.slack("short", Rank.COMFORT)
        yield "balance", energy == energy.before + charge * m["efficiency"] - discharge
        yield "reserve", energy + short >= m["reserve"]
        m.into("node", discharge - charge)
        m.cost("wear", discharge * 1.0)


@dataclass(frozen=True)
class Park:
    """Numbers of a random park with everything that can give way."""

    use: Floats
    price: Floats
    buy: Thing
    store: Thing
    energy: float
    ours: Program = field(repr=False)


def _park(random: np.random.Generator) -> Park:
    steps = int(random.integers(4, 9))
    # Half the parks are calm, so that nothing gives way in many of them.
    low, high = (0.0, 1.2) if random.random() < 0.5 else (-2.0, 5.0)
    use = np.round(random.uniform(low, high, steps), 2)
    price = np.round(random.uniform(1.0, 900.0, steps), 1)
    most = round(float(random.uniform(0.5, 4.0)), 2)
    buy = Purchase("buy", p_nom=most, contract=round(float(random.uniform(0.2, 1.0)) * most, 2))
    e_nom = round(float(random.uniform(0.5, 4.0)), 2)
    store = Store(
        "store",
        p_nom=round(float(random.uniform(0.2, 2.0)), 2),
        e_nom=e_nom,
        reserve=round(float(random.uniform(0.0, 0.8)) * e_nom, 2),
        efficiency=round(float(random.uniform(0.7, 0.95)), 2),
    )
    energy = round(float(random.uniform(0.0, 1.0)) * e_nom, 2)
    kinds: dict[str, list[Formulated]] = {
        "fixed": [Fixed("use")],
        "buy": [buy],
        "store": [store],
    }
    program = Program([Balance("bus", "electricity")], kinds, Layout(np.ones(steps)))
    program.update(
        {
            "fixed": Inputs({"amount": use[None, :]}),
            "buy": Inputs({"price": price[None, :]}),
            "store": Inputs(figures={"energy": np.array([energy])}),
        }
    )
    return Park(use, price, buy, store, energy, program)


# Columns of the second formulation, one of each for every step, in this order.
NAMES = ("buy", "over", "charge", "give", "energy", "short", "shed", "dump")
RANKS = (("shed", "dump"), ("over",), ("short",))


def _column(name: str, step: int) -> int:
    return step * len(NAMES) + NAMES.index(name)


def _pass_by_pass(park: Park) -> tuple[list[float], float]:
    """The least sum at each rank, the higher ones held, and then the least cost."""
    steps = len(park.use)
    count = len(NAMES) * steps
    equal, equal_to, below, below_to = [], [], [], []

    def row(**terms: float) -> Floats:
        found = np.zeros(count)
        for name, coefficient in terms.items():
            kind, step = name.rsplit("_", 1)
            found[_column(kind, int(step))] = coefficient
        return found

    for t in range(steps):
        flows = {f"{n}_{t}": s for n, s in (("buy", 1.0), ("give", 1.0), ("charge", -1.0))}
        equal.append(row(**flows, **{f"shed_{t}": 1.0, f"dump_{t}": -1.0}))
        equal_to.append(park.use[t])
        store = {f"energy_{t}": 1.0, f"charge_{t}": -park.store.efficiency, f"give_{t}": 1.0}
        equal.append(row(**store, **({f"energy_{t - 1}": -1.0} if t else {})))
        equal_to.append(0.0 if t else park.energy)
        below.append(row(**{f"buy_{t}": 1.0, f"over_{t}": -1.0}))
        below_to.append(park.buy.contract)
        below.append(row(**{f"energy_{t}": -1.0, f"short_{t}": -1.0}))
        below_to.append(-park.store.reserve)
    most = {"buy": park.buy.p_nom, "charge": park.store.p_nom, "give": park.store.p_nom}
    most["energy"] = park.store.e_nom
    bounds = [(0.0, most.get(name)) for _ in range(steps) for name in NAMES]
    least: list[float] = []
    for names in RANKS:
        only = np.zeros(count)
        only[[_column(name, t) for name in names for t in range(steps)]] = 1.0
        found = linprog(only, below, below_to, equal, equal_to, bounds)
        assert found.status == 0, found.message
        least.append(found.fun)
        below.append(only)
        below_to.append(found.fun + 1e-9)
    cost = np.zeros(count)
    for t in range(steps):
        cost[_column("buy", t)], cost[_column("give", t)] = park.price[t], 1.0
    found = linprog(cost, below, below_to, equal, equal_to, bounds)
    assert found.status == 0, found.message
    return least, found.fun


@pytest.mark.parametrize("first", range(0, PARKS, PER_TEST))
def test_an_elastic_plan_is_the_pass_by_pass_answer(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        park = _park(np.random.default_rng([seed, 31_337]))
        solution = Solver(park.ours).solve()
        least, cost = _pass_by_pass(park)
        for rank, expected in zip(sorted(Rank, reverse=True), least, strict=True):
            given = float(solution.columns[park.ours.rank_columns(rank)].sum())
            assert given == pytest.approx(expected, abs=1e-6), f"park {seed}, {rank.name}"
        assert solution.objective == pytest.approx(cost, rel=1e-6, abs=1e-5), f"park {seed}"


def test_the_parks_make_every_rank_give_way_and_none_too() -> None:
    used = []
    for seed in range(300):
        least, _ = _pass_by_pass(_park(np.random.default_rng([seed, 31_337])))
        used.append([amount > 1e-6 for amount in least])
    share = np.mean(used, axis=0)
    assert np.all(share > 0.1)
    assert np.mean(np.any(used, axis=1)) < 0.9
