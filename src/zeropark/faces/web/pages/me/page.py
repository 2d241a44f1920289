"""Me: who one is here, and the second factor that commands which widen ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
from zeropark.faces.web import totp
from zeropark.faces.web.bound import Bound, Bounds
from zeropark.faces.web.factors import RECOVERY, Factors
from zeropark.faces.web.page import Form, Page, View
from zeropark.faces.web.roles import ROLES
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = {
    "head": Text("Me", "我"),
    "name": Text("Name", "用户名"),
    "role": Text("Role", "角色"),
    "factor": Text("Second factor", "双重验证"),
    "there": Text(
        "Set up. It is good for 15 min at the desk where it was shown; {left} of {all} recovery "
        "codes are left.",
        "已设置。验证后本席位 15 min 内有效；恢复码剩 {left}/{all} 个。",
    ),
    "forgotten": Text(
        "Lost it: 'zeropark user reset' on the machine.", "遗失时在本机用 zeropark user reset。"
    ),
    "none": Text(
        "Not set up yet. Commands that widen, give back to the plan or raise a set-point ask for "
        "it; to stop never does.",
        "尚未设置。放宽、恢复自动或提高定值须双重验证；急停不需要。",
    ),
    "begin": Text("Set up an authenticator", "设置验证器"),
    "type_it": Text(
        "Type this secret into an authenticator (TOTP, six digits, 30 s), then its code here.",
        "在验证器中输入此密钥（TOTP，六位，30 s），再在此输入动态码。",
    ),
    "tokens": Text("Tokens that would command in your name", "将以你的名义下达指令的令牌"),
    "tokens_why": Text(
        "Made by another; they command nothing until you grant them.",
        "由他人制作；授予前不能下达任何指令。",
    ),
    "grant": Text("Grant", "授予"),
    "first_code": Text("Its code", "动态码"),
    "confirm": Text("Take it", "确认"),
    "codes": Text(
        "Recovery codes, shown this once, each good once. Keep them on paper.",
        "恢复码，仅此一次显示，每个用一次；抄在纸上保存。",
    ),
}


def context(view: View, said: str = "", codes: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Return what the page shows. said: what was refused. codes: of a factor just set."""
    person, factors = view.session.person, Factors(view.people)
    secret = factors.begun(person.name)
    return {
        "person": person,
        "role": view.say(ROLES[person.role]),
        "has": factors.has(person.name),
        "left": factors.left(person.name),
        "all": RECOVERY,
        "secret": None if secret is None else totp.shown(secret),
        "address": None if secret is None else totp.address(secret, person.name),
        "tokens": _waiting(view),
        "said": said,
        "codes": codes,
    }


def _waiting(view: View) -> list[Bound]:
    mine = {t.id for t in view.people.tokens() if t.person.name == view.session.person.name}
    return [b for b in Bounds(view.people).all() if b.id in mine and b.granted_by is None]


def _grant(view: View, form: Form) -> str | Mapping[str, Any]:
    name = view.session.person.name
    try:
        Factors(view.people).show(view.session.csrf, name, form.get("code", ""))
        Bounds(view.people).grant(form.get("id", "")[:20], name)
    except DataError as error:
        return context(view, view.say(error.text))
    return "/me"


def _begin(view: View, form: Form) -> str | Mapping[str, Any]:
    del form
    try:
        Factors(view.people).begin(view.session.person.name)
    except DataError as error:
        return context(view, view.say(error.text))
    return "/me"


def _confirm(view: View, form: Form) -> str | Mapping[str, Any]:
    name, code = view.session.person.name, form.get("code", "").replace(" ", "")
    try:
        codes = Factors(view.people).confirm(name, code)
    except DataError as error:
        return context(view, view.say(error.text))
    return context(view, codes=tuple(codes))


PAGE = Page(
    "me", Text("Me", "我"), WORDS, context, order=90, key="i", verb="see_own", live=False,
    posts={"begin": _begin, "confirm": _confirm, "grant": _grant},
    acts={"factor_set": Text("set up a second factor", "设置双重验证"),
          "factor_shown": Text("showed a second factor", "通过双重验证"),
          "factor_failed": Text("failed at the second factor", "双重验证失败"),
          "token_granted": Text("granted a token", "授予令牌"),
          "commanded": Text("commanded", "下达指令")},
)  # fmt: skip
