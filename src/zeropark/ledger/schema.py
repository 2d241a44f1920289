"""The tables of a store, in words that SQLite and PostgreSQL share; `BYTES` and `WHOLE` differ."""

from __future__ import annotations

from collections.abc import Iterator

FORMAT = 1
"""The form that this version writes; a store says its own in `about`."""
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE leaf (size WHOLE PRIMARY KEY, body BYTES NOT NULL);
CREATE TABLE frontier (one WHOLE PRIMARY KEY, state BYTES NOT NULL);
CREATE TABLE entry (size WHOLE PRIMARY KEY, kind TEXT NOT NULL, at WHOLE NOT NULL,
  subject TEXT NOT NULL);
CREATE INDEX entry_kind ON entry (kind, subject, at);
CREATE TABLE point (number WHOLE PRIMARY KEY, name TEXT NOT NULL UNIQUE, size WHOLE NOT NULL);
CREATE TABLE source (number WHOLE PRIMARY KEY, name TEXT NOT NULL UNIQUE, size WHOLE NOT NULL);
CREATE TABLE batch (size WHOLE PRIMARY KEY, first_row WHOLE NOT NULL, row_count WHOLE NOT NULL,
  known_at WHOLE NOT NULL, start_min WHOLE NOT NULL, start_max WHOLE NOT NULL,
  corrections WHOLE NOT NULL, held BYTES);
CREATE INDEX batch_hot ON batch (start_max) WHERE held IS NOT NULL;
CREATE INDEX batch_rows ON batch (first_row);
CREATE INDEX batch_known ON batch (known_at);
CREATE TABLE sealed (path TEXT PRIMARY KEY, day TEXT NOT NULL, hour WHOLE NOT NULL,
  first_row WHOLE NOT NULL, row_count WHOLE NOT NULL, known_min WHOLE NOT NULL,
  known_max WHOLE NOT NULL, start_min WHOLE NOT NULL, start_max WHOLE NOT NULL,
  corrections WHOLE NOT NULL, bytes WHOLE NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE gone (path TEXT PRIMARY KEY);
CREATE TABLE latest (page WHOLE PRIMARY KEY, body BYTES NOT NULL);
CREATE TABLE spell (point WHOLE NOT NULL, start_at WHOLE NOT NULL, end_at WHOLE NOT NULL,
  PRIMARY KEY (point, start_at));
CREATE TABLE finding (point WHOLE NOT NULL, flag WHOLE NOT NULL, first_at WHOLE NOT NULL,
  last_at WHOLE NOT NULL, times WHOLE NOT NULL, known_at WHOLE NOT NULL,
  PRIMARY KEY (point, flag));
CREATE TABLE quarantine (number WHOLE PRIMARY KEY, known_at WHOLE NOT NULL, reason WHOLE NOT NULL,
  raw BYTES NOT NULL);
CREATE TABLE rollup (level TEXT NOT NULL, point WHOLE NOT NULL, start_at WHOLE NOT NULL,
  total TEXT NOT NULL, low WHOLE, high WHOLE, times WHOLE NOT NULL, covered WHOLE NOT NULL,
  PRIMARY KEY (level, point, start_at));
CREATE TABLE account (id TEXT PRIMARY KEY, unit TEXT NOT NULL, party TEXT NOT NULL,
  purpose TEXT NOT NULL, floor WHOLE NOT NULL, debits_pending WHOLE NOT NULL,
  debits_posted WHOLE NOT NULL, credits_pending WHOLE NOT NULL, credits_posted WHOLE NOT NULL,
  size WHOLE NOT NULL);
CREATE TABLE transfer (id TEXT PRIMARY KEY, state TEXT NOT NULL, amount WHOLE NOT NULL,
  body TEXT NOT NULL, size WHOLE NOT NULL)
"""


def statements(whole: str, data: str) -> Iterator[str]:
    """Yield the statements that make the tables. whole, data: types of whole numbers and bytes."""
    for statement in TABLES.strip().split(";\n"):
        yield statement.replace("WHOLE", whole).replace("BYTES", data)
