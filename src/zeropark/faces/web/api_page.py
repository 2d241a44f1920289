"""Writes the page about the API from its own description."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from zeropark.faces.web.api import ROOT, describe, openapi
from zeropark.faces.web.people import SCOPES

_HEAD = """# API

The control room answers programs under `{root}`: what a page shows, as JSON, with the unit as the
last word of each name. A program sends `Authorization: Bearer ` and a token that a person made on
the page *People*; a token may: {scopes}. Errors are `application/problem+json` with `title` in
English, `title_zh` in Chinese and a stable `key`. The whole description, OpenAPI 3.1, is at
`{root}/openapi.json`.

A token that commands is bound to named assets, a power range and an address, and commands once its
owner has granted it; beside its assets it may stop the park. Each command carries an
`Idempotency-Key` and is done once for it. A token asks up to 600 questions and gives up to 60
commands a minute; who asks more, or guesses tokens, gets 429 with `Retry-After`.
"""


def api_page() -> str:
    """Return the page as Markdown."""
    app = FastAPI()
    describe(app)
    said = openapi(app)
    parts = [_HEAD.format(root=ROOT, scopes=", ".join(f"`{scope}`" for scope in SCOPES))]
    for path, verbs in said["paths"].items():
        for verb, each in verbs.items():
            parts.append(_part(path, verb, each, said["components"]["schemas"]))
    return "\n".join(parts).rstrip() + "\n"


def _part(path: str, verb: str, said: dict[str, Any], schemas: dict[str, Any]) -> str:
    lines = [f"## {verb.upper()} {path}", "", said["summary"], ""]
    rows = [
        (each["name"], each["in"], _allowed(each["schema"])) for each in said.get("parameters", [])
    ]
    if "requestBody" in said:
        name = said["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        fields = schemas[name]["properties"].items()
        rows += [(key, "body", f"{f['description']}; {_allowed(f)}") for key, f in fields]
    if rows:
        lines += ["| name | in | allowed |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {place} | {allowed} |" for name, place, allowed in rows] + [""]
    return "\n".join(lines)


def _allowed(schema: dict[str, Any]) -> str:
    kinds = schema.get("anyOf", [schema])
    found = [str(kind["type"]) for kind in kinds if kind.get("type") != "null"]
    for kind in kinds:
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to")):
            if key in kind:
                letters = " letters" if key == "maxLength" else ""
                found.append(f"{word} {kind[key]:,}{letters}")
    if schema.get("default") is not None:
        found.append(f"usually `{schema['default']}`")
    return ", ".join(found)


if __name__ == "__main__":
    print(api_page(), end="")  # noqa: T201 - the answer of a command
