"""What lines and transformers have alike: power carried between two nodes, and what that loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from zeropark.assets.converter import root
from zeropark.assets.kind import Account
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Linear, Rule

# Loads [1 of rated] at which a plan's straight pieces touch the parabola of the ohmic loss: between
# them a plan is short of it by less than 0.05 of the loss at rated power, a bound by 0.003. A piece
# goes from one crossing of tangents to the next; below the first the loss is taken as nothing.
TOUCHES = (0.15, 0.5, 0.9)
FINE_TOUCHES = tuple((k + 0.5) / 10 for k in range(10))


def ohmic_pieces(m: Block, carried: Linear) -> tuple[Linear, list[tuple[str, Rule]]]:
    """Return the ohmic loss [MWh per slot] of the load carried, and the rule that makes it so.

    The loss is the highest of the tangents loss_load · (2 x carried - x² · p_nom · h) for x in
    `TOUCHES`, and 0: tangents of loss_load · carried² / (p_nom · h), Joule's law at a steady
    voltage, which never lie above it. It is shown as `ohmic`; where no member loses by load there
    is none.
    """
    if not m["loss_load"].array.any():
        m.show("ohmic", carried * 0.0)
        return Linear([]), []
    touches = FINE_TOUCHES if m.exact else TOUCHES
    ends = (0.0, touches[0] / 2, *((a + b) / 2 for a, b in pairwise(touches)), 1.0)
    loss, whole = Linear([]), Linear([])
    for k, slope in enumerate((0.0, *(2.0 * x for x in touches))):
        # That a piece is full is no limit of anything: it is the next one's turn.
        width = m["p_nom"] * m.hours * (ends[k + 1] - ends[k])
        piece = m.flow(f"piece_{k}", upper=width, means="price")
        whole = whole + piece
        if slope:
            loss = loss + piece * (m["loss_load"] * slope)
    return m.show("ohmic", loss), [("pieces", carried == whole)]


@dataclass(frozen=True)
class Carries:
    """What a simulated link can do.

    near: its port at the nearer end. p_nom: rated power [MW]. p_in, p_out: most it carries inwards
    (from `node` to near) and outwards [MW]. loss: share of what is sent [1]. loss_load: further
    share at rated power [1]. idle: taken at the near end while it is under voltage [MW]. charge:
    price of what is delivered [CNY/MWh].
    """

    near: str
    p_nom: float
    p_in: float
    p_out: float
    loss: float = 0.0
    loss_load: float = 0.0
    idle: float = 0.0
    charge: float = 0.0


class LinkDevice:
    """The simulated link: it carries what its far node has to spare or lacks, within its rating.

    No one steers it: power goes where it is missing. Within a step it carries less when the near
    node asks, and then never more again.
    """

    def __init__(self, carries: Carries) -> None:
        self._c = carries
        # Asked before all others at its far node, to which it is the way; late at the near one.
        self.turns = {"node": -2.0, carries.near: 0.5}
        self._most_in = carries.p_in
        self._most_out = carries.p_out
        self._idle = carries.idle
        self.p = 0.0
        self.flows: dict[str, float] = {"node": 0.0, carries.near: 0.0}
        self._hours = 0.0
        self._lost = 0.0
        self._paid = 0.0

    @property
    def loss(self) -> float:
        """What is lost in the present step [MW]."""
        return -sum(self.flows.values())

    @property
    def costs(self) -> Mapping[str, float]:
        """What carrying has cost since the run began [CNY]."""
        return {"energy": self._paid + self._charge()}

    def read(self) -> dict[str, Any]:
        """Return power sent, inwards + [MW], and what is lost of it [MW]."""
        return {"p": self.p, "loss": self.loss}

    def account(self) -> Account:
        """Return what was lost on the way."""
        return Account(lost=self._lost + self.loss * self._hours)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Carry what the far node has over, or bring what it lacks."""
        del index, setpoints
        self._lost += self.loss * self._hours
        self._paid += self._charge()
        self._hours, self._idle = hours, self._c.idle
        self._most_in, self._most_out = self._c.p_in, self._c.p_out
        self._settle(-ports.get("node", 0.0))
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Bring more to the far node or take more from it; at the near end only carry less."""
        del hours
        before = self.flows[port]
        if port == "node":
            self._settle(before + change)
        elif port == self._c.near:
            self._carry_less(change)
        return self.flows.get(port, before) - before

    def _carry_less(self, change: float) -> None:
        """Change the flow into the near node by up to `change` [MW] towards nothing."""
        c, wanted = self._c, self.flows[self._c.near] + self._idle + change
        if change < 0.0 and self.p > 0.0:
            self._most_in = min(self.p, root(max(0.0, wanted), 1.0 - c.loss, -self._heating))
            self._settle(-self._most_in)
        elif change > 0.0 and self.p <= 0.0:
            self._most_out = min(-self.p, root(max(0.0, -wanted), 1.0, self._heating))
            # A dead near end brings nothing, and an unloaded link without voltage takes nothing.
            self._idle = min(self._idle, max(0.0, self._idle - wanted))
            self._settle(self._most_out * (1.0 - c.loss))

    @property
    def _heating(self) -> float:
        return self._c.loss_load / self._c.p_nom

    def _settle(self, far: float) -> None:
        """Let `far` [MW] flow into the far node, as far as can be; below zero out of it."""
        c, kept = self._c, 1.0 - self._c.loss
        inward = min(self._most_in, max(0.0, -far))
        outward = min(self._most_out, max(0.0, far) / kept)
        self.p = inward - outward
        heat = self._heating * self.p * self.p
        near = inward * kept - outward - heat - self._idle
        self.flows = {"node": outward * kept - inward, c.near: near}

    def price_at_far(self, near: float) -> float:
        """Return what a MWh is worth at the far node where it is worth `near` [CNY/MWh].

        It stands for what a little more would lose, and be charged, the way power now goes.
        """
        c, kept, heat = self._c, 1.0 - self._c.loss, 2.0 * self._heating * abs(self.p)
        if self.p < 0.0:
            return (near * (1.0 + heat) + kept * c.charge) / kept
        return near * (kept - heat) - kept * c.charge

    def _charge(self) -> float:
        return abs(self.p) * (1.0 - self._c.loss) * self._c.charge * self._hours
