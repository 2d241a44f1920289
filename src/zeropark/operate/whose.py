"""Whose a person's file is: of the park's own files and those of a command, the command's win."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.model.park import Park, Series
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_NOBODY = Text(
    "{file}: the park has no asset that a file of {of} is for; add one",
    "{file}：园区没有可用 {of} 文件的资产；补上",
)
_WHOSE = Text(
    "{file}: {count} assets could be meant by a file of {of}; write asset: in the park's series, "
    "one of {names}",
    "{file}：{of} 文件可能属于 {count} 个资产；在园区的 series 写 asset:，其一：{names}",
)
_NO_ASSET = Text(
    "{file}: asset '{given}' takes no file of {of}{meant} Allowed: {names}",
    "{file}：资产“{given}”不用 {of} 文件{meant}可用：{names}",
)
_TWICE = Text(
    "{file}: another file of {of} is for {asset} too, {other}; leave one",
    "{file}：{asset} 另有一个 {of} 文件 {other}；留一个",
)


@dataclass(frozen=True)
class Brought:
    """A file a person brought.

    of: what it says. path: where it lies. said: what the park file confirms. asset: whose it is;
    None for the weather, which is everybody's.
    """

    of: str
    path: Path
    said: Series | None
    asset: Kind | None


def brought(
    park: Park, folder: Path, files: Mapping[str, Path], assets: Sequence[Kind]
) -> list[Brought]:
    """Return the files a run reads.

    folder: where the park's own lie. files: of the command, by what they say; each takes the place
    of the park's own of that sort for the same asset. Raises `DataError` where it is not clear
    whose a file is.
    """
    found: dict[tuple[str, str], Brought] = {}
    for each in _own(park, folder, assets):
        key = _key(each)
        if key in found:
            values = {"file": each.path.name, "of": each.of, "other": found[key].path.name}
            raise DataError("file_twice", _TWICE.format(asset=key[1] or each.of, **values))
        found[key] = each
    for of, path in files.items():
        said = park.said_of(of, path.name)
        found |= {_key(each): each for each in _each(of, path, said, assets)}
    return list(found.values())


def _own(park: Park, folder: Path, assets: Sequence[Kind]) -> Iterator[Brought]:
    for said in park.series:
        if said.file is not None:
            yield from _each(said.of, folder / said.file, said, assets)


def _key(each: Brought) -> tuple[str, str]:
    return each.of, "" if each.asset is None else each.asset.name


def _each(of: str, path: Path, said: Series | None, assets: Sequence[Kind]) -> list[Brought]:
    if of == "weather":
        return [Brought(of, path, said, None)]
    return [Brought(of, path, said, asset) for asset in _whose(of, path, said, assets)]


def _whose(of: str, path: Path, said: Series | None, assets: Sequence[Kind]) -> list[Kind]:
    """Return the assets that a file is for; refuses where none or more than one could be meant."""
    fitting = [asset for asset in assets if of in asset.takes]
    names = [asset.name for asset in fitting]
    if said is not None and said.asset is not None:
        if said.asset not in names:
            near = meant(said.asset, names)
            values = {"file": path.name, "given": said.asset, "of": of, "names": ", ".join(names)}
            raise DataError("asset_wrong", with_meant(_NO_ASSET, near, **values))
        return [asset for asset in fitting if asset.name == said.asset]
    by_name = [asset for asset in fitting if said is not None and _names(asset, said.name)]
    if by_name:
        return by_name
    if not fitting:
        raise DataError("asset_missing", _NOBODY.format(file=path.name, of=of))
    if len(fitting) > 1:
        text = _WHOSE.format(file=path.name, count=len(fitting), of=of, names=", ".join(names))
        raise DataError("asset_unclear", text)
    return fitting


def _names(asset: Kind, series: str) -> bool:
    """Return whether a profile of the asset is the series of that name."""
    profiles = (getattr(asset, field) for field in type(asset).model_fields)
    return any(getattr(profile, "series", None) == series for profile in profiles)
