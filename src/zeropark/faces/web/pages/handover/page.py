"""Hand-over: what stands open, what the leaving shift says, and that the coming one took it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
from zeropark.faces.web.page import Form, Page, View
from zeropark.faces.web.pages.handover.book import LONGEST, Note, leave, notes, take
from zeropark.faces.web.standing import standing
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORDS = {
    "head": Text("Hand-over", "交接班"),
    "caption": Text("posted into the ledger; nothing is rewritten", "记入账本，不改写"),
    "open": Text("In force now", "当前生效"),
    "open_caption": Text(
        "alarms, hand controls, lock-outs, limits, and shelves with their end",
        "告警、人工控制、检修闭锁、限值，及搁置与其结束时间",
    ),
    "nothing": Text("Nothing is open.", "无未结事项。"),
    "no_service": Text(
        "No field service is connected: there is no hand control, lock-out or shelf to hand over.",
        "未连接现场服务：没有人工控制、闭锁或搁置可交接。",
    ),
    "sort": Text("Sort", "类别"),
    "on": Text("What", "对象"),
    "said": Text("State", "状态"),
    "until": Text("Until", "截止"),
    "leave": Text("Leave the shift", "交班"),
    "note": Text("What the next shift must know", "下一班须知"),
    "note_why": Text(
        "What is in force now is posted with it, at most {most} letters.",
        "同时记录当前生效事项；至多 {most} 个字符。",
    ),
    "hand": Text("Hand over", "交班"),
    "take": Text("Take over", "接班"),
    "waits": Text("Waits to be taken", "等待接班"),
    "none_waits": Text("No note waits to be taken.", "没有待接收的记录。"),
    "own": Text("You wrote it; the coming shift takes it.", "由本人填写；由接班人接收。"),
    "then": Text("In force when it was written", "填写时生效"),
    "earlier": Text("Earlier", "以往"),
    "none": Text("No shift has been handed over yet.", "尚无交接班记录。"),
    "when": Text("Left", "交班时间"),
    "by": Text("By", "交班人"),
    "words": Text("Note", "记录"),
    "became": Text("Became", "结果"),
    "taken": Text("taken by {by}, {at}", "{by} 接班，{at}"),
    "replaced": Text("replaced by a later note", "被后续记录替代"),
    "waiting": Text("waits", "待接"),
    "no_store": Text("No ledger is connected, so nothing can be posted.", "未连接账本，无法入账。"),
    "not_yours": Text(
        "Your role sees hand-overs; dispatchers and specialists make them.",
        "当前角色可查看；由调度员与专业人员交接。",
    ),
}
ACTS = {
    "shift_left": Text("handed the shift over", "交班"),
    "shift_taken": Text("took the shift over", "接班"),
}
_MAY_NOT = Text(
    "Your role hands over no shift; dispatchers and specialists do. Nothing was done.",
    "当前角色不可交接班；由调度员与专业人员交接。未执行。",
)


def context(view: View, said: str = "", given: Form | None = None) -> Mapping[str, Any]:
    """Return what the page shows. said: what was refused. given: what the form said."""
    open_now, told = standing(view)
    place = view.living.place
    kept = [] if place is None else [_shown(view, note) for note in notes(place)]
    return {
        "store": place is not None,
        "told": told,
        "open_items": [[view.say(part) for part in _parts(each)] for each in open_now],
        "waits": next((note for note in kept if note["state"] == "open"), None),
        "earlier": [note for note in kept if note["state"] != "open"],
        "me": view.session.person.name,
        "may": view.may("hand_over"),
        "most": LONGEST,
        "said": said,
        "given": given or {},
    }


def _parts(each: Any) -> tuple[Text, Text, Text, Text]:
    return each.kind, each.on, each.said, each.until


def _shown(view: View, note: Note) -> dict[str, Any]:
    taken = "" if note.taken_at is None else _moment(note.taken_at)
    return {
        "id": note.id, "by": note.by, "at": _moment(note.at), "words": note.words,
        "items": [view.say(each) for each in note.open_items], "state": note.state,
        "taken_by": note.taken_by, "taken_at": taken,
    }  # fmt: skip


def _moment(at: Any) -> str:
    return f"{str(at)[:16].replace('T', ' ')}Z"


def _done(view: View, form: Form, act: str, work: Callable[[str], None]) -> str | Mapping[str, Any]:
    if not view.may("hand_over"):
        return context(view, view.say(_MAY_NOT), form)
    me = view.session.person.name
    try:
        work(me)
    except DataError as error:
        return context(view, view.say(error.text), form)
    view.people.did(me, act, "")
    return "/handover"


def _leave(view: View, form: Form) -> str | Mapping[str, Any]:
    items = tuple(each.words for each in standing(view)[0])
    words = form.get("words", "").replace("\r\n", "\n")
    return _done(view, form, "shift_left", lambda me: leave(view.living, me, words, items))


def _take(view: View, form: Form) -> str | Mapping[str, Any]:
    note = form.get("note", "")
    return _done(view, form, "shift_taken", lambda me: take(view.living, me, note))


PAGE = Page(
    "handover", Text("Hand-over", "交接班"), WORDS, context, order=11, key="o", live=False,
    acts=ACTS, posts={"leave": _leave, "take": _take},
)  # fmt: skip
