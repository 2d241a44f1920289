"""People: who may sign in and as what, and the tokens of programs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
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
        secret, _ = view.people.give_token(
            view.session.person, form.get("label", ""), scopes, number
        )
    except DataError as error:
        return context(view, view.say(error.text), given=form)
    return context(view, secret=secret)


def _revoke(view: View, form: Form) -> str | Mapping[str, Any]:
    try:
        _must_change(view)
    except DataError as error:
        return context(view, view.say(error.text))
    view.people.revoke(form.get("id", ""), view.session.person.name)
    return "/people"


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
    posts={"add": _add, "remove": _remove, "token": _give, "revoke": _revoke},
)  # fmt: skip
