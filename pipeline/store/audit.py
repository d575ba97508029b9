"""The audit: who did what, append-only, each row bound to the one before it by a hash.

A row's hash covers its number, all its fields and the hash of the row before; the head says how long the chain is and
how it ends. `verify` walks the chain and finds a row that was altered, removed, added between or moved; the head finds
rows cut off at the end. Who can write to the database could make a whole new chain: anchors, kept elsewhere, find that.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.audit_tables import AuditHeadRow, AuditRow

GENESIS = "0" * 64
HEAD_ID = 1
PAGE = 1000


@dataclass(frozen=True)
class Entry:
    """One row of the audit. `n` counts from 1, `at_ms` is epoch ms, `detail` canonical JSON."""

    n: int
    at_ms: int
    actor: str
    what: str
    subject: str
    detail: str
    prev: str
    hash: str


@dataclass(frozen=True)
class Anchor:
    """The end of the chain at some time: `n` rows, the last with `hash`."""

    n: int
    hash: str


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: how many rows were good from the first on, and what is wrong (empty: nothing)."""

    rows: int
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Whether the chain is whole."""
        return not self.fault


def canonical(detail: Mapping[str, Any] | None) -> str:
    """Return a detail as the one JSON text that it is kept and hashed as."""
    return json.dumps(detail or {}, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def hash_of(entry: Entry) -> str:
    """Return the sha256 that binds a row to its content and to the row before."""
    fields = [entry.n, entry.at_ms, entry.actor, entry.what, entry.subject, entry.detail, entry.prev]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def audit(session: Session, actor: str, what: str, subject: str, detail: Mapping[str, Any] | None, at_ms: int) -> Entry:
    """Append a row in the caller's writing transaction: what was done and its row are kept or lost together.

    Writers take turns at the head until they commit: call it last in a transaction.

    Args:
        session: A writing session.
        actor: Name of the person, or of the part of the system (`siaga`).
        what: A word with a dot, like `media.viewed`, `incident.decided`, `config.changed`.
        subject: What it was done to: an id.
        detail: More, as JSON; nothing secret. Floats and dates become text or numbers as JSON knows them.
        at_ms: When, epoch ms.
    """
    query = sa.select(AuditHeadRow.n, AuditHeadRow.hash).where(AuditHeadRow.id == HEAD_ID).with_for_update()
    head = session.execute(query).one()
    entry = seal(Entry(head.n + 1, at_ms, _short(actor, 120), what[:60], _short(subject, 200), canonical(detail),
                       head.hash, ""))  # fmt: skip
    session.execute(sa.insert(AuditRow).values(**entry.__dict__))
    session.execute(
        sa.update(AuditHeadRow).where(AuditHeadRow.id == HEAD_ID).values(n=entry.n, hash=entry.hash),
        execution_options={"synchronize_session": False},
    )
    return entry


def audit_once(
    session: Session,
    actor: str,
    what: str,
    subject: str,
    detail: Mapping[str, Any] | None,
    at_ms: int,
    within_ms: int,
) -> Entry | None:
    """Append a row as `audit` does, unless the same actor did the same to the same subject within that time.

    For what a browser repeats by itself: a clip that plays in a loop was looked at once.
    """
    same = sa.select(AuditRow.n).where(
        AuditRow.actor == _short(actor, 120),
        AuditRow.what == what[:60],
        AuditRow.subject == _short(subject, 200),
        AuditRow.at_ms > at_ms - within_ms,
    )
    if session.scalar(same.limit(1)) is not None:
        return None
    return audit(session, actor, what, subject, detail, at_ms)


def seal(entry: Entry) -> Entry:
    """Return the row with its hash."""
    return Entry(**{**entry.__dict__, "hash": hash_of(entry)})


def _short(text: str, most: int) -> str:
    """Cut a text to its column; PostgreSQL takes no NUL in a text."""
    return text.replace("\0", "")[:most]


def anchor(session: Session) -> Anchor:
    """Return the head of the chain, to be kept elsewhere."""
    row = session.execute(sa.select(AuditHeadRow.n, AuditHeadRow.hash).where(AuditHeadRow.id == HEAD_ID)).first()
    return Anchor(row.n, row.hash) if row is not None else Anchor(-1, "")


def entries(session: Session) -> Iterator[Entry]:
    """Yield all rows in their order, in pages, so that a chain of years does not fill the memory."""
    after: int | None = None
    while True:
        query = sa.select(AuditRow.__table__).order_by(AuditRow.n).limit(PAGE)
        rows = session.execute(query if after is None else query.where(AuditRow.n > after)).all()
        yield from (Entry(**row._mapping) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1].n


def check(
    rows: Iterable[Entry], head: Anchor, anchors: Iterable[Anchor] = (), start: Anchor = Anchor(0, GENESIS)
) -> Verdict:
    """Say whether rows are one whole chain from behind `start` to the head, and hold the anchors since. Pure."""
    wanted = sorted({one for one in anchors if one.n >= start.n}, key=lambda one: (one.n, one.hash))
    at, last = start.n, start.hash
    for entry in rows:
        if entry.n != at + 1:
            return Verdict(at, f"row {at + 1} is missing: row {entry.n} follows row {at}")
        if entry.prev != last:
            return Verdict(at, f"row {entry.n} is not bound to the row before it: a row was altered or exchanged")
        if hash_of(entry) != entry.hash:
            return Verdict(at, f"row {entry.n} was altered: its content does not make its hash")
        at, last = entry.n, entry.hash
        while wanted and wanted[0].n <= at:
            kept = wanted.pop(0)
            if kept.n == at and kept.hash != last:
                return Verdict(at - 1, f"row {at} is not what an anchor says: the chain was made anew")
    if (head.n, head.hash) != (at, last):
        return Verdict(at, f"the head says {head.n} rows, but the chain ends at row {at}: rows were removed or added")
    missing = [kept for kept in wanted if kept != start]
    if missing:
        return Verdict(at, f"an anchor says {missing[-1].n} rows, but the chain ends at row {at}: rows were removed")
    return Verdict(at)


def verify(session: Session, anchors: Iterable[Anchor] = ()) -> Verdict:
    """Walk the whole chain of one reading transaction and say whether a row was altered, removed, added or moved."""
    head = anchor(session)
    return check(entries(session), head, anchors)


def verify_end(session: Session, anchors: Iterable[Anchor] = (), rows: int = 500) -> Verdict:
    """Check the newest rows, the head and the anchors among them: what a page can afford each time it is opened."""
    head = anchor(session)
    query = sa.select(AuditRow.__table__).order_by(AuditRow.n.desc()).limit(rows)
    newest = [Entry(**row._mapping) for row in session.execute(query)][::-1]
    start = Anchor(newest[0].n - 1, newest[0].prev) if newest else Anchor(0, GENESIS)
    return check(newest, head, anchors, start)


def find_entries(
    session: Session, conditions: Sequence[sa.ColumnElement[bool]], before: int | None, limit: int
) -> list[Entry]:
    """Return rows that hold all conditions, newest first, those before a number only."""
    query = sa.select(AuditRow.__table__).where(*conditions).order_by(AuditRow.n.desc()).limit(limit)
    rows = session.execute(query if before is None else query.where(AuditRow.n < before))
    return [Entry(**row._mapping) for row in rows]


def conditions_of(
    actor: str = "", what: str = "", subject: str = "", since_ms: int | None = None, until_ms: int | None = None
) -> list[sa.ColumnElement[bool]]:
    """Return conditions for `find_entries`: exact actor, beginning of `what`, part of `subject`, a span of time."""
    found: list[sa.ColumnElement[bool]] = []
    if actor:
        found.append(AuditRow.actor == actor)
    if what:
        found.append(AuditRow.what.startswith(what, autoescape=True))
    if subject:
        found.append(AuditRow.subject.contains(subject, autoescape=True))
    if since_ms is not None:
        found.append(AuditRow.at_ms >= since_ms)
    if until_ms is not None:
        found.append(AuditRow.at_ms < until_ms)
    return found


def kinds_of(session: Session) -> list[str]:
    """Return every `what` that the audit holds, in order."""
    return list(session.scalars(sa.select(AuditRow.what).distinct().order_by(AuditRow.what)))
