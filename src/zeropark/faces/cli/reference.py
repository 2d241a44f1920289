"""The reference page of all commands, made from the commands themselves, in both languages.

`python -m zeropark.faces.cli.reference` prints it.
"""

from __future__ import annotations

from typing import Any

from zeropark.faces.cli.command import Command
from zeropark.faces.cli.door import COMMANDS, built
from zeropark.faces.locale import catalogue

_HEAD = """# Commands

Every command has `--help`; `ZEROPARK_LANG=zh` or `ZEROPARK_LANG=en` chooses the language, otherwise
the shell's own does. Exit codes: 0 done, 1 the answer is no, 2 the input is wrong, 3 our fault (a
sentence names the file with the trace). This page is made from the commands by
`python -m zeropark.faces.cli.reference`; a test fails where it differs.
"""


def commands_page() -> str:
    """Return the page as Markdown: each command with its words, in English and Chinese."""
    return "\n".join([_HEAD, *(part for name, c in COMMANDS.items() for part in _parts(name, c))])


def _parts(name: str, known: Command) -> list[str]:
    """Return the section of a command, or those of all commands of a group."""
    if not known.below:
        return [_section(name, known)]
    below = known.below.items()
    return [part for verb, each in below for part in _parts(f"{name} {verb}", each)]


def _section(name: str, known: Command) -> str:
    purpose = known.purpose
    command = built(name, known)
    rows = [_row(param) for param in command.params if "--help" not in param.opts]
    return "\n".join(
        [
            f"## zeropark {name}",
            "",
            f"{purpose} {_chinese(purpose)}",
            "",
            "| word | meaning | 含义 | default |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _row(param: Any) -> str:
    option = param.param_type_name == "option"
    value = "" if option and param.is_flag else str(param.metavar or param.name.upper())
    words = f"{', '.join(param.opts)} {value}".strip() if option else value
    shown = "" if isinstance(param.default, bool) or param.default is None else f"`{param.default}`"
    cells = [f"`{words}`", param.help or "", _chinese(param.help or ""), shown]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _chinese(message: str) -> str:
    return catalogue("zh").gettext(message) if message else ""


if __name__ == "__main__":
    print(commands_page(), end="")  # noqa: T201 - the answer of a command
