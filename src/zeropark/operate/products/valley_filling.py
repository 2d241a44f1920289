"""Valley filling: more import for a time, beside the baseline, while the grid has too much."""

from __future__ import annotations

from zeropark.operate.product import Product, Way, beside, by_energy
from zeropark.units.text import Text

PRODUCT = Product(
    key="valley_filling",
    title=Text("Valley filling", "填谷"),
    equation="paid = price · Σ clip(import - baseline, 0, called) · h - penalty · missing",
    source="Load-management form of the park's fact base, section 2 (pay per kWh filled)",
    adds=Text("import ≥ baseline + called", "购电 ≥ 基线 + 调用功率"),
    measured=Text("tie's import against the baseline, by quarter", "并网点购电对基线，按刻钟"),
    settled=Text(
        "price for delivered energy, penalty for missing energy", "按响应电量付费，缺额罚款"
    ),
    ways=(Way.MORE,),
    holds=beside,
    settle=by_energy,
    pays="peak_shaving_pay",
)
