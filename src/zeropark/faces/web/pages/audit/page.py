"""Audit: readings down to their leaf in the log, the proof computed again, and who did what."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from zeropark.faces.report.shown import amount
from zeropark.faces.web.numbers import figure
from zeropark.faces.web.page import Page, View
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = {
    "head": Text("Audit", "审计"),
    "point": Text("Point", "测点"),
    "show": Text("Show", "显示"),
    "no_store": Text(
        "This park posts into no store; start with --store.", "本园区未写入账本；启动时加 --store。"
    ),
    "chain": Text("From the reading to the root", "从读数到根"),
    "chain_caption": Text(
        "computed again for this page; nothing here is taken on trust", "本页重新计算，不凭信任"
    ),
    "reading": Text("1  Reading", "1  读数"),
    "leaf": Text("2  Leaf of the log", "2  日志叶"),
    "way": Text("3  Way up", "3  上溯路径"),
    "hashes": Text("{count} hashes", "{count} 个哈希"),
    "root": Text("4  Root over {leaves} leaves", "4  {leaves} 个叶的根"),
    "proof": Text("5  Proof", "5  证明"),
    "holds": Text("holds", "成立"),
    "broken": Text("does not hold: restore the store from a backup", "不成立：从备份恢复账本"),
    "signed": Text("Signed head", "签名头"),
    "unsigned": Text(
        "none yet: 'zeropark ledger key sign' signs one", "尚无：用“zeropark ledger key sign”签发"
    ),
    "there": Text("there", "已有"),
    "readings": Text("Readings, the newest first", "读数，新的在前"),
    "start": Text("Interval from", "区间起"),
    "value": Text("Energy into the node", "注入节点电量"),
    "kind": Text("How known", "性质"),
    "known": Text("Known at", "入账"),
    "acts": Text("Who did what", "谁做了什么"),
    "acts_caption": Text(
        "in the control room; commands stand in the ledger", "控制室内；指令在账本中"
    ),
    "when": Text("When", "时间"),
    "who": Text("Who", "谁"),
    "act": Text("What", "事项"),
    "person_added": Text("added a person", "新增人员"),
    "person_removed": Text("removed a person", "移除人员"),
    "password_reset": Text("gave a new password", "重置口令"),
    "signed_in": Text("signed in", "登录"),
    "signed_out": Text("signed out", "退出"),
    "sign_in_failed": Text("failed to sign in", "登录失败"),
    "token_given": Text("made a token", "签发令牌"),
    "token_revoked": Text("revoked a token", "撤销令牌"),
    "quality_MEASURED": Text("measured", "实测"),
    "quality_ESTIMATED": Text("estimated", "估计"),
    "quality_SUBSTITUTED": Text("substituted", "替代"),
    "quality_ENTERED": Text("entered", "录入"),
    "quality_SUSPECT": Text("suspect", "可疑"),
    "quality_MISSING": Text("missing", "缺失"),
}
_PER_KWH = 1e6


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    given: dict[str, Any] = {"chain": None, "points": [], "acts": [], "point": ""}
    if view.may("see_people"):
        given["acts"] = [
            (
                dt.datetime.fromtimestamp(at, dt.UTC).isoformat(" ", "seconds")[:19] + "Z",
                who,
                act,
                what,
            )
            for at, who, act, what in view.people.acts()
        ]
    place, run = view.living.place, view.living.ledger_run
    if place is None or run is None:
        return given
    points = [
        f"{asset.name}/{port}"
        for asset in view.living.run.world.assets
        for port, meaning in asset.ports().items()
        if meaning.carrier == "electricity"
    ]
    # Of an earlier run where it is named, else of the present life.
    point = view.query.get("point", points[0])
    if point not in points:
        points = [point, *points]
    # The ledger's libraries take a while to import: only who asks for a proof waits for them.
    from zeropark.faces.web.proofs import chain  # noqa: PLC0415

    found = chain(place, point if "@" in point else f"{point}@{run}")
    rows = [
        {
            "start": view.clock(row.start),
            "value": figure(amount("kWh", _kwh(row.value)), _kwh(row.value), view.language),
            "whole": row.value,
            "quality": f"quality_{row.quality.name}",
            "known": f"{row.known_at}Z",
            "leaf": row.leaf,
        }
        for row in found.rows
    ]
    return {**given, "chain": found, "rows": rows, "points": points, "point": point}


def _kwh(value: int | None) -> float | None:
    """Return whole mWh as kWh; None where there is no value."""
    return None if value is None else value / _PER_KWH


PAGE = Page("audit", Text("Audit", "审计"), WORDS, context, order=8, key="u", verb="prove")
