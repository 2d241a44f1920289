"""Why a set-point is what it is: a code and a sentence, from the prices of bounds and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zeropark.formulation.block import Block, Column, Limit
from zeropark.formulation.linear import Sense
from zeropark.formulation.plan import Plan
from zeropark.formulation.value import Value
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
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
    return explain_steps(plan, [step])[0]


def explain_steps(plan: Plan, steps: Sequence[int]) -> list[list[Reason]]:
    """Return the reasons of each of the open steps, as `explain` returns them."""
    slots = plan.open[np.asarray(steps, dtype=np.intp)]
    found: list[list[Reason]] = [[] for _ in steps]
    for block in plan.program.blocks.values():
        weighed = _given(block, slots)
        for column in block.columns:
            if column.columns.shape[1] > 1 and column.rank is None:
                _weigh_column(plan, column, slots, weighed)
        _weigh_rules(plan, block, slots, weighed)
        for name, codes, worths in zip(
            block.names, weighed.codes.tolist(), weighed.worths.tolist(), strict=True
        ):
            for reasons, code, worth in zip(found, codes, worths, strict=True):
                reasons.append(Reason(name, code, worth, limit_words(block.limits, code)))
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


@dataclass
class _Weighed:
    """The reason found so far of each member at each slot: codes and what they are worth."""

    codes: npt.NDArray[np.object_]
    worths: Floats

    def put(self, where: npt.NDArray[np.bool_], code: str, worths: Floats | float) -> None:
        """Let `code` be the reason there."""
        self.codes[where] = code
        self.worths[where] = worths if isinstance(worths, float) else worths[where]


def _given(block: Block, slots: npt.NDArray[np.intp]) -> _Weighed:
    """Return the reason of members with a flow that is given, and of those without."""
    codes = np.full((len(block), len(slots)), "idle", dtype=object)
    for into in block.intos:
        if isinstance(into.expression.constant, Value):
            amounts = into.expression.constant.array
            some = amounts[:, slots] if amounts.shape[1] > 1 else amounts
            codes[np.broadcast_to(np.abs(some) > _NEAR, codes.shape)] = "forecast"
    return _Weighed(codes, np.zeros(codes.shape))


def _weigh_column(
    plan: Plan, column: Column, slots: npt.NDArray[np.intp], weighed: _Weighed
) -> None:
    """Let a column's bound, or that it is used, be the reason where it outweighs the last one."""
    at = column.columns[:, slots]
    amounts, prices = plan.solution.columns[at], plan.solution.reduced[at]
    used = np.abs(amounts) > _NEAR
    full = (amounts >= plan.program.upper[at] - _NEAR) & used
    # A flow at zero is not held there; a store that is empty is.
    low = (amounts <= plan.program.lower[at] + _NEAR) & (used | column.state)
    worth_more = np.maximum(weighed.worths, _WORTH_NAMING)
    held = full & (-prices > worth_more)
    lifted = low & (prices > worth_more) & ~held & bool(column.means_low)
    plain = ~held & ~lifted & ((weighed.codes == "idle") | (weighed.codes == "price"))
    weighed.put(held, column.means or "forecast", -prices)
    weighed.put(lifted, column.means_low, prices)
    if column.state:
        return
    weighed.put(plain & full, column.means or "forecast", 0.0)
    below = amounts < plan.program.upper[at] - _NEAR
    spared = plain & ~full & below & bool(column.spare)
    weighed.put(spared, column.spare, 0.0)
    weighed.put(plain & ~full & ~spared & used, "price", 0.0)


def _weigh_rules(plan: Plan, block: Block, slots: npt.NDArray[np.intp], weighed: _Weighed) -> None:
    """Let an inequality with a higher price outweigh what the columns say."""
    for rows in plan.program.rows:
        rule = rows.name.removeprefix(f"{block.kind}-")
        if rows.name == rule or rows.rule.sense is Sense.EQUAL or rows.numbers.shape[1] == 1:
            continue
        prices = np.abs(plan.solution.duals[rows.numbers[:, slots]])
        weighed.put(prices > np.maximum(weighed.worths, _WORTH_NAMING), rule, prices)
