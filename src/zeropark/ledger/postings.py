"""Postings: whole numbers that move between accounts of one unit, in TigerBeetle's manner.

A transfer is posted at once, or pending first and posted or voided later; linked ones hold together
or not at all; the same one twice is one. Nothing is ever edited: balances are sums of transfers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from typing import Any, Literal

from zeropark.data.errors import DataError
from zeropark.ledger.store import Store
from zeropark.ledger.together import Together
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

Step = Literal["transfer", "pending", "post", "void"]
UNITS = ("Wh", "certificate-Wh", "fen", "core-s", "kg", "g")
"""Units of accounts; energy is kept apart by carrier in the account's purpose."""
MOST = 2**62
"""No amount and no balance is beyond this."""
_LONGEST = 128

_UNIT = Text(
    "account '{id}': unit '{given}' is not known{meant} Allowed: {known}",
    "账户“{id}”：不认识单位“{given}”{meant}可用：{known}",
)
_ID = Text(
    "'{given}' cannot be an id; allowed: 1 to {most} letters",
    "“{given}”不能作标识；可用：1 至 {most} 个字符",
)
_CHANGED = Text(
    "account '{id}' is there with another body; an account is never changed, open a new one",
    "账户“{id}”已存在且内容不同；账户不可更改，请新开",
)


class Posted(IntEnum):
    """What became of a transfer that was asked for."""

    CREATED = 0
    EXISTS = 1
    EXISTS_WITH_ANOTHER_BODY = 2
    ID_CANNOT_BE = 3
    DEBIT_ACCOUNT_UNKNOWN = 4
    CREDIT_ACCOUNT_UNKNOWN = 5
    ACCOUNTS_ARE_THE_SAME = 6
    ACCOUNTS_OF_DIFFERENT_UNITS = 7
    AMOUNT_MUST_BE_POSITIVE = 8
    AMOUNT_IS_TOO_LARGE = 9
    BALANCE_WOULD_FALL_BELOW_ZERO = 10
    BALANCE_WOULD_OVERFLOW = 11
    PENDING_TRANSFER_UNKNOWN = 12
    PENDING_TRANSFER_ALREADY_POSTED = 13
    PENDING_TRANSFER_ALREADY_VOIDED = 14
    TRANSFER_IS_NOT_PENDING = 15
    AMOUNT_IS_BEYOND_PENDING = 16
    LINKED_TRANSFER_FAILED = 17
    LINK_IS_OPEN = 18

    @property
    def words(self) -> Text:
        """The outcome as a sentence."""
        return _WORDS[self]

    @property
    def done(self) -> bool:
        """Whether the transfer is in the ledger now."""
        return self in {Posted.CREATED, Posted.EXISTS}

    @property
    def transient(self) -> bool:
        """Whether asking the same again later can help."""
        return self in {
            Posted.BALANCE_WOULD_FALL_BELOW_ZERO,
            Posted.PENDING_TRANSFER_UNKNOWN,
            Posted.LINKED_TRANSFER_FAILED,
        }


_WORDS = {
    Posted.CREATED: Text("posted", "已过账"),
    Posted.EXISTS: Text("is there already, nothing to do", "已存在，无需处理"),
    Posted.EXISTS_WITH_ANOTHER_BODY: Text(
        "this id has another body already; use a new id", "该标识已有不同内容；用新标识"
    ),
    Posted.ID_CANNOT_BE: Text("an id has 1 to 128 letters", "标识须为 1 至 128 个字符"),
    Posted.DEBIT_ACCOUNT_UNKNOWN: Text(
        "the account to take from is not open; open it first", "转出账户未开；先开户"
    ),
    Posted.CREDIT_ACCOUNT_UNKNOWN: Text(
        "the account to give to is not open; open it first", "转入账户未开；先开户"
    ),
    Posted.ACCOUNTS_ARE_THE_SAME: Text(
        "an account cannot give to itself; name two", "账户不能转给自己；写两个账户"
    ),
    Posted.ACCOUNTS_OF_DIFFERENT_UNITS: Text(
        "the accounts are of different units, which never add", "两账户单位不同，不能相加"
    ),
    Posted.AMOUNT_MUST_BE_POSITIVE: Text(
        "the amount must be more than 0; turn the accounts round instead",
        "数额须大于 0；改为对调账户",
    ),
    Posted.AMOUNT_IS_TOO_LARGE: Text("the amount is above 2^62", "数额超过 2^62"),
    Posted.BALANCE_WOULD_FALL_BELOW_ZERO: Text(
        "the account may not go below zero, and holds less than that", "账户不可为负，余额不足"
    ),
    Posted.BALANCE_WOULD_OVERFLOW: Text(
        "an account's sum would go above 2^62; open a new one", "账户累计将超过 2^62；请新开账户"
    ),
    Posted.PENDING_TRANSFER_UNKNOWN: Text(
        "there is no pending transfer of that id", "没有该标识的待定转账"
    ),
    Posted.PENDING_TRANSFER_ALREADY_POSTED: Text(
        "the pending transfer was posted already", "该待定转账已过账"
    ),
    Posted.PENDING_TRANSFER_ALREADY_VOIDED: Text(
        "the pending transfer was voided already", "该待定转账已作废"
    ),
    Posted.TRANSFER_IS_NOT_PENDING: Text(
        "that transfer was posted at once; post a counter transfer",
        "该转账已直接过账；请做反向转账",
    ),
    Posted.AMOUNT_IS_BEYOND_PENDING: Text(
        "more than the pending transfer holds; post at most that", "超过待定数额；至多过账该数额"
    ),
    Posted.LINKED_TRANSFER_FAILED: Text(
        "a transfer it is linked to failed, so none of them holds", "相连的转账失败，全部不成立"
    ),
    Posted.LINK_IS_OPEN: Text(
        "the last transfer is linked to one that is not there", "最后一笔相连到不存在的转账"
    ),
}
assert set(_WORDS) == set(Posted), "every outcome is a sentence"


@dataclass(frozen=True)
class Account:
    """Whose what: amounts of one unit of a party for a purpose.

    above_zero: whether it may not go below zero, pending debits counted.
    """

    id: str
    unit: str
    party: str
    purpose: str
    above_zero: bool = False


@dataclass(frozen=True)
class Transfer:
    """An amount that moves from one account to another.

    id: chosen by who asks; the same id is the same transfer. step: `transfer` posts at once,
    `pending` reserves, `post` and `void` end the pending one named in `pending` (debit and credit
    stay empty; an amount of 0 posts all of it). linked: holds only together with the next one. why:
    a code; about: what it rests on, such as a batch of the log.
    """

    id: str
    debit: str = ""
    credit: str = ""
    amount: int = 0
    step: Step = "transfer"
    pending: str = ""
    linked: bool = False
    why: str = ""
    about: str = ""

    def body(self) -> dict[str, Any]:
        """Return what makes two transfers of one id the same."""
        said = asdict(self)
        del said["linked"]
        return said


@dataclass(frozen=True)
class Balance:
    """What an account came to, whole numbers of its unit."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    @property
    def posted(self) -> int:
        """What came in less what went out."""
        return self.credits_posted - self.debits_posted

    @property
    def free(self) -> int:
        """What may still go out: posted less what is reserved."""
        return self.posted - self.debits_pending


@dataclass
class _Known:
    """A transfer of the ledger. state: posted, pending, done (its pending was ended), voided."""

    body: dict[str, Any]
    amount: int
    state: str


class Postings:
    """The accounts and transfers of a store that this process writes; from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts: dict[str, Account] = {}
        self._balances: dict[str, Balance] = {}
        for name, unit, party, purpose, above, *sums in store.database.rows(
            "SELECT id, unit, party, purpose, floor, debits_pending, debits_posted, "
            "credits_pending, credits_posted FROM account"
        ):
            self._accounts[name] = Account(name, unit, party, purpose, bool(above))
            self._balances[name] = Balance(*(int(each) for each in sums))
        self._together = Together[Sequence[Transfer], list[Posted]](store.lock, self._post)

    def open(self, accounts: Sequence[Account]) -> None:
        """Open accounts; one that is there with the same body stays. Raises `DataError`."""
        store = self._store
        with store.lock:
            fresh = []
            for account in accounts:
                _check(account)
                held = self._accounts.get(account.id)
                if held not in {None, account}:
                    raise DataError("account_changed", _CHANGED.format(id=account.id))
                if held is None and account not in fresh:
                    fresh.append(account)
            if not fresh:
                return
            with store.writing():
                entries = [("account", asdict(account), account.id) for account in fresh]
                size = store.enter(entries) - len(fresh)
                store.database.many(
                    "INSERT INTO account VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, ?)",
                    (
                        (a.id, a.unit, a.party, a.purpose, int(a.above_zero), size + i)
                        for i, a in enumerate(fresh, 1)
                    ),
                )
            self._accounts.update({account.id: account for account in fresh})
            self._balances.update({account.id: Balance() for account in fresh})

    def account(self, name: str) -> Account:
        """Return an account; raises `DataError` with the nearest known one."""
        if name not in self._accounts:
            text = with_meant(_ABSENT, meant(name, self._accounts), id=name)
            raise DataError("account_unknown", text)
        return self._accounts[name]

    def balance(self, name: str) -> Balance:
        """Return what an account came to; raises `DataError` where it is not open."""
        return self._balances[self.account(name).id]

    def post(self, transfers: Sequence[Transfer]) -> list[Posted]:
        """Return what became of each transfer; durable when this returns.

        Linked ones hold together or not at all; of the others each stands for itself.
        """
        return self._together.ask(transfers) if transfers else []

    def _post(self, asked: Sequence[Sequence[Transfer]]) -> list[list[Posted]]:
        def work() -> tuple[list[list[Posted]], dict[str, Balance]]:
            with self._store.writing():
                trial = _Trial(self._store, self._accounts, self._balances)
                found = [trial.all(transfers) for transfers in asked]
                trial.write()
                return found, trial.balances

        outcomes, balances = self._store.with_reserve(work)
        self._balances.update(balances)
        return outcomes


_ABSENT = Text("account '{id}' is not open{meant} Open it first", "账户“{id}”未开{meant}先开户")


def _check(account: Account) -> None:
    """Raise `DataError` where an account cannot be."""
    if not 1 <= len(account.id) <= _LONGEST:
        raise DataError("account_id", _ID.format(given=account.id, most=_LONGEST))
    if account.unit not in UNITS:
        near, known = meant(account.unit, UNITS), ", ".join(UNITS)
        text = with_meant(_UNIT, near, id=account.id, given=account.unit, known=known)
        raise DataError("account_unit", text)


class _Trial:
    """Transfers judged in order against the ledger and each other, then written at once."""

    def __init__(
        self, store: Store, accounts: dict[str, Account], balances: dict[str, Balance]
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._before = balances
        self.balances: dict[str, Balance] = {}
        self._known: dict[str, _Known | None] = {}
        self._fresh: list[Transfer] = []
        self._states: dict[str, str] = {}

    def all(self, transfers: Sequence[Transfer]) -> list[Posted]:
        """Judge transfers, chain by chain."""
        outcomes: list[Posted] = []
        chain: list[Transfer] = []
        for transfer in transfers:
            chain.append(transfer)
            if not transfer.linked:
                outcomes += self._chain(chain)
                chain = []
        if chain:
            failed = [Posted.LINKED_TRANSFER_FAILED] * (len(chain) - 1)
            outcomes += [*failed, Posted.LINK_IS_OPEN]
        return outcomes

    def _chain(self, chain: Sequence[Transfer]) -> list[Posted]:
        """Judge transfers that hold together or not at all."""
        if len(chain) == 1:
            return [self._one(chain[0])]
        saved = (dict(self.balances), dict(self._known), dict(self._states))
        count = len(self._fresh)
        outcomes = [self._one(transfer) for transfer in chain]
        if all(each.done for each in outcomes):
            return outcomes
        self.balances, self._known, self._states = saved
        del self._fresh[count:]
        return [Posted.LINKED_TRANSFER_FAILED if each.done else each for each in outcomes]

    def _one(self, transfer: Transfer) -> Posted:
        if not 1 <= len(transfer.id) <= _LONGEST:
            return Posted.ID_CANNOT_BE
        held = self._find(transfer.id)
        if held is not None:
            same = held.body == transfer.body()
            return Posted.EXISTS if same else Posted.EXISTS_WITH_ANOTHER_BODY
        if transfer.step in {"post", "void"}:
            return self._end(transfer)
        return self._begin(transfer)

    def _find(self, name: str) -> _Known | None:
        if name not in self._known:
            rows = self._store.database.rows(
                "SELECT body, amount, state FROM transfer WHERE id = ?", (name,)
            )
            self._known[name] = None
            for body, amount, state in rows:
                self._known[name] = _Known(json.loads(body), int(amount), state)
        return self._known[name]

    def _balance(self, name: str) -> Balance:
        return self.balances.get(name) or self._before[name]

    def _begin(self, transfer: Transfer) -> Posted:
        """Judge a transfer that is posted at once or becomes pending."""
        refused = self._refused(transfer)
        if refused is not None:
            return refused
        debit, credit = self._balance(transfer.debit), self._balance(transfer.credit)
        amount = transfer.amount
        if self._accounts[transfer.debit].above_zero and debit.free < amount:
            return Posted.BALANCE_WOULD_FALL_BELOW_ZERO
        sums = (
            debit.debits_posted + debit.debits_pending,
            credit.credits_posted + credit.credits_pending,
        )
        if max(sums) + amount > MOST:
            return Posted.BALANCE_WOULD_OVERFLOW
        if transfer.step == "pending":
            debit = replace(debit, debits_pending=debit.debits_pending + amount)
            credit = replace(credit, credits_pending=credit.credits_pending + amount)
        else:
            debit = replace(debit, debits_posted=debit.debits_posted + amount)
            credit = replace(credit, credits_posted=credit.credits_posted + amount)
        self.balances[transfer.debit], self.balances[transfer.credit] = debit, credit
        self._keep(transfer, amount, "pending" if transfer.step == "pending" else "posted")
        return Posted.CREATED

    def _refused(self, transfer: Transfer) -> Posted | None:
        """Return why accounts and amount cannot be."""
        if transfer.debit not in self._accounts:
            return Posted.DEBIT_ACCOUNT_UNKNOWN
        if transfer.credit not in self._accounts:
            return Posted.CREDIT_ACCOUNT_UNKNOWN
        if transfer.debit == transfer.credit:
            return Posted.ACCOUNTS_ARE_THE_SAME
        if self._accounts[transfer.debit].unit != self._accounts[transfer.credit].unit:
            return Posted.ACCOUNTS_OF_DIFFERENT_UNITS
        if transfer.amount <= 0:
            return Posted.AMOUNT_MUST_BE_POSITIVE
        return Posted.AMOUNT_IS_TOO_LARGE if transfer.amount > MOST else None

    def _end(self, transfer: Transfer) -> Posted:
        """Judge the end of a pending transfer: posted, all or a part of it, or voided."""
        pending = self._find(transfer.pending)
        if pending is None:
            return Posted.PENDING_TRANSFER_UNKNOWN
        state = self._states.get(transfer.pending, pending.state)
        ended = {
            "posted": Posted.TRANSFER_IS_NOT_PENDING,
            "done": Posted.PENDING_TRANSFER_ALREADY_POSTED,
            "voided": Posted.PENDING_TRANSFER_ALREADY_VOIDED,
        }
        if state in ended:
            return ended[state]
        assert state == "pending", "a transfer has one of four states"
        if transfer.amount < 0:
            return Posted.AMOUNT_MUST_BE_POSITIVE
        if transfer.amount > pending.amount:
            return Posted.AMOUNT_IS_BEYOND_PENDING
        reserved = pending.amount
        amount = 0 if transfer.step == "void" else transfer.amount or reserved
        debit, credit = str(pending.body["debit"]), str(pending.body["credit"])
        from_, to = self._balance(debit), self._balance(credit)
        self.balances[debit] = replace(
            from_,
            debits_pending=from_.debits_pending - reserved,
            debits_posted=from_.debits_posted + amount,
        )
        self.balances[credit] = replace(
            to,
            credits_pending=to.credits_pending - reserved,
            credits_posted=to.credits_posted + amount,
        )
        self._states[transfer.pending] = "voided" if transfer.step == "void" else "done"
        self._keep(transfer, amount, "posted")
        return Posted.CREATED

    def _keep(self, transfer: Transfer, amount: int, state: str) -> None:
        self._known[transfer.id] = _Known(transfer.body(), amount, state)
        self._states[transfer.id] = state
        self._fresh.append(transfer)

    def write(self) -> None:
        """Write what holds: leaves, transfers, balances."""
        if not self._fresh:
            return
        store = self._store
        bodies = [transfer.body() for transfer in self._fresh]
        size = store.enter([("posting", body, "") for body in bodies]) - len(bodies)
        store.database.many(
            "INSERT INTO transfer VALUES (?, ?, ?, ?, ?)",
            (
                (
                    transfer.id, self._states[transfer.id], self._amount(transfer.id),
                    json.dumps(body, ensure_ascii=False), size + i,
                )
                for i, (transfer, body) in enumerate(zip(self._fresh, bodies, strict=True), 1)
            ),
        )  # fmt: skip
        fresh = {transfer.id for transfer in self._fresh}
        store.database.many(
            "UPDATE transfer SET state = ? WHERE id = ?",
            [(state, name) for name, state in self._states.items() if name not in fresh],
        )
        store.database.many(
            "UPDATE account SET debits_pending = ?, debits_posted = ?, credits_pending = ?, "
            "credits_posted = ? WHERE id = ?",
            [
                (b.debits_pending, b.debits_posted, b.credits_pending, b.credits_posted, name)
                for name, b in self.balances.items()
            ],
        )

    def _amount(self, name: str) -> int:
        known = self._known[name]
        assert known is not None, "just kept"
        return known.amount
