"""Who calls the park from outside: a grid company, an aggregator, a dispatch centre."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from zeropark.model.asset import AssetName, Name
from zeropark.model.device import SecretName
from zeropark.units.types import Duration, EnergyPrice


class CallerLine(BaseModel):
    """Somebody outside who may call the park over a protocol, and how they are reached.

    protocol: of `zeropark grid list`. asset: the tie that calls and limits are about. host, port,
    path: where they listen, or where we do, as the protocol has it. programme: which of their
    programmes is ours. unit_id: our number there. tls, authority, certificate: as for a device.
    user, secret: who we are there. product: what operate sells it as. price, penalty: what is
    agreed for delivered and for missing energy, where a call itself does not say it [CNY/MWh].
    segment: the network segment it lies in, which a wire without authentication needs before it
    may command. every: time between two looks [s].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    protocol: Annotated[str, Field(description="protocol they call by", title="协议")]
    asset: Annotated[AssetName, Field(description="tie that is called", title="被调用的联络线")]
    host: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9.:_-]+$", description="name or address", title="主机"),
    ]
    port: Annotated[
        int | None, Field(ge=1, le=65535, description="port, if not the usual one", title="端口")
    ] = None
    path: Annotated[
        str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="path below it", title="路径")
    ] = ""
    programme: Annotated[str, Field(description="which of their programmes", title="项目名")] = ""
    unit_id: Annotated[int, Field(ge=0, le=65534, description="our number there", title="站址")] = 1
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
    product: Annotated[
        str,
        Field(pattern=r"^[a-z][a-z_]*$", description="what it is sold as", title="产品"),
    ] = "emergency_response"
    price: Annotated[
        Annotated[EnergyPrice, Field(ge=0)] | None,
        Field(description="agreed price of delivered energy", title="约定电价"),
    ] = None
    penalty: Annotated[
        Annotated[EnergyPrice, Field(ge=0)] | None,
        Field(description="agreed penalty of missing energy", title="约定罚金"),
    ] = None
    segment: Annotated[
        Name | None, Field(description="network segment it lies in", title="网络分区")
    ] = None
    every: Annotated[
        Duration, Field(gt=0, description="time between two looks", title="查询间隔")
    ] = 1.0 / 120.0
