"""Devices as a park file names them: what is wrong with a line, and the driver it opens."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from zeropark.devices import standard
from zeropark.devices.catalogue import (
    DeviceError,
    protocol,
    read_template,
    template_files,
    unknown_template,
)
from zeropark.devices.contract import Driver
from zeropark.devices.template import Template
from zeropark.devices.tls import context, own_ends, serving_context
from zeropark.devices.together import Part, why_not_together
from zeropark.devices.wire import Clock, Wire
from zeropark.model.asset import Asset, Point
from zeropark.model.caller import CallerLine
from zeropark.model.device import DeviceLine
from zeropark.model.park import Park
from zeropark.units.text import Text

SECRETS = ("CREDENTIALS_DIRECTORY", "ZEROPARK_SECRETS")
"""Environment variables that name a folder of secrets: systemd's credentials, or your own."""
_OTHER_KIND = Text(
    "template '{template}' is for {kinds}, asset '{asset}' is a {kind}; name a template for it",
    "模板“{template}”用于 {kinds}，资产“{asset}”是 {kind}；请换用相应模板",
)
_NO_SECRET = Text(
    "secret '{name}' is in none of the folders {folders}; put it there as a file of mode 0600",
    "密钥“{name}”不在 {folders} 中；请以权限 0600 的文件放入",
)
_NO_FOLDER = Text(
    "secret '{name}' cannot be looked up: name a folder in {variable}",
    "无法查找密钥“{name}”：用 {variable} 指定文件夹",
)
_OPEN_SECRET = Text(
    "the file of secret '{name}' may be read by others (mode {mode}); make it 0600",
    "密钥“{name}”的文件可被他人读取（权限 {mode}）；改为 0600",
)
_NO_AUTHORITY = Text(
    "{name}: tls needs authority, the file of who signs the device's certificate",
    "{name}：tls 需要 authority，即设备证书签发者的文件",
)
_NO_CERTIFICATE = Text(
    "{name}: tls needs certificate, the file of ours with its key that the device is shown",
    "{name}：tls 需要 certificate，即向设备出示的我方证书与密钥文件",
)
_NO_FILE = Text("{name}: cannot read {file} ({said})", "{name}：无法读取 {file}（{said}）")


class Wrong(NamedTuple):
    """What is wrong with a line. at: its place in `devices`. field: of the line."""

    at: int
    field: str
    code: str
    text: Text


def wrong_lines(park: Park) -> Iterable[Wrong]:
    """Yield what is wrong with the devices of a park, beside what the file itself shows.

    A template with mistakes of its own raises `ParkError`.
    """
    by_name = {asset.name: asset for asset in park.assets}
    for index, line in enumerate(park.devices):
        if line.template == standard.NAME:
            continue
        if line.template not in template_files():
            yield Wrong(index, "template", "template_unknown", unknown_template(line.template))
            continue
        template = read_template(line.template)
        kind = by_name[line.asset].kind
        if template.kinds and kind not in template.kinds:
            text = _OTHER_KIND.format(
                template=line.template,
                kinds=", ".join(template.kinds),
                asset=line.asset,
                kind=kind,
            )
            yield Wrong(index, "template", "template_kind", text)
    yield from _wrong_together(park)


def _wrong_together(park: Park) -> Iterable[Wrong]:
    """Yield what is wrong with devices that stand for one asset together."""
    known = {standard.NAME, *template_files()}
    by_name = {asset.name: asset for asset in park.assets}
    places: dict[str, list[int]] = {}
    for index, line in enumerate(park.devices):
        if line.template in known:
            places.setdefault(line.asset, []).append(index)
    for name, own in places.items():
        lines = [park.devices[index] for index in own]
        parts = [Part(each.name, template_of(each, by_name[name]), each.share) for each in lines]
        if len(own) > 1 and (why := why_not_together(name, parts)) is not None:
            yield Wrong(own[-1], "share", "share_missing", why)


def template_of(line: DeviceLine, asset: Asset, points: Iterable[Point] | None = None) -> Template:
    """Return the template a line names.

    points: of the asset, where it has more than its kind. Raises `DeviceError` or `ParkError`.
    """
    if line.template == standard.NAME:
        return standard.standard_template(asset.kind, tuple(points or asset.points))
    return read_template(line.template)


def wire_of(line: DeviceLine, template: Template, folder: Path, timeout: float = 1.0) -> Wire:
    """Return how a line's device is reached.

    folder: of the park file. timeout: longest wait for one answer [s]. Raises `DeviceError` where a
    secret or a certificate is not there.
    """
    wire = reached(line, protocol(template.protocol), folder, timeout)
    return replace(wire, topic=line.topic, segment=line.segment)


def reached(
    line: DeviceLine | CallerLine, module: ModuleType, folder: Path, timeout: float
) -> Wire:
    """Return how the other end of a line is reached; see `wire_of`. module: of its protocol."""
    usual = module.TLS_PORT if line.tls else module.PORT
    secret = None if line.secret is None else read_secret(line.secret)
    tls, ends = _tls_of(line, folder, listens=module.LISTENS) if line.tls else (None, None)
    return Wire(
        host=line.host,
        port=line.port or usual,
        unit_id=line.unit_id,
        timeout=timeout,
        tls=tls,
        client_certified=tls is not None and line.certificate is not None,
        certificate_ends=ends,
        authority=None if line.authority is None else folder / line.authority,
        certificate=None if line.certificate is None else folder / line.certificate,
        user=line.user,
        password=secret,
    )


def _tls_of(
    line: DeviceLine | CallerLine, folder: Path, *, listens: bool
) -> tuple[ssl.SSLContext, float | None]:
    """Return how a line's wire speaks TLS, and when our own certificate ends [POSIX s]."""
    authority = None if line.authority is None else folder / line.authority
    own = None if line.certificate is None else folder / line.certificate
    try:
        if listens:
            if own is None:
                raise DeviceError(_NO_CERTIFICATE.format(name=line.name))
            return serving_context(own, authority), own_ends(own)
        if authority is None:
            raise DeviceError(_NO_AUTHORITY.format(name=line.name))
        return context(authority, own), None if own is None else own_ends(own)
    except OSError as error:
        said = error.strerror or type(error).__name__
        files = " / ".join(name for name in (line.authority, line.certificate) if name)
        raise DeviceError(_NO_FILE.format(name=line.name, file=files, said=said)) from None


def open_driver(
    line: DeviceLine, asset: Asset, folder: Path, clock: Clock, timeout: float = 1.0
) -> Driver:
    """Return the driver of a line's device; nothing is sent yet. Raises as `wire_of`."""
    template = template_of(line, asset)
    found: Driver = protocol(template.protocol).driver(
        template, wire_of(line, template, folder, timeout), clock
    )
    return found


def read_secret(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a secret from the folder of credentials; raises `DeviceError` with the mend."""
    folders = [Path(environment[v]) for v in SECRETS if environment.get(v)]
    if not folders:
        raise DeviceError(_NO_FOLDER.format(name=name, variable=" / ".join(SECRETS)))
    for folder in folders:
        path = folder / name
        if path.is_file():
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                raise DeviceError(_OPEN_SECRET.format(name=name, mode=f"{mode:04o}"))
            return path.read_text(encoding="utf-8").rstrip("\n")
    listed = ", ".join(str(folder) for folder in folders)
    raise DeviceError(_NO_SECRET.format(name=name, folders=listed))
