"""Who may ask for what: actors, roles and channels, and one table of role, verb and object.

A command carries all three. Signing in is for whoever lets people in; what a role may do is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from zeropark.data.errors import DataError
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

ActorKind = Literal["person", "token", "peer", "os_user"]
ACTORS: Mapping[str, Text] = {
    "person": Text("person who signed in", "已登录人员"),
    "token": Text("program with a token", "持令牌程序"),
    "peer": Text("other end of a protocol", "协议对端"),
    "os_user": Text("user of this machine's command line", "本机命令行用户"),
}
CHANNELS: Mapping[str, Text] = {
    "local": Text("local socket", "本机套接字"),
    "web": Text("control room", "控制室"),
    "api": Text("HTTP API", "HTTP 接口"),
    "protocol": Text("field protocol", "现场协议"),
}
ROLES: Mapping[str, Text] = {
    "leadership": Text("leadership", "领导"),
    "dispatcher": Text("dispatcher", "调度员"),
    "party": Text("party of the park", "园区企业"),
    "specialist": Text("specialist", "专业工程师"),
    "auditor": Text("auditor", "审计员"),
    "system": Text("operator of the system", "系统运维"),
}
VERBS: Mapping[str, Text] = {
    "stop": Text("stop the park", "全园急停"),
    "resume": Text("end a stop", "解除急停"),
    "hold": Text("set a device by hand", "人工设定"),
    "auto": Text("give a device back to the plan", "恢复自动"),
    "lock": Text("lock a device for maintenance", "检修闭锁"),
    "unlock": Text("end a lock", "解除闭锁"),
    "limit": Text("limit a flow as the grid operator asks", "执行电网限值"),
    "unlimit": Text("end such a limit", "解除电网限值"),
    "call": Text("take on a call of the grid", "接受电网调用"),
    "rest": Text("lead a device to its safe value", "转入安全值"),
    "explain": Text("say why a stop was asked for", "补写理由"),
    "acknowledge": Text("acknowledge an alarm", "确认告警"),
    "shelve": Text("shelve an alarm", "搁置告警"),
    "replan": Text("make a new plan now", "立即重新计划"),
    "try": Text("try another plan", "试算"),
    "prove": Text("follow a reading to its proof", "核对证明"),
    "change": Text("change", "更改"),
    "enter": Text("write an entry", "写入条目"),
    "hand_over": Text("hand over a shift", "交接班"),
    "back_up": Text("make a copy of the store", "备份账本"),
    "see": Text("see", "查看"),
    "calls": Text("see the calls", "查看调用"),
}
OBJECTS: Mapping[str, Text] = {
    "park": Text("the park", "园区"),
    "asset": Text("an asset", "资产"),
    "own": Text("an asset of one's own party", "本企业资产"),
    "alarm": Text("an alarm", "告警"),
    "order": Text("a command given before", "先前的命令"),
    "people": Text("people and their tokens", "人员与令牌"),
}
# What only takes away from what devices may do: carried out even where it cannot be recorded.
NARROWING = frozenset({"stop", "rest", "lock", "limit"})
# What one deliberate confirmation is enough for; its reason may follow.
AT_ONCE = frozenset({"stop", "rest", "lock"})
# What widens, gives back to the plan or raises: from a desk or a program it takes a second factor.
WIDENING = frozenset({"resume", "hold", "auto", "unlock", "limit", "unlimit", "call"})

_ALL = frozenset(ROLES)
_RUNS = frozenset({"dispatcher", "specialist"})
TABLE: Mapping[tuple[str, str], frozenset[str]] = {
    # Whoever sees danger may stop the park; only who runs it may start it again.
    ("stop", "park"): _ALL,
    ("resume", "park"): frozenset({"dispatcher"}),
    ("hold", "asset"): _RUNS,
    ("auto", "asset"): _RUNS,
    ("lock", "asset"): _RUNS | {"system"},
    ("unlock", "asset"): _RUNS | {"system"},
    ("rest", "asset"): _RUNS | {"system"},
    ("rest", "own"): _RUNS | {"system", "party"},
    ("explain", "order"): _ALL,
    ("hold", "own"): _RUNS | {"party"},
    ("auto", "own"): _RUNS | {"party"},
    ("lock", "own"): _RUNS | {"system", "party"},
    ("unlock", "own"): _RUNS | {"system", "party"},
    ("limit", "asset"): frozenset({"dispatcher"}),
    ("unlimit", "asset"): frozenset({"dispatcher"}),
    ("call", "park"): frozenset({"dispatcher", "leadership"}),
    ("acknowledge", "alarm"): _RUNS | {"system"},
    ("shelve", "alarm"): _RUNS,
    ("replan", "park"): _RUNS,
    ("calls", "park"): _ALL,
    ("enter", "park"): frozenset({"dispatcher", "specialist", "system"}),
    ("hand_over", "park"): _RUNS,
    ("back_up", "park"): frozenset({"system"}),
    ("try", "park"): frozenset({"leadership", "dispatcher", "specialist"}),
    ("prove", "park"): _ALL - {"party"},
    ("see", "people"): frozenset({"auditor", "system"}),
    ("change", "people"): frozenset({"system"}),
    # A party sees its own and nothing else.
    ("see", "park"): _ALL - {"party"},
    ("see", "asset"): _ALL - {"party"},
    ("see", "own"): _ALL,
    ("see", "alarm"): _ALL,
}

_NO_ROLE = Text(
    "{verb}: the command carries no role; say one of {allowed}",
    "{verb}：命令没有角色；写明 {allowed}",
)
_UNKNOWN = Text(
    "{what} '{given}' is not known{meant} Allowed: {allowed}",
    "不认识{what_zh}“{given}”{meant}可用：{allowed}",
)
_NOT_ALLOWED = Text(
    "{role} may not {verb} ({object}); allowed for: {allowed}",
    "{role_zh}不得{verb_zh}（{object_zh}）；可由：{allowed_zh}",
)
_NOBODY = Text(
    "{verb}: the command says no name of who asks; give the actor a name",
    "{verb}：命令没有写明申请人；给出姓名",
)


@dataclass(frozen=True)
class Actor:
    """Who asks. kind: of `ACTORS`. name: told in the ledger. role: of `ROLES`. party: whose."""

    kind: str
    name: str
    role: str
    channel: str
    party: str = ""

    def as_entry(self) -> dict[str, str]:
        """Return the actor as it stands in the ledger."""
        return {
            "actor": self.kind,
            "name": self.name,
            "role": self.role,
            "channel": self.channel,
            "party": self.party,
        }


def must_be_allowed(actor: Actor, verb: str, on: str) -> None:
    """Raise `DataError` in a sentence unless this actor may do `verb` on an object of kind `on`."""
    _known("verb", "动作", verb, VERBS)
    if not actor.role:
        raise DataError("role_absent", _NO_ROLE.format(verb=verb, allowed=", ".join(ROLES)))
    if not actor.name:
        raise DataError("actor_absent", _NOBODY.format(verb=verb))
    _known("role", "角色", actor.role, ROLES)
    _known("kind of actor", "申请人类型", actor.kind, ACTORS)
    _known("channel", "通道", actor.channel, CHANNELS)
    _known("object", "对象", on, OBJECTS)
    roles = TABLE.get((verb, on), frozenset())
    if actor.role not in roles:
        allowed = [role for role in ROLES if role in roles]
        zh = "、".join(ROLES[role].zh for role in allowed) or "无"
        en, own = ", ".join(allowed) or "nobody", ROLES[actor.role]
        text = Text(
            _NOT_ALLOWED.en.format(
                role=own.en, verb=VERBS[verb].en, object=OBJECTS[on].en, allowed=en
            ),
            _NOT_ALLOWED.zh.format(
                role_zh=own.zh, verb_zh=VERBS[verb].zh, object_zh=OBJECTS[on].zh, allowed_zh=zh
            ),
        )
        raise DataError("not_allowed", text)


def _known(what: str, what_zh: str, given: str, allowed: Mapping[str, Text]) -> None:
    if given not in allowed:
        text = with_meant(
            _UNKNOWN,
            meant(given, allowed),
            what=what,
            what_zh=what_zh,
            given=given,
            allowed=", ".join(allowed),
        )
        raise DataError(f"{what.replace(' ', '_')}_unknown", text)
