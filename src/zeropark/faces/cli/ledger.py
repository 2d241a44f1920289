"""`zeropark ledger`: which commands there are; each is written in a file of its group."""

from __future__ import annotations

from zeropark.faces.cli.command import Command
from zeropark.faces.locale import N_

_KEEP = "zeropark.faces.cli.ledger_keep"
_LOOK = "zeropark.faces.cli.ledger_look"
_BRING = "zeropark.faces.cli.ledger_bring"

_GUARD = "zeropark.faces.cli.ledger_key"

_KEY = {
    "new": Command(
        _GUARD,
        "new",
        N_("Make a key in a file of your own; with --store, state it as the store's."),
        examples=("zeropark ledger key new ~/ledger.key --store park",),
    ),
    "show": Command(
        _GUARD, "show", N_("Show the store's keys, their fingerprints and their time.")
    ),
    "sign": Command(
        "zeropark.faces.cli.ledger_sign",
        "sign",
        N_("Sign the head of the log now, or by the hour, and note it there."),
        examples=(
            "zeropark ledger key sign --store park --key ~/ledger.key --out head.json",
            "zeropark ledger key sign --store park --key ~/ledger.key --every 1h",
        ),
    ),
    "rotate": Command(
        _GUARD,
        "rotate",
        N_("Hand on to a new key; the old one signs for it."),
        examples=("zeropark ledger key rotate ~/next.key --store park --key ~/ledger.key",),
    ),
    "revoke": Command(
        _GUARD,
        "revoke",
        N_("State that heads of a key do not count from a date on."),
        examples=("zeropark ledger key revoke 3f5a --since 2026-04-17 --why stolen --store park",),
    ),
    "lost": Command(
        _GUARD,
        "lost",
        N_("Begin a new epoch with a new key, because the old one is lost; the log says so."),
        examples=("zeropark ledger key lost ~/new.key --why 'disk failed' --store park",),
    ),
    "backup": Command(
        _GUARD,
        "backup",
        N_("Seal the key with a passphrase in a file of its own."),
        examples=("zeropark ledger key backup key.sealed --key ~/ledger.key",),
    ),
    "restore": Command(
        _GUARD,
        "restore",
        N_("Open a sealed backup into a key file."),
        examples=("zeropark ledger key restore key.sealed ~/ledger.key",),
    ),
}
LEDGER = {
    "new": Command(
        _KEEP,
        "new",
        N_("Make a store, field or simulated for good."),
        examples=("zeropark ledger new park --nature field",),
    ),
    "point": Command(
        "zeropark.faces.cli.ledger_points",
        "point",
        N_("Register a point or meter, state anew what changed, or show all."),
        examples=(
            "zeropark ledger point works/main --unit Wh --interval-s 900 --tolerance-ppm 15000",
            "zeropark ledger point works/hall --unit Wh --interval-s 900 --parent works/main",
            "zeropark ledger point works/main --accuracy 0.5S --calibrated 2026-01-31",
            "zeropark ledger point --store park --json",
        ),
    ),
    "residual": Command(
        "zeropark.faces.cli.ledger_points",
        "residual",
        N_("Show what a meter measured beyond its parts, never spread over them."),
        examples=("zeropark ledger residual works/main --store park --from 2026-04-17",),
    ),
    "tail": Command(
        _LOOK,
        "tail",
        N_("Show the newest entries of the log."),
        examples=("zeropark ledger tail --store park --lines 20",),
    ),
    "query": Command(
        _LOOK,
        "query",
        N_("Show readings, sums, newest values, health or entries."),
        examples=(
            "zeropark ledger query --store park --latest",
            "zeropark ledger query --store park --point works/node --from 2026-04-17 --step hour",
            "zeropark ledger query --store park --as-of 2026-05-01T00:00:00+08:00 --step day",
            "zeropark ledger query --store park --step day --claim",
            "zeropark ledger query --store park --kind command --json",
        ),
    ),
    "import": Command(
        _BRING,
        "bring",
        N_("Take a file of readings, whole or not at all."),
        examples=(
            "zeropark ledger import meters.csv --asset works --store park --dry-run",
            "zeropark ledger import battery.csv --unit RealPower=kW --point RealPower=bat/p",
            "zeropark ledger import sessions.csv --person user_id --people people.json",
        ),
    ),
    "fill": Command(
        "zeropark.faces.cli.ledger_fill",
        "fill",
        N_("Fill gaps of a point by a method that is named; nothing else does."),
        examples=(
            "zeropark ledger fill works/main --from 2026-04-17 --until 2026-04-18 --by mean",
            "zeropark ledger fill air/t --from 2026-04-17 --until 2026-04-18 --by last --dry-run",
        ),
    ),
    "forget": Command(
        _BRING,
        "forget",
        N_("Destroy whose a pseudonym was; the log keeps the pseudonym."),
        examples=("zeropark ledger forget 'plate 17' --people people.json --store park",),
    ),
    "export": Command(
        _LOOK,
        "export",
        N_("Write readings into a file that import reads."),
        examples=(
            "zeropark ledger export april.parquet --store park --from 2026-04-01",
            "zeropark ledger export april.csv --store park --from 2026-04-01 --proof",
        ),
    ),
    "seal": Command(
        _KEEP,
        "seal",
        N_("Put whole hours into sealed files, and days into one."),
        examples=("zeropark ledger seal --store park",),
    ),
    "rollup": Command(
        "zeropark.faces.cli.ledger_expire",
        "rollup",
        N_("Show sums with their coverage, of expired days too."),
        examples=(
            "zeropark ledger rollup --store park --from 2026-04-01 --until 2026-05-01",
            "zeropark ledger rollup --from 2026-01-01 --until 2027-01-01 --step month --json",
        ),
    ),
    "expire": Command(
        "zeropark.faces.cli.ledger_expire",
        "expire",
        N_("State for how long readings are kept, or let expire what is older."),
        examples=(
            "zeropark ledger expire --store park --keep-days 3650 --why 'metering code 7.3'",
            "zeropark ledger expire --store park",
        ),
    ),
    "move": Command(
        "zeropark.faces.cli.ledger_move",
        "move",
        N_("Move a store from a folder to a PostgreSQL server, or back."),
        examples=(
            "zeropark ledger move postgresql://park@db.example/ledger --store park",
            "zeropark ledger move park --store postgresql://park@db.example/ledger",
        ),
    ),
    "backup": Command(
        _KEEP,
        "backup",
        N_("Copy a store while it is written."),
        examples=(
            "zeropark ledger backup copy --store park",
            "zeropark ledger backup copy --store postgresql://park@db.example/ledger",
        ),
    ),
    "restore": Command(
        _KEEP,
        "restore",
        N_("Make a store from a backup and verify it."),
        examples=(
            "zeropark ledger restore copy park",
            "zeropark ledger restore copy postgresql://park@db.example/again",
        ),
    ),
    "upgrade": Command(
        _KEEP,
        "upgrade",
        N_("Lift a store of an older form, backup first."),
        examples=("zeropark ledger upgrade --store park --dry-run",),
    ),
    "verify": Command(
        "zeropark.faces.cli.ledger_verify",
        "verify",
        N_("Check that nothing was changed: a whole store, or a proof."),
        examples=(
            "zeropark ledger verify --store park",
            "zeropark ledger verify --store park --head report-head.json --head kept/",
            "zeropark ledger verify --proof proof.json --fingerprint 3f5a...",
        ),
    ),
    "prove": Command(
        "zeropark.faces.cli.ledger_prove",
        "prove",
        N_("Write the proof of readings or postings, for somebody without zeropark."),
        examples=(
            "zeropark ledger prove works/node@2026-04-17T12:00Z --store park --out proof.json",
            "zeropark ledger prove works/node@2026-04-01T00Z..2026-05-01T00Z --out april.json",
            "zeropark ledger prove transfer-17 --store park --out proof.json",
            "zeropark ledger prove leaf:42 --store park --head kept.json --out proof.json",
        ),
    ),
    "key": Command(
        "",
        "",
        N_("The key that signs: make it, sign with it, hand it on, revoke it, back it up."),
        _KEY,
    ),
    "witness": Command(
        "zeropark.faces.cli.ledger_witness",
        "witness",
        N_("Have another key keep the newest head outside the house, or be that witness."),
        examples=(
            "zeropark ledger witness https://witness.example --store park",
            "zeropark ledger witness kept/ --store park --key witness.key",
            "zeropark ledger witness kept/ --serve 127.0.0.1:8470 --key witness.key",
        ),
    ),
}
