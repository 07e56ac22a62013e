"""Stripe's objects in the store: JSON documents with an id, a kind, a parent and metadata."""

import json
import math
import secrets
import sqlite3
import string
from collections.abc import Mapping
from typing import Any

from sandbox.payments import errors

Object = dict[str, Any]
ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """An id in Stripe's manner, such as pi_3Q…"""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(24))}"


def insert(db: sqlite3.Connection, body: Object, *, now: float, parent: str | None = None) -> None:
    """Keep a new object."""
    db.execute(
        "INSERT INTO payment_object (id, kind, parent, created_at, body) VALUES (?, ?, ?, ?, ?)",
        (body["id"], body["object"], parent, now, json.dumps(body)),
    )
    _index(db, body)


def save(db: sqlite3.Connection, body: Object) -> None:
    """Keep the new state of an object."""
    db.execute("UPDATE payment_object SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))
    _index(db, body)


def get(db: sqlite3.Connection, kind: str, object_id: str) -> Object:
    """The object. Raises Refusal (404, resource_missing) where there is none."""
    row = db.execute(
        "SELECT body FROM payment_object WHERE id = ? AND kind = ?", (object_id, kind)
    ).fetchone()
    if row is None:
        raise errors.no_such(kind, object_id)
    return _load(row)


def children(db: sqlite3.Connection, parent: str) -> list[Object]:
    """The objects under one parent, newest first: the refunds of an intent."""
    rows = db.execute(
        "SELECT body FROM payment_object WHERE parent = ? ORDER BY number DESC", (parent,)
    )
    return [_load(row) for row in rows]


def all_of(db: sqlite3.Connection, kind: str, *, until: float = math.inf) -> list[Object]:
    """Every object of a kind, newest first; with `until`, only those made by then."""
    rows = db.execute(
        "SELECT body FROM payment_object WHERE kind = ? AND created_at <= ? ORDER BY number DESC",
        (kind, until),
    )
    return [_load(row) for row in rows]


def number_of(db: sqlite3.Connection, kind: str, object_id: str) -> int:
    """The place of an object among those of its kind. Raises Refusal where there is none."""
    row = db.execute(
        "SELECT number FROM payment_object WHERE id = ? AND kind = ?", (object_id, kind)
    ).fetchone()
    if row is None:
        raise errors.no_such(kind, object_id)
    return int(row["number"])


def page(
    db: sqlite3.Connection, wheres: list[str], values: Mapping[str, str | int], *, newest: bool
) -> list[Object]:
    """The objects that fulfil literal conditions, the newest or the oldest `:limit` of them."""
    # The clauses are literals of listing.py; every value is a parameter.
    sql = f"SELECT body FROM payment_object WHERE {' AND '.join(wheres)} ORDER BY number"  # noqa: S608
    rows = db.execute(f"{sql} {'DESC' if newest else 'ASC'} LIMIT :limit", values)
    return [_load(row) for row in rows]


def with_metadata(
    db: sqlite3.Connection, kind: str, key: str, value: str, *, until: float
) -> list[Object]:
    """The objects of a kind that carry this metadata, newest first, made by `until`."""
    # In SQLite CROSS JOIN also fixes the order: few rows have this metadata, many are of this kind.
    rows = db.execute(
        "SELECT body FROM payment_metadata CROSS JOIN payment_object USING (id)"
        " WHERE kind = ? AND key = ? AND value = ? AND created_at <= ? ORDER BY number DESC",
        (kind, key, value, until),
    )
    return [_load(row) for row in rows]


def merge_metadata(body: Object, changes: Mapping[str, str]) -> None:
    """Add and replace metadata; an empty value takes a key away."""
    merged = body["metadata"] | changes
    body["metadata"] = {key: value for key, value in merged.items() if value != ""}


def _index(db: sqlite3.Connection, body: Object) -> None:
    db.execute("DELETE FROM payment_metadata WHERE id = ?", (body["id"],))
    rows = [(body["id"], key, value) for key, value in body.get("metadata", {}).items()]
    db.executemany("INSERT INTO payment_metadata (id, key, value) VALUES (?, ?, ?)", rows)


def _load(row: sqlite3.Row) -> Object:
    body: Object = json.loads(row["body"])
    return body
