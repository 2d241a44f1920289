"""The door: which commands there are, how they are found, helped with and answered."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import FrameType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from zeropark.faces.cli.command import Command
from zeropark.faces.cli.device import DEVICE
from zeropark.faces.cli.grid import GRID
from zeropark.faces.cli.help import HelpPage
from zeropark.faces.cli.ledger import LEDGER
from zeropark.faces.cli.refused import (
    DONE,
    OUR_FAULT,
    WRONG_INPUT,
    Refused,
    did_you_mean,
    our_fault,
    say,
)
from zeropark.faces.cli.site import SITE
from zeropark.faces.cli.user import USER
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

COMMANDS = {
    "init": Command("zeropark.faces.cli.init", "init", N_("Copy an example park to start from.")),
    "check": Command(
        "zeropark.faces.cli.check", "check", N_("Show all mistakes of a park file at once.")
    ),
    "plan": Command(
        "zeropark.faces.cli.plan", "plan", N_("Plan the days ahead: set-points, prices, reasons.")
    ),
    "run": Command(
        "zeropark.faces.cli.run",
        "run",
        N_("Run a park in closed loop on the simulated plant, and compare."),
    ),
    "site": Command("", "", N_("A simulated site, to try operation without a park."), SITE),
    "user": Command("", "", N_("The people of the control room, on its own machine."), USER),
    "device": Command("", "", N_("The devices a park is reached by, and their templates."), DEVICE),
    "operate": Command(
        "zeropark.faces.cli.operate",
        "operate",
        N_("Operate a park in the field, second by second."),
        examples=("zeropark operate microgrid --simulated --speed 60 --for 2h",),
    ),
    "command": Command(
        "zeropark.faces.cli.command_park",
        "command",
        N_("Command the park that operate runs: stop, hold, auto, lock."),
        examples=(
            'zeropark command stop --why "smoke in hall 2"',
            'zeropark command hold battery --value "500 kW" --why "trial run"',
            "zeropark command see",
        ),
    ),
    "alarms": Command(
        "zeropark.faces.cli.alarms",
        "alarms",
        N_("How alarms stand and what they ask; acknowledge or shelve one."),
        examples=(
            "zeropark alarms --last 24h",
            'zeropark alarms --shelve not_following:bat --why "at work" --role dispatcher',
        ),
    ),
    "brought": Command(
        "zeropark.faces.cli.brought",
        "brought",
        N_("What operation brought by day and product, beside the rules."),
        examples=("zeropark brought microgrid --day 2026-04-17",),
    ),
    "watchdog": Command(
        "zeropark.faces.cli.watchdog",
        "watchdog",
        N_("Mind the heartbeat of operate; make devices safe when it stops."),
        examples=("zeropark watchdog microgrid --site 127.0.0.1:15020",),
    ),
    "grid": Command("", "", N_("Who calls a park from outside, and whom it calls."), GRID),
    "serve": Command(
        "zeropark.faces.cli.serve", "serve", N_("Show a park that lives on in the control room.")
    ),
    "ledger": Command("", "", N_("What happened: durable, provable, never edited."), LEDGER),
}
# What the parser returns where Ctrl-C ended a command.
_INTERRUPTED = 130
_PURPOSE = N_("The operating system of a zero-carbon industrial park.")


class OneCommand(HelpPage, TyperCommand):
    """A command whose help page is ours."""


class Door(HelpPage, TyperGroup):
    """Commands by name; a command's module is imported when that command is asked for.

    `zeropark --help` must answer at once, and the engine's libraries take a second to import.
    """

    commands_here: Mapping[str, Command] = COMMANDS

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in the order of a newcomer's path."""
        del ctx
        return list(self.commands_here)

    def purposes(self) -> list[tuple[str, str]]:
        """Return (name, what it is for) of all commands."""
        return [(name, _(command.purpose)) for name, command in self.commands_here.items()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of that name; refuses an unknown one with the nearest known."""
        del ctx
        known = self.commands_here.get(cmd_name)
        if known is None:
            sentence = _("'{given}' is no command.{meant} Commands: {known}.")
            meant = did_you_mean(cmd_name, self.commands_here)
            names = ", ".join(self.commands_here)
            raise Refused(sentence.format(given=cmd_name, meant=meant, known=names))
        return built(cmd_name, known)


def built(name: str, known: Command) -> Any:
    """Return the command `name` as the parser knows it; imports its module."""
    if known.below:
        return _group(name, known)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    function = getattr(import_module(known.module), known.function)
    examples = "\n".join(known.examples)
    app.command(name, cls=OneCommand, help=known.purpose, epilog=examples)(function)
    return typer.main.get_command(app)


def _group(name: str, known: Command) -> Any:
    """Return a group of commands as the parser knows it."""
    group = type("Group", (Door,), {"commands_here": known.below})
    app = typer.Typer(
        name=name, cls=group, add_completion=False, rich_markup_mode=None, help=known.purpose,
        no_args_is_help=True,
    )  # fmt: skip
    app.callback()(_group_start)
    app.command()(_nothing)
    return typer.main.get_command(app)


def _group_start() -> None:
    """Stand where the parser wants a function of the group itself."""


def _version(asked: bool) -> None:  # noqa: FBT001 - the parser hands a flag over by position
    if asked:
        from zeropark import __version__  # noqa: PLC0415 - only who asks needs it

        print(f"zeropark {__version__}")  # noqa: T201 - the answer of a command
        raise typer.Exit


def _start(
    version: bool = typer.Option(  # noqa: FBT001 - the parser hands a flag over by name
        False,  # noqa: FBT003 - the flag's default
        "--version",
        callback=_version,
        is_eager=True,
        help=N_("Print the version and leave."),
    ),
) -> None:
    del version


def _nothing() -> None:
    """Stand where the parser wants a command before it builds a group."""


def door() -> Any:
    """Return the whole command line as the parser knows it."""
    app = typer.Typer(cls=Door, add_completion=False, rich_markup_mode=None, help=_PURPOSE)
    app.callback()(_start)
    # A group is only built around a command; the real ones are found by `Door.get_command`.
    app.command()(_nothing)
    return typer.main.get_command(app)


def answer(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0 done, 1 no, 2 wrong input, 3 our fault.

    A mistake of the person is a sentence on standard error; one of ours is a sentence that names
    the file with the trace.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows a question mark rather than an error of ours.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _ask(arguments)
    except Refused as refused:
        say(str(refused))
        return WRONG_INPUT
    except KeyboardInterrupt:
        say(_("Stopped. Nothing was written."))
        return WRONG_INPUT
    except BrokenPipeError:
        # Whoever read our answer has enough of it; the interpreter must not flush into the void.
        sys.stdout = None
        return DONE
    except Exception as error:  # noqa: BLE001 - the last word to the person: never a trace
        say(our_fault(error))
        return OUR_FAULT


def _ask(arguments: Sequence[str]) -> int:
    # The parser's own errors, wherever this version of typer keeps them.
    parser: Any = sys.modules[typer.BadParameter.__module__]
    try:
        code = door().main(list(arguments) or ["--help"], "zeropark", standalone_mode=False)
    except parser.NoArgsIsHelpError as asked:
        # A word with commands below it and nothing behind it: which there are is the answer.
        print(asked.ctx.get_help())  # noqa: T201 - the answer of a command
        return DONE
    except parser.ClickException as error:
        raise Refused(_sentence(error, parser)) from None
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else DONE


def _sentence(error: Any, parser: Any) -> str:
    """Return what the parser refused as a sentence with the mend."""
    if isinstance(error, parser.NoSuchOption):
        options = [name for each in error.ctx.command.params for name in each.opts]
        meant = did_you_mean(error.option_name, options)
        sentence = _("'{given}' is no option of this command.{meant} See --help.")
        return sentence.format(given=error.option_name, meant=meant)
    if isinstance(error, parser.MissingParameter):
        name = error.param.metavar or error.param.name.upper()
        return _("{name} is missing. See --help.").format(name=name)
    if isinstance(error, parser.BadOptionUsage):
        return _("{name} needs a value. See --help.").format(name=error.option_name)
    return _("{words} See --help.").format(words=error.format_message())


def _stop(number: int, frame: FrameType | None) -> None:
    """Turn a request to end into what Ctrl-C does, so that a run leaves what it has."""
    del number, frame
    raise KeyboardInterrupt
