"""The grid operator's limit: a most or least import for a time, paid by nobody and kept by all."""

from __future__ import annotations

import numpy as np

from zeropark.operate.product import Asked, Floats, Product, Promise, Settlement, Way, sums
from zeropark.units.text import Text


def _holds(asked: Asked, reckoned: float) -> Promise:
    del reckoned
    if asked.way is Way.LESS:
        return Promise(0.0, 0.0, most=asked.power, firm=True)
    return Promise(0.0, 0.0, least=-asked.power, firm=True)


def _settle(asked: Asked, baseline: Floats, metered: Floats) -> Settlement:
    """Settle by what lay beyond the limit; an interval nobody metered is not counted as kept."""
    length = asked.hours / len(baseline)
    limit = asked.way.sign * asked.power
    beyond = np.clip(asked.way.sign * (metered - limit), 0.0, None)
    kept = float(np.isfinite(metered).sum()) * length - float((beyond > 0.0).sum()) * length
    missing = float(np.nansum(beyond)) * length
    both = sums(np.full(len(metered), limit), metered, length)
    return Settlement(*both, 0.0, kept, missing, 0.0, asked.terms.penalty * missing)


PRODUCT = Product(
    key="grid_limit",
    title=Text("Grid operator's limit", "电网限值"),
    equation="beyond = Σ max(0, import - limit) · h (export for way more); penalty · beyond",
    source="Dispatch order; form of the park's fact base, section 2",
    adds=Text("import ≤ limit, or export ≤ limit", "购电 ≤ 限值，或上网 ≤ 限值"),
    measured=Text(
        "energy beyond the limit; delivered is how many hours it was kept",
        "超限电量；“响应”为守住限值的小时数",
    ),
    settled=Text("nothing is paid; what lies beyond pays the penalty", "无付费；超限电量罚款"),
    ways=(Way.LESS, Way.MORE),
    holds=_holds,
    settle=_settle,
    offered=False,
)
