"""Demand response, called at once: up and down."""

from __future__ import annotations

from zeropark.operate.product import Notice, Product, Way, beside, by_energy
from zeropark.units.text import Text

PRODUCT = Product(
    key="emergency_response",
    title=Text("Demand response, emergency", "紧急需求响应"),
    equation="paid = price · Σ clip(±(baseline - import), 0, called) · h - penalty · missing",
    source="Demand-response form of the park's fact base, section 2; no notice",
    adds=Text(
        "import ≤ baseline - called, or ≥ baseline + called",
        "购电 ≤ 基线 - 调用功率，或 ≥ 基线 + 调用功率",
    ),
    measured=Text("tie's import against the baseline, by quarter", "并网点购电对基线，按刻钟"),
    settled=Text(
        "price for delivered energy, penalty for missing energy", "按响应电量付费，缺额罚款"
    ),
    ways=(Way.LESS, Way.MORE),
    notice=Notice(),
    holds=beside,
    settle=by_energy,
    pays="demand_response_pay",
)
