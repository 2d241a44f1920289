"""Balances and transfers counted again from the log's leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Counted(NamedTuple):
    """A transfer as its leaves give it. state: posted, pending, done or voided."""

    state: str
    amount: int
    size: int
    body: dict[str, str]


@dataclass
class Recount:
    """What the leaves about accounts and postings come to.

    balances: debits pending and posted, credits pending and posted, by account; accounts: what each
    was opened as; transfers: by id.
    """

    balances: dict[str, list[int]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    transfers: dict[str, Counted] = field(default_factory=dict)

    def take(self, said: Mapping[str, Any], size: int) -> None:
        """Take in a leaf; others than of accounts and postings change nothing.

        size: of the log with it. Raises `KeyError` or `ValueError` where it says nothing of these.
        """
        if said["kind"] == "account":
            body = _body(said)
            self.accounts[body["id"]] = {**body, "size": size}
            self.balances[body["id"]] = [0, 0, 0, 0]
        elif said["kind"] == "posting":
            self._post(_body(said), size)

    def _post(self, body: dict[str, Any], size: int) -> None:
        amount, step = int(body["amount"]), body["step"]
        if step in {"post", "void"}:
            begun = self.transfers[body["pending"]]
            amount = 0 if step == "void" else amount or begun.amount
            ended = "voided" if step == "void" else "done"
            self.transfers[body["pending"]] = begun._replace(state=ended)
            self._move(begun.body, -begun.amount, amount)
        elif step == "pending":
            self._move(body, amount, 0)
        else:
            self._move(body, 0, amount)
        state = "pending" if step == "pending" else "posted"
        self.transfers[body["id"]] = Counted(state, amount, size, body)

    def _move(self, body: Mapping[str, Any], pending: int, posted: int) -> None:
        debit, credit = self.balances[body["debit"]], self.balances[body["credit"]]
        debit[0] += pending
        debit[1] += posted
        credit[2] += pending
        credit[3] += posted


def _body(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says, without what the store adds to every entry."""
    return {name: value for name, value in said.items() if name not in {"kind", "at", "clock"}}
