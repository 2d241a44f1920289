"""The simulated plant: every asset by its own physics, tied together at nodes that must balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeropark.assets.kind import Adjustable, Deferrable, Device, Kind, Offering, Tolled, per_step
from zeropark.data.outlook import Outlook
from zeropark.operate.courses import Courses, Setpoints
from zeropark.operate.follow import follow

# What a node may miss before someone has to give way [MW]: the arithmetic's own noise.
_NOISE = 1e-9
# A store is asked first, then what makes more or less, then what carries on, then loads by their
# loss; a device that knows better says so in `turns`.
_STORE, _CARRIED = -1.0, 0.5


@dataclass
class Unbalanced:
    """What no device could take at a node in a step [MW into the node that it lacked, + short]."""

    node: str
    missing: float


class Plant:
    """The park as it truly behaves, behind a driver's contract: read points, write points, health.

    A step is lived by `step`; devices move in the order of their kinds, the tie last. What the tie
    cannot take is taken by storage, then by generation (too much) or loads in the order of what
    losing them costs.
    """

    def __init__(
        self, assets: Sequence[Kind], truth: Outlook, spills: Mapping[str, bool], seed: int
    ) -> None:
        self._assets = sorted(assets, key=lambda asset: (asset.order, asset.name))
        self._spills = spills
        self._hours = per_step(truth.grid.hours)
        streams = np.random.SeedSequence(seed).spawn(len(self._assets))
        self.devices: dict[str, Device] = {
            asset.name: asset.device(truth, np.random.default_rng(stream))
            for asset, stream in zip(self._assets, streams, strict=True)
        }
        self._ports = {
            a.name: {p: n for p, n in a.port_nodes().items() if n is not None} for a in assets
        }
        self._ties = [asset for asset in self._assets if asset.kind == "grid_tie"]
        self._adjustable = {n for n, d in self.devices.items() if isinstance(d, Adjustable)}
        self._helpers = self._who_can_help()
        # What is carried on is missing at the next node: one look at each node is not enough.
        self._carriers = {asset.name for asset in self._assets if asset.role == "carry"}
        self._passes = 1 + len(self._carriers)
        self._followers = {
            node: self._who_follows(node)
            for node in {self._ports[tie.name]["node"] for tie in self._ties}
        }
        self._refusing: set[tuple[str, bool]] = set()
        self._pools = [a for a in self._assets if isinstance(self.devices[a.name], Deferrable)]
        self._halls: dict[tuple[str, str], list[Kind]] = {}
        for asset in self._assets:
            ports = self._ports[asset.name]
            if asset.role == "convert" and "compute" in ports:
                self._halls.setdefault((ports["node"], ports["compute"]), []).append(asset)
        self._written: dict[str, Mapping[str, float]] = {}
        self._courses: Courses | None = None
        self.held: Setpoints = {}
        """What was asked of the devices in the step that is over."""
        self.flows: dict[str, dict[str, float]] = {}
        self.spilled: dict[str, float] = {}
        self.residual = 0.0

    # -- the driver's contract -----------------------------------------------------------------

    def read(self) -> dict[str, dict[str, Any]]:
        """Return all points of all assets in one pass."""
        return {name: device.read() for name, device in self.devices.items()}

    def write(self, setpoints: Setpoints, courses: Courses | None = None) -> None:
        """Take set-points by asset and point; they hold for the next step only.

        courses: what holds instead, by what sun and wind turn out to offer in it.
        """
        self._written, self._courses = dict(setpoints), courses

    def health(self) -> dict[str, bool]:
        """Return whether each asset answers; a simulated one does unless a fault is injected."""
        return dict.fromkeys(self.devices, True)

    def start_peak(self, peak: float) -> None:
        """Begin with a highest demand of `peak` [MW] in the first month, at each tie."""
        for tie in self._ties:
            self.devices[tie.name].start_peak(peak)  # type: ignore[attr-defined] # only a tie has one

    # -- living --------------------------------------------------------------------------------

    def step(self, index: int) -> None:
        """Live through step `index` of the run with the set-points written last."""
        hours = self._hours[index]
        at_node: dict[str, float] = dict.fromkeys(self._spills, 0.0)
        self.flows = {}
        self._refusing.clear()
        self._see_the_sun(index)
        for asset in self._assets:
            name, ports = asset.name, self._ports[asset.name]
            if asset.kind == "grid_tie":
                self._balance_untied(hours, at_node)
                self._balance_before(asset, index, hours, at_node)
            seen = {port: at_node[node] for port, node in ports.items()}
            flows = self.devices[name].step(index, hours, self._written.get(name, {}), seen)
            self.flows[name] = flows
            for port, flow in flows.items():
                if port in ports:
                    at_node[ports[port]] += flow
        self._balance_rest(hours, at_node)
        self.held, self._written = self._written, {}

    def _see_the_sun(self, index: int) -> None:
        """Let local controllers hold the course that belongs to what sun and wind offer now."""
        courses, self._courses = self._courses, None
        if courses is not None:
            devices = [self.devices[name] for name in courses.sources]
            offered = sum(d.offers(index) for d in devices if isinstance(d, Offering))
            self._written = dict(courses.at(offered))

    def _balance_before(
        self, tie: Kind, index: int, hours: float, at_node: dict[str, float]
    ) -> None:
        """Let local controllers act before the tie takes the rest: follow the plan, keep caps."""
        node = self._ports[tie.name]["node"]
        device = self.devices[tie.name]
        bring, send = device.caps(index)  # type: ignore[attr-defined] # only a tie balances a node
        wanted = self._written.get(tie.name, {})
        prices = device.read()
        for name, way in self._followers[node]:
            change = follow(
                need=-at_node[node],
                planned=self._written.get(name, {}),
                tie=wanted,
                price_import=self._price_at_far(way, prices["price_import"]),
                price_export=self._price_at_far(way, prices["price_export"]),
            )
            if change:
                self._adjust(name, "node", change, hours, at_node)
                # Else who is asked first at its node would undo it.
                for carrier in way:
                    there = self._ports[carrier]["node"]
                    self._adjust(carrier, "node", -at_node[there], hours, at_node)
                if way:
                    self._balance_untied(hours, at_node)
        self._use_what_is_sold(node, prices["price_export"], hours, at_node)
        self._keep_target(node, wanted.get("target", np.inf), hours, at_node)
        for _ in range(self._passes):
            need = -at_node[node]
            beyond = need - min(bring, max(-send, need))
            if abs(beyond) <= _NOISE:
                return
            self._ask_helpers(node, beyond, hours, at_node)
            if self._passes > 1:
                # What was carried less is too much elsewhere: that is settled while the tie waits.
                self._balance_untied(hours, at_node)

    def _use_what_is_sold(
        self, node: str, price: float, hours: float, at_node: dict[str, float]
    ) -> None:
        """Let waiting work use what would be sold at `price` [CNY/MWh], where it is worth more."""
        for pool in self._pools:
            cores, device = self._ports[pool.name]["node"], self.devices[pool.name]
            for hall in self._halls.get((node, cores), []):
                if at_node[node] <= _NOISE or not isinstance(device, Deferrable):
                    continue
                shown = self.devices[hall.name].read()
                each = float(getattr(hall, "p_kcore", 0.0)) * shown["pue"]
                free = (float(getattr(hall, "cores", 0.0)) - shown["cores"]) / 1e3
                taken = device.take_on(min(free, at_node[node] / each), price * each, hours)
                self.flows[pool.name]["node"] -= taken
                at_node[cores] -= taken
                self._adjust(hall.name, "compute", taken, hours, at_node)

    def _keep_target(
        self, node: str, target: float, hours: float, at_node: dict[str, float]
    ) -> None:
        """Let work that can wait go without cores while import at `node` is above `target` [MW]."""
        for pool in self._pools:
            cores = self._ports[pool.name]["node"]
            device: Any = self.devices[pool.name]
            for hall in self._halls.get((node, cores), []):
                excess = -at_node[node] - target
                cut = min(excess, device.spare * float(getattr(hall, "p_kcore", 0.0)))
                if cut > _NOISE:
                    self._adjust(hall.name, "node", cut, hours, at_node)
                    self._adjust(pool.name, "node", -at_node[cores], hours, at_node)

    def _balance_untied(self, hours: float, at_node: dict[str, float]) -> None:
        """Let heat and cooling be balanced while the tie can still bring the power that takes."""
        tied = {self._ports[tie.name]["node"] for tie in self._ties}
        self._settle([node for node in self._spills if node not in tied], hours, at_node)

    def _settle(self, nodes: Sequence[str], hours: float, at_node: dict[str, float]) -> None:
        """Balance nodes as far as anyone can, once more where that has moved others."""
        for _ in range(self._passes):
            before = dict(at_node)
            for node in nodes:
                if abs(at_node[node]) > _NOISE:
                    self._ask_helpers(node, -at_node[node], hours, at_node)
            if at_node == before:
                return

    def _balance_rest(self, hours: float, at_node: dict[str, float]) -> None:
        """Balance nodes without a tie, spill what may be spilled, keep the rest as the residual."""
        self.spilled, self.residual = {}, 0.0
        self._settle(list(self._spills), hours, at_node)
        for node in self._spills:
            left = at_node[node]
            if self._spills[node] and left > _NOISE:
                self.spilled[node], left = left, 0.0
            self.residual = max(self.residual, abs(left))

    def _ask_helpers(
        self, node: str, change: float, hours: float, at_node: dict[str, float]
    ) -> None:
        """Change flows into `node` by `change` [MW] as far as anyone can."""
        wanted = at_node[node] + change
        for name, port in self._helpers.get(node, []):
            rest = wanted - at_node[node]
            if abs(rest) <= _NOISE:
                break
            if name not in self._carriers:
                self._adjust(name, port, rest, hours, at_node)
            elif self._late(name, port):
                self._adjust(name, port, rest, hours, at_node)
                self._refusing.add((node, rest > 0.0))
            elif not self._is_refused(name, port, rest):
                self._adjust(name, port, rest, hours, at_node)

    def _late(self, name: str, port: str) -> bool:
        """Return whether a carrier is asked at this port only when nobody else could help."""
        turns = getattr(self.devices[name], "turns", {})
        return bool(turns.get(port, _CARRIED) >= _CARRIED)

    def _is_refused(self, name: str, port: str, change: float) -> bool:
        """Return whether a node at a carrier's other end has itself made others carry less.

        Two ways from one node would else hand what it lacks to each other without end.
        """
        ends = self._ports[name].items()
        return any((node, change > 0.0) in self._refusing for end, node in ends if end != port)

    def _adjust(
        self, name: str, port: str, change: float, hours: float, at_node: dict[str, float]
    ) -> None:
        device: Any = self.devices[name]
        assert name in self._adjustable, "only adjustable devices are asked"
        ports, flows = self._ports[name], self.flows.get(name)
        if flows is None:
            # It moves later in the step and will see what the node lacks.
            return
        done = device.adjust(port, change, hours)
        now = getattr(device, "flows", None) or {port: flows.get(port, 0.0) + done}
        for other, flow in now.items():
            if other in ports:
                at_node[ports[other]] += flow - flows.get(other, 0.0)
            flows[other] = flow

    def _price_at_far(self, way: Sequence[str], price: float) -> float:
        """Return what a MWh is worth where a way begins that ends at a price [CNY/MWh]."""
        for name in reversed(way):
            carrier = self.devices[name]
            price = carrier.price_at_far(price) if isinstance(carrier, Tolled) else price
        return price

    def _who_follows(self, node: str) -> list[tuple[str, list[str]]]:
        """Return the stores that follow what is meant at a tie's node, each with its way there.

        Those at the node come first, then those behind lines, transformers and bases.
        """
        ways: list[tuple[str, list[str]]] = [(node, [])]
        # The list grows as it is walked: from the tie outwards, each node once.
        for here, way in ways:
            seen = {each for each, _ in ways}
            for name in sorted(self._carriers):
                ports = self._ports[name]
                if here in ports.values() and ports["node"] not in seen:
                    ways.append((ports["node"], [name, *way]))
        return [
            (name, way)
            for here, way in ways
            for name, port in self._helpers.get(here, [])
            if port == "node" and self._is_store(name)
        ]

    def _is_store(self, name: str) -> bool:
        return hasattr(self.devices[name], "energy")

    def _who_can_help(self) -> dict[str, list[tuple[str, str]]]:
        """Return who can be adjusted at each node: stores, generation, loads by cost of loss."""
        found: dict[str, list[tuple[float, str, str]]] = {}
        for asset in self._assets:
            device = self.devices[asset.name]
            if asset.name not in self._adjustable:
                continue
            for port, node in self._ports[asset.name].items():
                rank = _turn(asset, device, port)
                found.setdefault(node, []).append((rank, asset.name, port))
        return {
            node: [(name, port) for _, name, port in sorted(who)] for node, who in found.items()
        }


def _turn(asset: Kind, device: Device, port: str) -> float:
    """Return when a device is asked to help at one of its ports; less is earlier."""
    turns: Mapping[str, float] = getattr(device, "turns", {})
    if port in turns:
        return turns[port]
    if hasattr(device, "energy"):
        return _STORE
    usual = _CARRIED if asset.role == "carry" else 0.0
    return float(getattr(asset, "price_unserved", usual))
