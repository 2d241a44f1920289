"""What must hold between the things of a park: names, references, carriers, who feeds whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zeropark.model.asset import Asset, Port, Reference
from zeropark.model.document import Document
from zeropark.model.fields import Leaf, Loc
from zeropark.model.free import check_free
from zeropark.model.warmth import Warmth
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_SECTIONS = (
    "parties", "nodes", "assets", "tariffs", "contracts", "series", "devices", "callers", "studies",
)  # fmt: skip
CARRIERS = ("electricity", "heat", "cooling", "compute")
"""The carriers that need no kind to make them known."""
_ONE = {
    "parties": Text("party", "主体"),
    "nodes": Text("node", "节点"),
    "assets": Text("asset", "资产"),
    "tariffs": Text("tariff", "电价"),
    "contracts": Text("contract", "合同"),
    "series": Text("series", "序列"),
    "devices": Text("device", "设备"),
    "callers": Text("caller", "调用方"),
    "studies": Text("study", "研究"),
}
_TWICE = Text(
    "'{name}' is the name of {first} too, on line {line}; give each a name of its own",
    "“{name}”已是第 {line} 行 {first} 的名称；各取一个名称",
)
_UNKNOWN = Text(
    "unknown {what} '{given}'{meant} Known: {known}", "未知{what}“{given}”{meant}已有：{known}"
)
_NONE_KNOWN = Text("the park has no {what} '{given}'; add it", "园区没有{what}“{given}”；补上")
_CARRIER = Text(
    "'{given}' carries {is_}, {needs} is needed here; allowed: {allowed}",
    "“{given}”的载体是 {is_}，此处需要 {needs}；可用：{allowed}",
)
_NO_CARRIER = Text(
    "unknown carrier '{given}'{meant} Allowed: {allowed}", "未知载体“{given}”{meant}可用：{allowed}"
)
_EMPTY = Text(
    "nothing stands at this node; connect an asset or take the node out",
    "此节点没有任何资产；接入资产，或删去此节点",
)
_UNFED = Text(
    "{takers} take {carrier} here and nothing feeds it; add an asset that can, such as {feeders}",
    "{takers} 在此取用 {carrier}，但没有供给；加入能供给的资产，例如 {feeders}",
)
_UNFED_PLAIN = Text(
    "{takers} take {carrier} here and nothing feeds it; add an asset that can",
    "{takers} 在此取用 {carrier}，但没有供给；加入能供给的资产",
)
_NO_FILE = Text(
    "there is no file '{given}' beside the park file{meant}", "园区文件旁没有文件“{given}”{meant}"
)
_SAME_PLACE = Text(
    "'{name}' is reached at {where}, as '{first}' on line {line} is; give each a place of its own",
    "“{name}”的地址 {where} 与第 {line} 行“{first}”相同；各用一个地址",
)
_FEEDERS = {
    "electricity": "grid_tie, pv",
    "heat": "heat_pump, boiler",
    "cooling": "chiller",
    "compute": "data_hall",
    "material": "process_line, furnace",
}


def check_together(
    document: Document,
    used: Mapping[str, type[Asset]],
    found: Iterable[Leaf],
    folder: Path | None,
    assets: Mapping[int, Asset],
) -> None:
    """Note what is wrong between the things of the park; needs none of them to be without mistakes.

    used: the kinds the park names. found: the file's values with their types. folder: where series
    lie. assets: those without mistakes of their own, by their place in the list.
    """
    names = {section: dict(_named(document, section)) for section in _SECTIONS}
    _check_names(document)
    _check_devices(document)
    check_free(document, used)
    carriers = _check_carriers(document, used)
    touching: dict[str, list[tuple[Loc, Port]]] = {}
    all_fit = len(carriers) == len(names["nodes"])
    for leaf in found:
        for mark in leaf.marks:
            if not isinstance(leaf.value, str):
                continue
            if isinstance(mark, Reference):
                _check_reference(document, leaf.loc, leaf.value, mark.to, names[mark.to])
            elif isinstance(mark, Port):
                fits = _check_port(document, leaf, mark, carriers)
                all_fit &= fits
                if fits:
                    touching.setdefault(leaf.value, []).append((leaf.loc, mark))
    # Who feeds whom is only known once every asset is where it was meant to be.
    if all_fit and _every_kind_is_known(document, used):
        _check_feeding(document, carriers, touching)
        _check_beside(document, used, assets)
    if folder is not None:
        _check_files(document, folder)


def _check_devices(document: Document) -> None:
    """Note devices at one place on one wire."""
    seen: dict[tuple[str, ...], tuple[str, int]] = {}
    listed = document.data.get("devices")
    for index, raw in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(raw, dict) or not isinstance(raw.get("host"), str):
            continue
        loc: Loc = ("devices", index)
        said = tuple(str(raw.get(key, "")) for key in ("host", "port", "topic"))
        place = (*said, str(raw.get("unit_id", 1)))
        name = str(raw.get("name", ""))
        if place in seen:
            first, line = seen[place]
            where = f"{raw['host']}:{raw['port']}" if "port" in raw else raw["host"]
            where += f" {place[2]}" if place[2] else f" ({place[3]})"
            text = _SAME_PLACE.format(name=name, where=where, first=first, line=line)
            document.mistake(loc, "device_place", text)
        seen.setdefault(place, (name, document.line(loc)))


def _named(document: Document, section: str) -> Iterator[tuple[str, int]]:
    listed = document.data.get(section)
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            yield item["name"], index


def _check_names(document: Document) -> None:
    for section in _SECTIONS:
        first: dict[str, int] = {}
        for name, index in _named(document, section):
            if name in first:
                line = document.line((section, first[name]))
                text = _TWICE.format(name=name, first=f"{section}[{first[name]}]", line=line)
                document.mistake((section, index, "name"), "name_twice", text)
            else:
                first[name] = index


def _check_carriers(document: Document, used: Mapping[str, type[Asset]]) -> dict[str, str]:
    """Return the carrier of each node that has a known one."""
    known = {*CARRIERS, *(port.carrier for kind in used.values() for port in kind.ports().values())}
    found: dict[str, str] = {}
    for name, index in _named(document, "nodes"):
        carrier: Any = document.at(("nodes", index, "carrier"))
        if not isinstance(carrier, str):
            continue
        if carrier in known:
            found[name] = carrier
        else:
            allowed = sorted(known)
            near = meant(carrier, allowed)
            text = with_meant(_NO_CARRIER, near, given=carrier, allowed=", ".join(allowed))
            document.mistake(("nodes", index, "carrier"), "carrier_unknown", text)
    return found


def _check_reference(
    document: Document, loc: Loc, given: str, section: str, known: Mapping[str, int]
) -> None:
    if given in known:
        return
    what = _ONE[section]
    if not known:
        text = Text(
            _NONE_KNOWN.en.format(what=what.en, given=given),
            _NONE_KNOWN.zh.format(what=what.zh, given=given),
        )
    else:
        near, listed = meant(given, known), ", ".join(known)
        text = Text(
            _UNKNOWN.en.format(what=what.en, given=given, meant=near.en, known=listed),
            _UNKNOWN.zh.format(what=what.zh, given=given, meant=near.zh, known=listed),
        )
    document.mistake(loc, f"{section}_unknown", text)


def _check_port(document: Document, leaf: Leaf, port: Port, carriers: Mapping[str, str]) -> bool:
    """Note a port at no node or at one of another carrier.

    Return whether it is at a fitting one.
    """
    given = str(leaf.value)
    if given not in carriers:
        names = dict(_named(document, "nodes"))
        # A node whose own carrier is a mistake is not also an unknown node.
        _check_reference(document, leaf.loc, given, "nodes", names)
        return False
    if carriers[given] != port.carrier:
        fitting = [name for name, carrier in carriers.items() if carrier == port.carrier]
        allowed = ", ".join(fitting) or f"carrier: {port.carrier}"
        document.mistake(
            leaf.loc,
            "carrier_wrong",
            _CARRIER,
            given=given,
            is_=carriers[given],
            needs=port.carrier,
            allowed=allowed,
        )
        return False
    return True


def _every_kind_is_known(document: Document, used: Mapping[str, type[Asset]]) -> bool:
    listed = document.data.get("assets")
    return (
        isinstance(listed, list)
        and bool(listed)
        and all(isinstance(item, dict) and item.get("kind") in used for item in listed)
    )


def _check_feeding(
    document: Document, carriers: Mapping[str, str], touching: Mapping[str, list[tuple[Loc, Port]]]
) -> None:
    for name, index in _named(document, "nodes"):
        here = touching.get(name, [])
        carrier = carriers.get(name, "")
        if not here:
            if carrier:
                document.mistake(("nodes", index), "node_empty", _EMPTY)
        elif not any(port.feeds for _, port in here):
            takers = ", ".join(str(document.at((*loc[:2], "name"))) for loc, _ in here)
            text = _UNFED if carrier in _FEEDERS else _UNFED_PLAIN
            feeders = _FEEDERS.get(carrier, "")
            document.mistake(
                ("nodes", index),
                "node_unfed",
                text,
                takers=takers,
                carrier=carrier,
                feeders=feeders,
            )


def _check_beside(
    document: Document, used: Mapping[str, type[Asset]], assets: Mapping[int, Asset]
) -> None:
    """Note what each kind finds wrong with its assets among the others, once all are readable."""
    listed = document.data["assets"]
    if len(assets) != len(listed):
        return
    warmths = dict(_warmths(document))
    place = {asset.name: index for index, asset in assets.items()}
    for kind in dict.fromkeys(used[item["kind"]] for item in listed):
        for wrong in kind.beside(list(assets.values()), warmths):
            loc = ("assets", place[wrong.asset], wrong.field)
            document.mistake(loc, wrong.code, wrong.text)


def _warmths(document: Document) -> Iterator[tuple[str, Warmth]]:
    for name, index in _named(document, "nodes"):
        raw = document.at(("nodes", index, "temperature"))
        if raw is None:
            continue
        try:
            yield name, Warmth.model_validate(raw, context={"file": True})
        except ValidationError:
            # Its own mistakes are told where the park is read.
            continue


def _check_files(document: Document, folder: Path) -> None:
    for _, index in _named(document, "series"):
        file = document.at(("series", index, "file"))
        if isinstance(file, str) and not (folder / file).is_file():
            beside = [path.name for path in folder.iterdir()] if folder.is_dir() else []
            text = with_meant(_NO_FILE, meant(file, beside), given=file)
            document.mistake(("series", index, "file"), "series_file_missing", text)
