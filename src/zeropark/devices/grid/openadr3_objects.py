"""The objects of OpenADR 3, as its published OpenAPI document 3.0.1 has them.

Source: OpenADR Alliance, openadr3.yaml 3.0.1, components/schemas; Apache-2.0. Fields the document
does not have are passed over, as it allows them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

VERSION = "3.0.1"
MOST = 50
"""Objects an answer to a search has at most (query parameter `limit`)."""
DURATION = (
    r"^(-?)P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)([DW]))?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)
_DURATION = re.compile(DURATION)
_DAY, _WEEK, _HOUR, _MINUTE = 86400.0, 604800.0, 3600.0, 60.0


def _as_written(name: str) -> str:
    camel = to_camel(name)
    return re.sub(r"Id$", "ID", camel)


ObjectId = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]*$", min_length=1, max_length=128)]
ShortName = Annotated[str, Field(min_length=1, max_length=128)]
# pydantic's engine has no look-ahead, so that the document's pattern is held by Python's.
Duration = Annotated[str, Field(max_length=128)]


class _Object(BaseModel):
    model_config = ConfigDict(
        alias_generator=_as_written, populate_by_name=True, frozen=True, extra="ignore",
        allow_inf_nan=False,
    )  # fmt: skip

    def written(self) -> dict[str, Any]:
        """Return the object as it goes over the wire; what is absent is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Point(_Object):
    """A pair of numbers."""

    x: float
    y: float


class ValuesMap(_Object):
    """Values and what they are."""

    type: ShortName
    values: list[float | int | str | bool | Point]


class IntervalPeriod(_Object):
    """When something begins and how long it lasts."""

    start: AwareDatetime
    duration: Duration | None = None
    randomize_start: Duration | None = None


class Interval(_Object):
    """A span of time with its payloads."""

    id: int
    interval_period: IntervalPeriod | None = None
    payloads: list[ValuesMap]


class EventPayloadDescriptor(_Object):
    """In what unit and currency a payload of an event is."""

    object_type: Literal["EVENT_PAYLOAD_DESCRIPTOR"] | None = None
    payload_type: ShortName
    units: str | None = None
    currency: str | None = None


class ReportPayloadDescriptor(_Object):
    """In what unit and how read a payload of a report is."""

    object_type: Literal["REPORT_PAYLOAD_DESCRIPTOR"] | None = None
    payload_type: ShortName
    reading_type: str | None = None
    units: str | None = None
    accuracy: float | None = None
    confidence: Annotated[int, Field(ge=0, le=100)] | None = None


class ReportDescriptor(_Object):
    """What report is asked for."""

    payload_type: ShortName
    reading_type: str | None = None
    units: str | None = None
    targets: list[ValuesMap] | None = None
    aggregate: bool | None = None
    start_interval: int | None = None
    num_intervals: int | None = None
    historical: bool | None = None
    frequency: int | None = None
    repeat: int | None = None


class _Kept(_Object):
    """What a VTN adds to an object it keeps."""

    id: ObjectId | None = None
    created_date_time: AwareDatetime | None = None
    modification_date_time: AwareDatetime | None = None


class Description(_Object):
    """Where a programme is described."""

    url: Annotated[str, Field(alias="URL")]


class Program(_Kept):
    """A programme of demand response."""

    object_type: Literal["PROGRAM"] | None = None
    program_name: ShortName
    program_long_name: str | None = None
    retailer_name: str | None = None
    retailer_long_name: str | None = None
    program_type: str | None = None
    country: str | None = None
    principal_subdivision: str | None = None
    time_zone_offset: Duration | None = None
    interval_period: IntervalPeriod | None = None
    program_descriptions: list[Description] | None = None
    binding_events: bool | None = None
    local_price: bool | None = None
    payload_descriptors: list[EventPayloadDescriptor | ReportPayloadDescriptor] | None = None
    targets: list[ValuesMap] | None = None


class Event(_Kept):
    """A request to those who take part in a programme."""

    object_type: Literal["EVENT"] | None = None
    program_id: ObjectId
    event_name: str | None = None
    priority: Annotated[int, Field(ge=0)] | None = None
    targets: list[ValuesMap] | None = None
    report_descriptors: list[ReportDescriptor] | None = None
    payload_descriptors: list[EventPayloadDescriptor] | None = None
    interval_period: IntervalPeriod | None = None
    intervals: list[Interval]


class ReportedResource(_Object):
    """What a report says of one resource."""

    resource_name: ShortName
    interval_period: IntervalPeriod | None = None
    intervals: list[Interval]


class Report(_Kept):
    """What a VEN says of an event."""

    object_type: Literal["REPORT"] | None = None
    program_id: ObjectId
    event_id: ObjectId
    client_name: ShortName
    report_name: str | None = None
    payload_descriptors: list[ReportPayloadDescriptor] | None = None
    resources: list[ReportedResource]


class Resource(_Kept):
    """A thing that a VEN controls."""

    object_type: Literal["RESOURCE"] | None = None
    resource_name: ShortName
    ven_id: ObjectId | None = None
    attributes: list[ValuesMap] | None = None
    targets: list[ValuesMap] | None = None


class Ven(_Kept):
    """One who takes part."""

    object_type: Literal["VEN"] | None = None
    ven_name: ShortName
    attributes: list[ValuesMap] | None = None
    targets: list[ValuesMap] | None = None
    resources: list[Resource] | None = None


def seconds_of(duration: str) -> float | None:
    """Return how long an ISO 8601 duration is [s].

    None where it is no duration of the document, or names months or years, which have no one
    length.
    """
    found = _DURATION.match(duration)
    if found is None:
        return None
    sign, years, months, days, day_unit, hours, minutes, seconds = found.groups()
    if int(years or 0) or int(months or 0):
        return None
    total = float(days or 0) * (_WEEK if day_unit == "W" else _DAY)
    total += float(hours or 0) * _HOUR + float(minutes or 0) * _MINUTE + float(seconds or 0)
    return -total if sign else total
