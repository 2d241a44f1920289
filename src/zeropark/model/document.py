"""A YAML file as plain data, and the line on which each piece of it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from zeropark.model.fields import Loc
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.units.text import Text

_MISSING = Text("there is no such file{near}", "没有这个文件{near}")
_UNREADABLE = Text("the file cannot be read: {said}", "无法读取文件：{said}")
_NOT_TEXT = Text(
    "the file is not UTF-8 text; save it as UTF-8", "文件不是 UTF-8 文本；另存为 UTF-8"
)
_SYNTAX = Text("this is not YAML: {said}", "不是 YAML：{said}")
_TWICE = Text(
    "'{key}' is written twice, first on line {first}; leave one",
    "“{key}”写了两次，第一次在第 {first} 行；留一处",
)
_ITSELF = Text("this refers to itself; write it out", "此处引用了自身；请直接写出")
_NO_KEY = Text("a field's name must be plain text", "字段名必须是普通文字")
_NO_FIELDS = Text(
    "the file holds no fields; begin with name:, place:, nodes:, assets:",
    "文件里没有字段；从 name:、place:、nodes:、assets: 写起",
)


@dataclass
class Document:
    """What a file says.

    file: its name as shown. data: mappings, lists and scalars. lines: line [from 1] by place.
    mistakes: what was wrong with the YAML itself.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Loc, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, loc: Loc) -> int:
        """Return the line of the place, or of the nearest place around it."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def at(self, loc: Loc) -> object:
        """Return what stands at the place; None where nothing does."""
        here: Any = self.data
        for key in loc:
            try:
                here = here[key]
            except (KeyError, IndexError, TypeError):
                return None
        return here

    def where(self, loc: Loc) -> str:
        """Return the place in words a person finds: `assets[3] 'bat' floor`."""
        words = ""
        for depth, key in enumerate(loc):
            if isinstance(key, int):
                words += f"[{key}]"
                here = self.at(loc[: depth + 1])
                name = here.get("name") if isinstance(here, Mapping) else None
                words += f" '{name}'" if isinstance(name, str) else ""
            else:
                words += f"{' ' if words else ''}{key}"
        return words

    def mistake(
        self, loc: Loc, code: str, text: Text, line: int | None = None, **params: object
    ) -> None:
        """Note a mistake at the place.

        `params` fill the sentence, `line` [from 1] is the place's unless told.
        """
        said = text.format(**params) if params else text
        at = self.line(loc) if line is None else line
        self.mistakes.append(Mistake(self.file, at, self.where(loc), said, code, params))


class _Loader(yaml.SafeLoader):
    """YAML without its surprises.

    `no` and `on` are text, `7:30` is no number of minutes, `1e3` is a number.
    """


class _FastLoader(yaml.CSafeLoader):
    """The same by the C library, ten times as fast; it says less about what it cannot read."""


_Loader.yaml_implicit_resolvers = {}
_FastLoader.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    (
        "float",
        r"^[-+]?(?:(?:[0-9][0-9_]*)?\.[0-9]+|[0-9][0-9_]*\.?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.inf$|^\.nan$",
        "-+0123456789.",
    ),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("timestamp", r"^\d{4}-\d{2}-\d{2}$", "0123456789"),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_document(path: Path) -> Document:
    """Return what the file at `path` says; raises `ParkError` where it is no YAML mapping."""
    document = Document(path.name)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _whole_file(path, "file_missing", _MISSING, near=_beside(path)) from None
    except UnicodeDecodeError:
        raise _whole_file(path, "file_encoding", _NOT_TEXT) from None
    except OSError as error:
        raise _whole_file(path, "file_unreadable", _UNREADABLE, said=error.strerror) from None
    return parse_document(text, document)


def parse_document(text: str, document: Document) -> Document:
    """Fill `document` with what YAML text says; raises `ParkError` where it is no YAML mapping."""
    try:
        node = _composed(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).partition("\n")[0]
        line = mark.line + 1 if mark else 1
        complaint = Mistake(
            document.file, line, "", _SYNTAX.format(said=said), "yaml", {"said": said}
        )
        raise ParkError([complaint]) from None
    complaints: list[_Complaint] = []
    data = (
        None if node is None else _Builder(document.lines, complaints).build(node, (), frozenset())
    )
    if not isinstance(data, dict) or not data:
        raise ParkError([Mistake(document.file, 1, "", _NO_FIELDS, "file_empty")])
    document.data = data
    # A place is named by what stands there, which is known only now.
    for one in complaints:
        document.mistake(one.loc, one.code, one.text, one.line)
    return document


def _composed(text: str) -> yaml.Node | None:
    """Return the text as YAML nodes; raises `YAMLError` in the words of the slow loader."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        node = yaml.compose(text, Loader=_Loader)
    return node


@dataclass(frozen=True)
class _Complaint:
    loc: Loc
    code: str
    text: Text
    line: int


class _Builder:
    """Builds plain data from YAML nodes, and notes lines and complaints on the way."""

    def __init__(self, lines: dict[Loc, int], complaints: list[_Complaint]) -> None:
        self._lines = lines
        self._complaints = complaints
        self._loader = _Loader("")

    def build(self, node: yaml.Node, loc: Loc, around: frozenset[int]) -> Any:
        """Return what `node` says; `around` are the nodes it stands in."""
        line = node.start_mark.line + 1
        self._lines.setdefault(loc, line)
        if id(node) in around:
            self._complain(loc, "refers_to_itself", _ITSELF, line)
            return None
        around |= {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc, around)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*loc, i), around) for i, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            said = getattr(error, "problem", None) or str(error)
            self._complain(loc, "yaml", _SYNTAX.format(said=said), line)
            return None

    def _mapping(self, node: yaml.MappingNode, loc: Loc, around: frozenset[int]) -> dict[str, Any]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._complain(loc, "key", _NO_KEY, line)
            elif key.value in first and key.tag != "tag:yaml.org,2002:merge":
                text = _TWICE.format(key=key.value, first=first[key.value])
                self._complain((*loc, key.value), "key_twice", text, line)
            else:
                first[key.value] = line
        try:
            self._loader.flatten_mapping(node)
        except yaml.YAMLError as error:
            said = getattr(error, "problem", str(error))
            self._complain(loc, "yaml", _SYNTAX.format(said=said), node.start_mark.line + 1)
        found: dict[str, Any] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                below = (*loc, key.value)
                self._lines[below] = key.start_mark.line + 1
                found[key.value] = self.build(value, below, around)
        return found

    def _complain(self, loc: Loc, code: str, text: Text, line: int) -> None:
        self._complaints.append(_Complaint(loc, code, text, line))


def _whole_file(path: Path, code: str, text: Text, **params: object) -> ParkError:
    said = text.format(**params) if params else text
    return ParkError([Mistake(str(path), 0, "", said, code, params)])


def _beside(path: Path) -> str:
    """Return the park files in the same folder, in words, where there are any."""
    found = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    return f"; {path.parent}: {', '.join(found[:5])}" if found else ""
