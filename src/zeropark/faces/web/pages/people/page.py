"""People: who may sign in and as what, and the tokens of programs."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
from zeropark.faces.web.bound import Bounds
from zeropark.faces.web.commands import numbers
from zeropark.faces.web.granting import Granting
from zeropark.faces.web.page import Form, Page, View
from zeropark.faces.web.people import LONGEST, SCOPES, SHORTEST, TOKEN_DAYS
from zeropark.faces.web.roles import ROLES
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = {
    "head": Text("People", "人员"),
    "name": Text("Name", "用户名"),
    "role": Text("Role", "角色"),
    "party": Text("Party", "主体"),
    "password": Text("Password, {low} to {high} letters", "口令，{low} 至 {high} 个字符"),
    "add": Text("Add a person", "新增人员"),
    "remove": Text("Remove", "移除"),
    "yourself": Text(
        "Nobody removes himself; another operator of the system does.",
        "不能移除自己；由另一系统管理员移除。",
    ),
    "no_party": Text("none", "无"),
    "tokens": Text("Tokens of programs", "程序令牌"),
    "tokens_caption": Text(
        "no wider than their owner's role; kept hashed, shown once",
        "权限不超过所有者角色；仅存哈希，只显示一次",
    ),
    "label": Text("What for", "用途"),
    "scopes": Text("May", "权限"),
    "days": Text("Days, 1 to {most}", "天数，1 至 {most}"),
    "ends": Text("Until", "有效至"),
    "used": Text("Last used", "上次使用"),
    "never": Text("never", "从未"),
    "owner": Text("Owner", "所有者"),
    "give": Text("Make a token", "签发令牌"),
    "revoke": Text("Revoke", "撤销"),
    "once": Text("The token, shown this once: ", "令牌，仅此一次显示："),
    "read": Text("read", "读"),
    "try": Text("try a plan", "试算"),
    "metrics": Text("metrics", "运行指标"),
    "command": Text("command", "下达指令"),
    "change": Text("Change", "更改"),
    "asked": Text(
        "{name} asked for the role {role}; it holds from {ends} unless it is refused",
        "{name} 申请角色“{role}”；如未拒绝，{ends} 起生效",
    ),
    "grant": Text("Grant", "授予"),
    "refuse": Text("Refuse", "拒绝"),
    "bound_to": Text("A token that commands is bound to", "可下达指令的令牌绑定"),
    "bound_why": Text(
        "and waits for its owner's grant on the page Me: who makes it is not who grants it",
        "并待所有者在“我”页授予：制作者与授予者须为两人",
    ),
    "assets": Text("assets, by comma", "资产，逗号分隔"),
    "low_kw": Text("from, kW", "自，kW"),
    "high_kw": Text("to, kW", "至，kW"),
    "address": Text("address it comes from", "来源地址"),
    "waits": Text("waits for the owner's grant", "待所有者授予"),
    "granted": Text("granted by {name}", "{name} 已授予"),
}

_DIGITS = 5


def context(
    view: View, said: str = "", secret: str = "", given: Form | None = None
) -> Mapping[str, Any]:
    """Return what the page shows. said: what was refused. secret: of a token just made."""
    return {
        "people": view.people.all(),
        "roles": {name: view.say(label) for name, label in ROLES.items()},
        "parties": [party.name for party in view.park.parties],
        "tokens": [
            {"id": each.id, "owner": each.person.name, "label": each.label,
             "scopes": sorted(each.scopes), "ends": _moment(each.ends),
             "used": None if each.used is None else _moment(each.used)}
            for each in view.people.tokens()
        ],
        "waiting": [
            {"name": each.name, "role": view.say(ROLES[each.role]), "ends": _moment(each.ends)}
            for each in Granting(view.people).waiting()
        ],
        "bounds": {each.id: each for each in Bounds(view.people).all()},
        "scopes": SCOPES,
        "limits": (SHORTEST, LONGEST, TOKEN_DAYS),
        "said": said,
        "secret": secret,
        "given": given or {},
        "change": view.may("change_people"),
    }  # fmt: skip


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(" ", "minutes")[:16] + "Z"


def _add(view: View, form: Form) -> str | Mapping[str, Any]:
    parties = tuple(party.name for party in view.park.parties)
    me = view.session.person.name
    try:
        _must_change(view)
        view.people.add(
            form.get("name", ""), form.get("password", ""), form.get("role", ""), me,
            form.get("party") or None, parties,
        )  # fmt: skip
    except DataError as error:
        kept = {name: value for name, value in form.items() if name != "password"}
        return context(view, view.say(error.text), given=kept)
    return "/people"


def _role(view: View, form: Form) -> str | Mapping[str, Any]:
    parties = tuple(party.name for party in view.park.parties)
    name, role = form.get("name", ""), form.get("role", "")
    try:
        _must_change(view)
        Granting(view.people).change(
            name, role, view.session.person.name, form.get("party") or None, parties
        )
    except DataError as error:
        return context(view, view.say(error.text), given=form)
    view.living.post("people", {"act": "role", "name": name, "role": role})
    return "/people"


def _decide(view: View, form: Form) -> str | Mapping[str, Any]:
    granting, me, name = Granting(view.people), view.session.person.name, form.get("name", "")
    try:
        _must_change(view)
        if form.get("grant"):
            granting.grant(name, me)
        else:
            granting.refuse(name, me)
    except DataError as error:
        return context(view, view.say(error.text))
    return "/people"


def _remove(view: View, form: Form) -> str | Mapping[str, Any]:
    me, name = view.session.person.name, form.get("name", "")
    try:
        _must_change(view)
    except DataError as error:
        return context(view, view.say(error.text))
    if name == me:
        return context(view, view.say(WORDS["yourself"]))
    view.people.remove(name, me)
    return "/people"


def _give(view: View, form: Form) -> str | Mapping[str, Any]:
    days = form.get("days", "")
    scopes = tuple(scope for scope in SCOPES if form.get(f"scope_{scope}"))
    try:
        _must_change(view)
        number = int(days) if days.isascii() and days.isdecimal() and len(days) <= _DIGITS else 0
        secret = _made(view, form, scopes, number)
    except DataError as error:
        return context(view, view.say(error.text), given=form)
    return context(view, secret=secret)


def _made(view: View, form: Form, scopes: tuple[str, ...], days: int) -> str:
    """Return the secret of a new token; one that commands is bound before it is made."""
    me, name = view.session.person, form.get("owner") or view.session.person.name
    owner = next((each for each in view.people.all() if each.name == name), None)
    if owner is None or (owner.name != me.name and "command" not in scopes):
        raise DataError("token_owner", _OWNER)
    if "command" not in scopes:
        return view.people.give_token(owner, form.get("label", ""), scopes, days)[0]
    bounds, found = Bounds(view.people), numbers(form)
    assets = tuple(part.strip() for part in form.get("assets", "").split(",") if part.strip())
    low, high = found.get("low", math.nan), found.get("high", math.nan)
    known = [asset.name for asset in view.living.run.world.assets]
    address = form.get("address", "").strip()
    bounds.check(assets, low, high, address, known)
    if owner.name == me.name:
        raise DataError("bound_own", _OWNER)
    secret, token = view.people.give_token(owner, form.get("label", ""), scopes, days)
    bounds.bind(token, assets, low, high, address, me.name, known)
    return secret


def _revoke(view: View, form: Form) -> str | Mapping[str, Any]:
    try:
        _must_change(view)
    except DataError as error:
        return context(view, view.say(error.text))
    view.people.revoke(form.get("id", ""), view.session.person.name)
    return "/people"


_OWNER = Text(
    "a token that commands is made for somebody else, who grants it; any other is one's own",
    "可下达指令的令牌为他人制作并由其授予；其他令牌归自己",
)
_MAY_NOT = Text(
    "Your role sees people and changes none; the operator of the system does.",
    "当前角色只能查看人员；由系统管理员更改。",
)


def _must_change(view: View) -> None:
    if not view.may("change_people"):
        raise DataError("people_role", _MAY_NOT)


PAGE = Page(
    "people", Text("People", "人员"), WORDS, context, order=9, key="e", verb="see_people",
    live=False,
    posts={"add": _add, "remove": _remove, "token": _give, "revoke": _revoke,
           "role": _role, "decide": _decide},
    acts={"role_asked": Text("asked for a role that commands", "申请可下达指令的角色"),
          "role_changed": Text("changed a role", "更改角色"),
          "role_refused": Text("refused a role", "拒绝角色")},
)  # fmt: skip
