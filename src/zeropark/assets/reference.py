"""The reference page of the asset kinds, made from their own files.

`python -m zeropark.assets.reference`.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
import typing
from collections.abc import Iterator

from pydantic import BaseModel

from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.model.asset import Asset
from zeropark.model.reference import table

_INTRO = """\
# Asset kinds

What a park can be made of. Each kind is one file that says its equations, its rules for the plan,
its physics for the simulated plant, and its words; this page is made from those files by
`python -m zeropark.assets.reference`, and a test fails where it differs. Powers are means over a
step, flows are into the node, `[t]` is a step of `h` hours. Every asset also has a `name`, and may
have a `party` and a `label` (see [the park file](park-file.md)).

The fields' defaults are assumptions until a park file says otherwise; a run lists them beside its
result.
"""
_ROLES = {
    "source": "feeds its node",
    "use": "takes from its node",
    "store": "stores what its node has",
    "grid": "ties its node to the public grid",
    "convert": "turns one carrier into another",
    "carry": "moves a carrier from one of its nodes to another",
    "trade": "brings green attributes and no power",
    "contract": "limits what others do together",
}


def page() -> str:
    """Return the page in Markdown."""
    found = kinds()
    return "\n".join([_INTRO, *(_section(found[name]) for name in found)])


def _section(kind: type[Kind]) -> str:
    words = inspect.getdoc(kind) or ""
    lines = [f"## {kind.kind}: {kind.title.en} · {kind.title.zh}", ""]
    lines += [f"*It {_ROLES[kind.role]}.*", "", words, ""]
    lines += table(kind, Asset.model_fields)
    for model in dict.fromkeys(_models_in(kind)):
        lines += ["", f"Each of `{_field_of(kind, model)}` has:", "", *table(model)]
    lines += ["", "Points:", "", *_points(kind), "", "Example:", "", "```yaml"]
    lines += [*textwrap.dedent(kind.example).strip().splitlines(), "```", ""]
    return "\n".join(lines)


def _models_in(kind: type[Kind]) -> Iterator[type[BaseModel]]:
    """Yield the models of a kind's own file that stand in its fields."""
    for name, field in kind.model_fields.items():
        for part in _parts(field.annotation):
            if not isinstance(part, type) or not issubclass(part, BaseModel):
                continue
            if part.__module__ == kind.__module__ and name not in Asset.model_fields:
                yield part


def _field_of(kind: type[Kind], model: type[BaseModel]) -> str:
    return next(n for n, f in kind.model_fields.items() if model in set(_parts(f.annotation)))


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)


def _points(kind: type[Kind]) -> Iterator[str]:
    yield "| point | meaning | 含义 | unit | written |"
    yield "| --- | --- | --- | --- | --- |"
    for point in kind.points:
        codes = [f"{i} {words.en}" for i, words in enumerate(point.codes)]
        unit = "; ".join(codes) or point.unit
        written = "yes" if point.writable else ""
        yield f"| `{point.name}` | {point.means.en} | {point.means.zh} | {unit} | {written} |"


if __name__ == "__main__":
    sys.stdout.write(page())
