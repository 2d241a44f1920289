"""Why a set-point is what it is: a code and a sentence, from the prices of a plan's bounds and rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeropark.formulation.plan import Plan
from zeropark.units.text import Text

# A reduced cost below this moves nothing [CNY per unit].
_WORTH_NAMING = 1e-3
# An amount below this is the solver's rounding.
_NOTHING = 1e-9

WORDS: dict[str, Text] = {
    "price": Text("follows the price", "随电价"),
    "rating": Text("at its rated power", "达到额定功率"),
    "cap": Text("at the limit of the tie", "达到联络线上限"),
    "contract": Text("held under the contract", "守住合同需量"),
    "demand": Text("held at the month's highest demand", "守住本月最大需量"),
    "available": Text("all that sun or wind gives", "按可用风光全发"),
    "curtail": Text("less than available: more would be wasted", "限发：再多也用不上"),
    "deadline": Text("must run now to meet its deadline", "须现在运行才能按期完成"),
    "wait": Text("waits for a better price", "等待更低的价格"),
    "energy": Text("store at its limit", "储量到限"),
    "reserve": Text("holds its reserve", "保持备用"),
    "forecast": Text("as the forecast says", "按预测"),
    "idle": Text("nothing to gain now", "此刻无可获益"),
    "hand": Text("set by hand", "人工设定"),
}


@dataclass(frozen=True)
class Reason:
    """A reason's code; `worth` is what one unit more of the binding limit would save [CNY per unit]."""

    asset: str
    code: str
    worth: float

    @property
    def sentence(self) -> Text:
        """The reason in words."""
        words = WORDS.get(self.code, Text(f"limit {self.code} binds", f"受限于 {self.code}"))
        if self.worth < _WORTH_NAMING or self.code in {"price", "idle", "forecast", "wait"}:
            return words
        return Text(
            f"{words.en}; one MWh more would save CNY {self.worth:,.0f}",
            f"{words.zh}；每多 1 MWh 可省 {self.worth:,.0f} 元",
        )


def explain(plan: Plan, step: int = 0) -> list[Reason]:
    """Return one reason per member of every kind for open step `step`."""
    slot = plan.open[step]
    found: list[Reason] = []
    for block in plan.program.blocks.values():
        codes: list[tuple[str, float]] = [("idle", 0.0)] * len(block)
        for column in block.columns:
            if column.state or column.columns.shape[1] == 1 or column.rank is not None:
                continue
            at = column.columns[:, slot]
            amount, reduced = plan.solution.columns[at], plan.solution.reduced[at]
            upper = plan.program.upper[at]
            for i in range(len(block)):
                worth = max(0.0, -float(reduced[i]))
                full = amount[i] > 0 and amount[i] >= upper[i] - 1e-9
                if full and (worth > codes[i][1] or codes[i][0] == "idle"):
                    codes[i] = (column.means or "forecast", worth)
                elif amount[i] > _NOTHING and codes[i][0] == "idle":
                    codes[i] = ("price", 0.0)
        codes = _rules_that_bind(plan, block.kind, int(slot), codes)
        found.extend(Reason(name, *code) for name, code in zip(block.names, codes, strict=True))
    return found


def _rules_that_bind(
    plan: Plan, kind: str, slot: int, codes: list[tuple[str, float]]
) -> list[tuple[str, float]]:
    """Let an inequality with a price outweigh what its columns say."""
    for rows in plan.program.rows:
        rule = rows.name.removeprefix(f"{kind}-")
        if rows.name == rule or rows.rule.sense.value == "==" or rows.numbers.shape[1] == 1:
            continue
        worth = np.abs(plan.solution.duals[rows.numbers[:, slot]])
        for i, value in enumerate(worth.tolist()):
            if value > _WORTH_NAMING and codes[i][0] in {"idle", "price"}:
                codes[i] = (rule, value)
    return codes
