"""Devices as a park file names them: which template, where on the wire, whose secret."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from zeropark.model.asset import AssetName, Name
from zeropark.units.refusal import refusal
from zeropark.units.text import Text

_LITERAL = Text(
    "this looks like the secret itself; put it into a file of mode 0600 and write that file's name "
    "here: small letters, digits and dashes",
    "这里像是密钥本身；把它放进权限为 0600 的文件，此处只写文件名：小写字母、数字和连字符",
)
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_LONGEST_NAME = 24


def _only_named(value: str) -> str:
    """Return the name of a secret; refuses what can only be the secret itself."""
    plain = value[:1].isalpha() and len(value) <= _LONGEST_NAME and set(value) <= set(_NAME_LETTERS)
    if not plain:
        raise refusal("secret_literal", _LITERAL)
    return value


SecretName = Annotated[str, AfterValidator(_only_named)]


class DeviceLine(BaseModel):
    """A device of an asset: what it is and how it is reached.

    template: a device template's name, or `standard`. host, port: where it listens; the protocol's
    usual port where none is said. unit_id: behind a gateway. topic: its branch at a broker. tls:
    whether the wire is; authority: file of who signs its certificate, beside the park file;
    certificate: file of ours with its key, where the device asks who we are or calls us. user,
    secret: how we prove who we are. share: of the asset's power [1],
    where several devices are commanded for it. segment: the network segment it lies in, which a
    wire without authentication needs before it may be commanded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    asset: Annotated[AssetName, Field(description="whose device it is", title="所属资产")]
    template: Annotated[str, Field(description="device template", title="设备模板")]
    host: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9.:_-]+$", description="name or address", title="主机"),
    ]
    port: Annotated[
        int | None, Field(ge=1, le=65535, description="port, if not the usual one", title="端口")
    ] = None
    unit_id: Annotated[
        int, Field(ge=0, le=255, description="number behind a gateway", title="单元号")
    ] = 1
    topic: Annotated[str, Field(description="branch at a broker", title="主题")] = ""
    tls: Annotated[bool, Field(description="whether the wire is TLS", title="使用 TLS")] = False
    authority: Annotated[
        str | None, Field(description="file of who signs its certificate", title="签发者文件")
    ] = None
    certificate: Annotated[
        str | None, Field(description="file of our certificate with its key", title="我方证书文件")
    ] = None
    user: Annotated[str | None, Field(description="who we are there", title="用户名")] = None
    secret: Annotated[
        SecretName | None,
        Field(description="name of a secret, never the secret itself", title="密钥名"),
    ] = None
    share: Annotated[
        float | None,
        Field(gt=0, le=1, description="of the asset's power, where devices share it", title="份额"),
    ] = None
    segment: Annotated[
        Name | None, Field(description="network segment it lies in", title="网络分区")
    ] = None
