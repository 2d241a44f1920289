"""The page of alarms, `docs/reference/alarms.md`, from the rows themselves.

`python -m zeropark.faces.cli.alarm_page > docs/reference/alarms.md` brings it up to date.
"""

from __future__ import annotations

from zeropark.operate.alarms import rows

_HEAD = """# Alarms

Every alarm asks somebody to do something in a stated time; what asks nothing is an event and is
only posted. Priority follows from consequence and time to act, as ISA-18.2 has it. The rows are
`src/zeropark/operate/alarms.yaml`; `python -m zeropark.faces.cli.alarm_page` writes this page.
"""


def alarms_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for key, row in rows().items():
        shelf = row.shelve
        shelved = f"up to {shelf.hours:g} h by {', '.join(shelf.roles)}" if shelf.roles else "never"
        hidden = f" Hidden while `{row.under}` stands for the same device." if row.under else ""
        parts.append(
            f"## {row.title.en} · {row.title.zh}\n\n"
            f"`{key}`, priority {row.priority}: {row.consequence}, {row.minutes:g} min to act. "
            f"Told after {row.on_delay:g} s, gone after {row.off_delay:g} s; shelved {shelved}."
            f"{hidden}\n\n"
            "| | | |\n| --- | --- | --- |\n"
            f"| cause | {row.cause.en} | {row.cause.zh} |\n"
            f"| consequence | {row.means.en} | {row.means.zh} |\n"
            f"| what to do | {row.action.en} | {row.action.zh} |\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    print(alarms_page(), end="")  # noqa: T201 - the page is its output
