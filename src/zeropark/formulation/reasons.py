"""Why a set-point is what it is: a code and a sentence, from the prices of bounds and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from zeropark.formulation.block import Block, Column, Limit
from zeropark.formulation.linear import Sense
from zeropark.formulation.plan import Plan
from zeropark.formulation.value import Value
from zeropark.units.text import Text

# A reduced cost below this moves nothing [CNY per unit].
_WORTH_NAMING = 1e-3
# An amount this near to a bound is at it [MWh, or a carrier's amount].
_NEAR = 1e-9

# What holds for any asset. A kind brings its own words for its own limits, in `Kind.limits`.
WORDS: dict[str, Limit] = {
    "price": Limit(Text("follows the price", "随电价")),
    "forecast": Limit(Text("as the forecast says", "按预测")),
    "idle": Limit(Text("nothing to gain now", "此刻无可获益")),
    "hand": Limit(Text("set by hand", "人工设定")),
    "rating": Limit(Text("at its rated power", "达到额定功率")),
    "full": Limit(Text("store at its ceiling", "储量到上限")),
    "empty": Limit(Text("store at its floor", "储量到下限")),
    "available": Limit(Text("all that sun or wind gives", "按可用风光全发")),
    "curtail": Limit(Text("less than available: more would be wasted", "限发：再多也用不上")),
    "shed": Limit(Text("supply that is missing", "缺供")),
    "unserved": Limit(Text("not served", "未供电")),
    "start": Limit(Text("starts now", "此刻启动"), "start"),
    "stood": Limit(Text("starts only where it stood", "停机后方可启动"), "start"),
    "least": Limit(Text("no less while it runs", "运行时不可更低")),
    "most": Limit(Text("no more while it runs", "运行时不可更高")),
    "committed": Limit(Text("whether it runs is decided by the hour", "启停按小时已定")),
    "dump": Limit(Text("surplus that nothing takes", "无处消纳")),
}
# Codes that name no limit, so that a margin of it has no worth.
_NO_LIMIT = frozenset({"price", "idle", "forecast", "hand"})


def limit_words(limits: Mapping[str, Limit], name: str) -> Limit:
    """Return the words of a limit: the kind's own, else the general ones, else its bare name."""
    bare = Limit(Text(f"limit {name}", f"限值 {name}"))
    return limits.get(name) or WORDS.get(name) or bare


@dataclass(frozen=True)
class Reason:
    """A reason's code, and the limit that binds in words.

    worth: what one unit more of that limit would save [CNY per unit].
    """

    asset: str
    code: str
    worth: float
    limit: Limit = field(default=WORDS["idle"], compare=False)

    @property
    def sentence(self) -> Text:
        """The reason in words."""
        words, unit = self.limit.words, self.limit.unit
        if self.worth < _WORTH_NAMING or self.code in _NO_LIMIT:
            return words
        return Text(
            f"{words.en}; one {unit} more would save CNY {self.worth:,.0f}",
            f"{words.zh}；每多 1 {unit} 可省 {self.worth:,.0f} 元",
        )


def explain(plan: Plan, step: int = 0) -> list[Reason]:
    """Return one reason per member of every kind for open step `step`.

    What binds with the highest worth is the reason; where nothing worth naming does, what the asset
    does.
    """
    slot = int(plan.open[step])
    found: list[Reason] = []
    for block in plan.program.blocks.values():
        codes = _given(block, slot)
        for column in block.columns:
            if column.columns.shape[1] > 1 and column.rank is None:
                _weigh_column(plan, column, slot, codes)
        _weigh_rules(plan, block, slot, codes)
        for name, (code, worth) in zip(block.names, codes, strict=True):
            found.append(Reason(name, code, worth, limit_words(block.limits, code)))
    return found


def explain_price(plan: Plan, node: str, step: int = 0) -> Text:
    """Return what one unit more at `node` costs in open step `step`, and whether it is scarce."""
    at = next(i for i, each in enumerate(plan.program.nodes) if each.name == node)
    price = float(plan.prices()[at, step])
    if not plan.scarce()[at, step]:
        return Text(f"one unit more costs CNY {price:,.0f}", f"多 1 单位 {price:,.0f} 元")
    return Text(
        "scarcity: for one unit more a limit would have to give way further",
        "紧缺：再多 1 单位，限值须再让步",
    )


def _given(block: Block, slot: int) -> list[tuple[str, float]]:
    """Return the reason of members with a flow that is given, and of those without."""
    fixed = np.zeros(len(block), dtype=bool)
    for into in block.intos:
        if isinstance(into.expression.constant, Value):
            amounts = into.expression.constant.array
            fixed |= np.abs(amounts[:, slot if amounts.shape[1] > 1 else 0]) > _NEAR
    return [("forecast" if given else "idle", 0.0) for given in fixed.tolist()]


def _weigh_column(plan: Plan, column: Column, slot: int, codes: list[tuple[str, float]]) -> None:
    """Let a column's bound, or that it is used, be the reason where it outweighs the last one."""
    at = column.columns[:, slot]
    amounts, prices = plan.solution.columns[at], plan.solution.reduced[at]
    upper, lower = plan.program.upper[at], plan.program.lower[at]
    for i, (code, worth) in enumerate(codes):
        price, used = float(prices[i]), bool(abs(amounts[i]) > _NEAR)
        full = bool(amounts[i] >= upper[i] - _NEAR)
        # A flow at zero is not held there; a store that is empty is.
        low = bool(amounts[i] <= lower[i] + _NEAR) and (used or column.state)
        if full and used and -price > max(worth, _WORTH_NAMING):
            codes[i] = (column.means or "forecast", -price)
        elif low and column.means_low and price > max(worth, _WORTH_NAMING):
            codes[i] = (column.means_low, price)
        elif code not in {"idle", "price"} or column.state:
            continue
        elif full and used:
            codes[i] = (column.means or "forecast", 0.0)
        elif not full and column.spare:
            codes[i] = (column.spare, 0.0)
        elif used:
            codes[i] = ("price", 0.0)


def _weigh_rules(plan: Plan, block: Block, slot: int, codes: list[tuple[str, float]]) -> None:
    """Let an inequality with a higher price outweigh what the columns say."""
    for rows in plan.program.rows:
        rule = rows.name.removeprefix(f"{block.kind}-")
        if rows.name == rule or rows.rule.sense is Sense.EQUAL or rows.numbers.shape[1] == 1:
            continue
        prices = np.abs(plan.solution.duals[rows.numbers[:, slot]])
        for i, worth in enumerate(prices.tolist()):
            if worth > max(codes[i][1], _WORTH_NAMING):
                codes[i] = (rule, worth)
