"""The API: the same verbs as the pages, for programs with a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from zeropark.faces.web.app import Room


def attach(app: FastAPI, room: Room) -> None:
    """Answer under `/api/v1`."""
    del app, room
