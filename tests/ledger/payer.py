"""A process in which a hundred clients pay each other until it is killed, each with retries.

`python -m tests.ledger.payer PLACE EACH`: each client makes `EACH` transfers between accounts that
may not go below zero, every one twice; some are reserved first, some linked in pairs.
"""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor

from zeropark.ledger.place import place_of
from zeropark.ledger.postings import Account, Postings, Transfer
from zeropark.ledger.store import Store

CLIENTS, ACCOUNTS, START = 100, 20, 1_000


def transfers_of(client: int, each: int) -> list[Transfer]:
    """Return what a client asks for, the same in every life of the process."""
    chance = random.Random(client)  # noqa: S311 - made up payments
    asked = []
    for n in range(each):
        debit, credit = chance.sample(range(ACCOUNTS), 2)
        amount = chance.randint(1, 60)
        name = f"c{client}-{n}"
        step, kind = "pending" if n % 3 == 0 else "transfer", f"a{debit}"
        asked.append(
            Transfer(name, kind, f"a{credit}", amount, step, linked=n % 5 == 1 and n + 1 < each)  # type: ignore[arg-type] # both are steps
        )
    return asked


def main(place: str, each: str) -> None:
    """Open what is not open, then let every client ask for all it wants."""
    with Store(place_of(place), "payer", reserve=1 << 16) as store:
        postings = Postings(store)
        names = [f"a{i}" for i in range(ACCOUNTS)]
        postings.open([Account("world", "Wh", "grid", "electricity")])
        postings.open([Account(n, "Wh", n, "electricity", above_zero=True) for n in names])
        postings.post([Transfer(f"start-{n}", "world", n, START) for n in names])
        print("ready", flush=True)  # noqa: T201 - from here on it may be killed

        def live(client: int) -> None:
            asked = transfers_of(client, int(each))
            chain: list[Transfer] = []
            for transfer in asked:
                chain.append(transfer)
                if transfer.linked:
                    continue
                postings.post(chain)
                postings.post(chain)
                for n, made in enumerate(chain):
                    if made.step == "pending":
                        end = "void" if n % 2 else "post"
                        name = f"{made.id}-{end}"
                        postings.post([Transfer(name, step=end, pending=made.id)])  # type: ignore[arg-type] # both are steps
                chain = []

        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(live, range(CLIENTS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
