"""Back-up: which copies of the store there are, whether they hold, and how one is restored."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
from zeropark.faces.web.jobs import DONE, OPEN, Job, Jobs
from zeropark.faces.web.page import Form, Page, View
from zeropark.ledger.place import shown
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = {
    "head": Text("Back-up", "备份"),
    "caption": Text(
        "a copy is the store of one moment, made while it is written",
        "副本为某一时刻的账本，写入期间也可制作",
    ),
    "last": Text("Last whole copy", "最近的完整副本"),
    "never": Text("none yet", "尚无"),
    "what": Text("What is in it", "包含内容"),
    "store": Text("Store", "账本"),
    "people": Text("Not in it: people, sessions, tokens", "不含：人员、会话、令牌"),
    "keys": Text("Not in it: keys that sign", "不含：签名密钥"),
    "keys_why": Text("they lie outside the store; keep them apart", "位于账本之外；另行保管"),
    "where": Text("Copies lie in", "副本位于"),
    "same_disk": Text(
        "On the same machine as the store: take each copy to another one.",
        "与账本在同一机器上：将每个副本移至另一台机器。",
    ),
    "make": Text("Make a copy now", "立即备份"),
    "not_yours": Text(
        "Your role sees copies; the operator of the system makes them.",
        "当前角色可查看；由系统管理员备份。",
    ),
    "no_store": Text("No store is connected; there is nothing to copy.", "未连接账本；无可备份。"),
    "restore": Text("To restore", "恢复方法"),
    "restore_1": Text(
        "Stop the control room, then make a store from the copy:", "停止控制室，再由副本恢复账本："
    ),
    "restore_2": Text("Start it on the restored store:", "以恢复的账本启动："),
    "restore_3": Text(
        "The restored store says in its log from which copy it was made.",
        "恢复的账本会在日志中写明来自哪个副本。",
    ),
    "copies": Text("Copies", "副本"),
    "copies_caption": Text("the newest first; none is removed by itself", "新的在前；不会自动移除"),
    "none": Text("No copy has been made here yet.", "尚未在此制作副本。"),
    "when": Text("When", "时间"),
    "by": Text("By", "操作人"),
    "state": Text("State", "状态"),
    "entries": Text("Entries of the log", "日志条数"),
    "size": Text("Size", "大小"),
    "checked": Text("Checked", "核对"),
    "waiting": Text("waiting", "等待"),
    "running": Text("being made", "制作中"),
    "done": Text("whole", "完整"),
    "cancelled": Text("cancelled", "已取消"),
    "failed": Text("refused", "被拒绝"),
    "interrupted": Text("cut off: the control room was stopped", "中断：控制室停止"),
    "check": Text("Check", "核对"),
    "checking": Text("being checked", "核对中"),
    "holds": Text("holds, {at}", "完好，{at}"),
    "broken": Text("does not hold: {said}", "不完好：{said}"),
    "unchecked": Text("not yet", "尚未"),
    "remove": Text("Remove", "移除"),
    "cancel": Text("Cancel", "取消"),
}
ACTS = {
    "backup_asked": Text("made a copy of the store", "制作账本副本"),
    "backup_checked": Text("had a copy checked", "核对副本"),
    "backup_removed": Text("removed a copy", "移除副本"),
    "backup_cancelled": Text("cancelled a copy", "取消副本"),
}
_MAY_NOT = Text(
    "Your role makes no copy; the operator of the system does. Nothing was done.",
    "当前角色不可备份；由系统管理员操作。未执行。",
)
_NO_COPY = Text("this copy is not whole, so there is nothing to check", "此副本不完整，无可核对")
# A copy is never forgotten by itself.
_ALL = 1_000_000
_MB = 1e6


def context(view: View, said: str = "") -> Mapping[str, Any]:
    """Return what the page shows. said: what was refused."""
    jobs, place = _jobs(view), view.living.place
    every = jobs.all()
    checks: dict[str, Job] = {}
    for job in reversed(every):
        if job.asked["act"] == "check":
            checks[job.asked["copy"]] = job
    copies = [_shown(view, jobs, job, checks) for job in every if job.asked["act"] == "copy"]
    whole = [copy for copy in copies if copy["state"] == DONE]
    example = str(jobs.place(whole[0]["id"]) / "copy") if whole else str(jobs.folder / "…" / "copy")
    return {
        "store": None if place is None else shown(place),
        "people": str(view.people.path),
        "folder": str(jobs.folder),
        "last": whole[0]["at"] if whole else None,
        "copies": copies,
        "example": example,
        "may": view.may("back_up"),
        "said": said,
    }


def _jobs(view: View) -> Jobs:
    jobs: Jobs = view.kept["backup"]
    return jobs


def _shown(view: View, jobs: Jobs, job: Job, checks: Mapping[str, Job]) -> dict[str, Any]:
    """Return a copy as a row of the list."""
    check = checks.get(job.id)
    verdict = ""
    if check is None:
        verdict = view.say(WORDS["unchecked"])
    elif check.state in OPEN:
        verdict = view.say(WORDS["checking"])
    elif check.state == DONE:
        verdict = view.say(WORDS["holds"].format(at=_moment(check.at)))
    else:
        said = check.said or "; ".join(_answer(jobs, check).get("faults", [])[:1])
        verdict = view.say(WORDS["broken"].format(said=said or check.state))
    copy = jobs.place(job.id) / "copy"
    return {
        "id": job.id, "at": _moment(job.at), "by": job.by, "state": job.state,
        "open": job.state in OPEN, "checking": check is not None and check.state in OPEN,
        "said": job.said if job.state not in {DONE, *OPEN} else "",
        "entries": _answer(jobs, job).get("size") if job.state == DONE else None,
        "mb": f"{_bytes(copy) / _MB:,.1f} MB" if job.state == DONE else "",
        "verdict": verdict if job.state == DONE else "",
    }  # fmt: skip


def _answer(jobs: Jobs, job: Job) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(jobs.answer(job.id).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(" ", "minutes")[:16] + "Z"


# -- what forms do ---------------------------------------------------------------------------------


def _make(view: View, form: Form) -> str | Mapping[str, Any]:
    del form
    place = view.living.place
    if place is None:
        return context(view, view.say(WORDS["no_store"]))
    # An address may hold a password: it is told where no list of processes shows it.
    given = {"ZEROPARK_STORE": str(place.absolute() if isinstance(place, Path) else place)}
    return _asked(
        view, {"act": "copy"}, "backup_asked",
        lambda folder: ["ledger", "backup", str(folder / "copy"), "--json"], given,
    )  # fmt: skip


def _check(view: View, form: Form) -> str | Mapping[str, Any]:
    jobs, id_ = _jobs(view), form.get("id", "")
    try:
        job = jobs.one(id_)
    except DataError as error:
        return context(view, view.say(error.text))
    if job.state != DONE or job.asked["act"] != "copy":
        return context(view, view.say(_NO_COPY))
    copy = jobs.place(job.id) / "copy"
    return _asked(
        view, {"act": "check", "copy": job.id}, "backup_checked",
        lambda _folder: ["ledger", "verify", "--store", str(copy), "--json"], {},
    )  # fmt: skip


def _asked(
    view: View, asked: Mapping[str, str], act: str, words: Any, given: Mapping[str, str]
) -> str | Mapping[str, Any]:
    me = view.session.person.name
    try:
        _must(view)
        job = _jobs(view).ask(asked, words, me, view.language, given)
    except DataError as error:
        return context(view, view.say(error.text))
    view.people.did(me, act, asked.get("copy", job.id))
    return "/backup"


def _end(view: View, form: Form, act: str) -> str | Mapping[str, Any]:
    jobs, id_ = _jobs(view), form.get("id", "")
    try:
        _must(view)
        if act == "backup_cancelled":
            jobs.cancel(id_)
        else:
            jobs.remove(id_)
    except DataError as error:
        return context(view, view.say(error.text))
    view.people.did(view.session.person.name, act, id_)
    return "/backup"


def _must(view: View) -> None:
    if not view.may("back_up"):
        raise DataError("backup_role", _MAY_NOT)


PAGE = Page(
    "backup", Text("Back-up", "备份"), WORDS, context, order=12, key="b",
    verb="see_people", live=False,
    keeper=lambda folder: Jobs(folder, most_kept=_ALL), acts=ACTS,
    posts={
        "make": _make,
        "check": _check,
        "cancel": lambda view, form: _end(view, form, "backup_cancelled"),
        "remove": lambda view, form: _end(view, form, "backup_removed"),
    },
)  # fmt: skip
