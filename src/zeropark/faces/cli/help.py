"""Help pages: one layout for all commands, in either language, aligned for Chinese."""

from __future__ import annotations

import shutil
from typing import Any
from unicodedata import east_asian_width

from zeropark.faces.locale import gettext as _

_WIDEST = 100
_GAP = 2
_NO_BREAK = "\u00a0"


class HelpPage:
    """What a command or a group of them needs to write its own help page."""

    def purposes(self) -> list[tuple[str, str]]:
        """Return (name, what it is for) of the commands below this one."""
        return []

    def get_help(self, ctx: Any) -> str:
        """Return the help page as text."""
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        command: Any = self
        params = command.get_params(ctx)
        arguments = [p for p in params if p.param_type_name == "argument"]
        options = [p for p in params if p.param_type_name == "option"]
        pieces = [_given(each) if each.required else f"[{_given(each)}]" for each in arguments]
        usage = [
            ctx.command_path,
            *pieces,
            _("[OPTIONS]"),
            *([_("COMMAND")] if self.purposes() else []),
        ]
        sections = [
            (_("Commands"), self.purposes()),
            (_("Arguments"), [(_given(each), _explained(each)) for each in arguments]),
            (_("Options"), [(_option_name(o), _explained(o)) for o in options]),
        ]
        left = max(cells(name) for _title, rows in sections for name, _help in rows) + _GAP
        lines = [
            _("Usage: {usage}").format(usage=" ".join(usage)),
            "",
            _(command.help) if command.help else "",
        ]
        for title, rows in sections:
            if rows:
                lines += ["", _("{title}:").format(title=title)]
            for name, help_text in rows:
                lines += _row(name, help_text, left, width)
        if command.epilog:
            lines += ["", _("{title}:").format(title=_("Examples"))]
            lines += [f"  {line}" for line in command.epilog.splitlines()]
        return "\n".join(lines)


def _option_name(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag or option.count else f"{names} {_given(option)}"


def _given(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _explained(param: Any) -> str:
    if "--help" in param.opts:
        return _("Show this page and leave.")
    text = _(param.help) if param.help else ""
    default = param.default
    if default in (None, "") or isinstance(default, bool) or callable(default):
        return text
    shown = _("[default: {value}]").format(value=default)
    return f"{text} {shown.replace(' ', _NO_BREAK)}"


def _row(name: str, text: str, left: int, width: int) -> list[str]:
    wrapped = wrap(text, max(width - left - _GAP, 20))
    first = "  " + name + " " * (left - cells(name)) + wrapped[0]
    return [first.rstrip(), *(" " * (left + 2) + line for line in wrapped[1:])]


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes; a Chinese character takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` columns, broken at spaces or wide characters."""
    lines = [""]
    for word in _words(text):
        if lines[-1] and cells(lines[-1]) + cells(word.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += word
    return [line.rstrip().replace(_NO_BREAK, " ") for line in lines]


def _words(text: str) -> list[str]:
    """Split into pieces a line may end after: words with their space, wide characters."""
    pieces: list[str] = []
    for letter in text:
        wide = east_asian_width(letter) in "WF"
        joins = bool(pieces) and not pieces[-1].endswith(" ") and not wide
        # Full-width punctuation stays with what it follows.
        if pieces and (
            letter in "，。；：、）” " or (joins and east_asian_width(pieces[-1][-1]) not in "WF")
        ):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces or [""]
