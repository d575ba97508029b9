"""A test (uji coba) of a post: marked notices go through the outbox of the running stage, and their receipts come back.

It goes through the outbox because that is what an incident does: the same process, network, secrets, breakers and
retries. What the stage has not sent when the patience ends is withdrawn, so that no test arrives late.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlalchemy.orm import Session

from pipeline.alert.drill import orders_of, targets_of
from pipeline.alert.rules import Rules
from pipeline.ops.clock import Clock
from pipeline.ops.errors import ConfigError
from pipeline.store import drills
from pipeline.store.areas import covers
from pipeline.store.database import Database
from pipeline.store.drills_tables import DrillRow
from pipeline.store.health import list_health
from pipeline.store.outbox import of_incident
from pipeline.store.tables import OutboxRow

MARK = "UJI COBA / TEST"
LOOK_EVERY_S = 0.2
SHOWN_MS = 120_000
"""A test stands at the desk at least this long."""
OPEN = ("pending", "leased")
WORDS: Mapping[str, str] = {"accepted": "accepted by provider", "delivered": "delivered"}


@dataclass(frozen=True)
class Receipt:
    """What became of one target: `ok`, the word of whoever took it, how long it took (s), and why it failed."""

    target: str
    channel: str
    why: str
    ok: bool
    receipt: str
    attempts: int
    seconds: float | None
    detail: str


@dataclass(frozen=True)
class Report:
    """The outcome of a test: a receipt for each target, and who accepted it at the desk, if anybody did."""

    id: str
    post: str
    name: str
    receipts: tuple[Receipt, ...]
    accepted_by: str | None
    accepted_after_s: float | None

    @property
    def ok(self) -> bool:
        """Whether every target took it."""
        return bool(self.receipts) and all(receipt.ok for receipt in self.receipts)

    def document(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {
            "test": self.id,
            "marked": MARK,
            "post": self.post,
            "name": self.name,
            "ok": self.ok,
            "accepted": None
            if self.accepted_by is None
            else {"by": self.accepted_by, "after_s": self.accepted_after_s},
            "channels": [receipt.__dict__ for receipt in self.receipts],
        }


def post_of(rules: Rules, text: str) -> str:
    """Return the kelurahan that a post is known by: its code, or the name of a duty post that serves it.

    Raises:
        ConfigError: There is none; the message names what is near.
    """
    places = rules.registry.kelurahan
    if text in places:
        return text
    for post in rules.alert.duty.posts:
        if post.name == text:
            inside = (code for code in places if any(covers(area, code) for area in post.kelurahan))
            code = next(inside, None)
            if code is not None:
                return code
            raise ConfigError(f"--post {text}: this post serves the whole city; name a kelurahan")
    names = [post.name for post in rules.alert.duty.posts]
    near = ", ".join(get_close_matches(text, [*places, *names], 3))
    raise ConfigError(f"--post {text}: no kelurahan of the registry, no duty post{f'; near: {near}' if near else ''}")


def check_stage(database: Database, now_ms: int, stale_ms: int) -> None:
    """Refuse a test that nobody would send.

    Raises:
        ConfigError: No alert stage has reported lately.
    """
    with database.reading() as session:
        last_ms = max((word.at_ms for word in list_health(session) if word.stage == "alert"), default=None)
    if last_ms is None:
        raise ConfigError("the alert stage has never run on this database: start it (`siaga run` or `siaga alert`)")
    if now_ms - last_ms > stale_ms:
        raise ConfigError(f"the alert stage has been silent for {(now_ms - last_ms) / 1000:.0f} s: nobody would send")


class Trial:
    """One test of one post.

    Args:
        rules: What routing goes by.
        database: The store that the alert stage works on.
        clock: Time now, epoch ms.
        pause: Waits for so many seconds.
    """

    def __init__(self, rules: Rules, database: Database, clock: Clock, pause: Callable[[float], object]) -> None:
        self._rules, self._database, self._clock, self._pause = rules, database, clock, pause

    def run(self, post: str, timeout_s: float, accept_s: float = 0.0) -> Report:
        """Send the test, wait for the receipts and return them.

        Args:
            post: Code of the kelurahan.
            timeout_s: Patience for the channels.
            accept_s: Patience for a person at the desk who accepts it; 0 = nobody is waited for.
        """
        began = self._clock()
        drill_id = f"uji-{began}-{post}"
        told = targets_of(post, self._rules, began, everybody=True, quiet_too=True)
        orders = list(orders_of("test", drill_id, post, told, self._rules.registry, began))
        until_ms = began + max(SHOWN_MS, int(1000 * max(timeout_s, accept_s)))
        self._database.transact(lambda session: drills.begin(session, drill_id, "test", post, began, until_ms, orders))
        while self._waits(drill_id, began, timeout_s, accept_s):
            self._pause(LOOK_EVERY_S)
        self._database.transact(lambda session: drills.withdraw(session, [drill_id]))
        return self._report(drill_id)

    def _waits(self, drill_id: str, began: int, timeout_s: float, accept_s: float) -> bool:
        """Whether a channel or a person is still to be waited for."""
        waited_s = (self._clock() - began) / 1000
        with self._database.reading() as session:
            row, rows = _read(session, drill_id)
        sending = waited_s < timeout_s and any(one.state in OPEN for one in rows)
        return sending or (waited_s < accept_s and row.answered_ms is None)

    def _report(self, drill_id: str) -> Report:
        """Read what became of it."""
        with self._database.reading() as session:
            row, rows = _read(session, drill_id)
        ward = self._rules.registry.kelurahan.get(row.post)
        receipts = tuple(_receipt(one) for one in rows)
        return Report(row.id, row.post, ward.name if ward else "", receipts, row.answered_by, row.seconds)


def _read(session: Session, drill_id: str) -> tuple[DrillRow, list[OutboxRow]]:
    """Return a test and its outbox rows."""
    return session.get_one(DrillRow, drill_id), of_incident(session, drill_id)


def _receipt(row: OutboxRow) -> Receipt:
    """Return what became of one row."""
    ok, receipt = row.state == "sent", row.receipt or {}
    word = WORDS.get(str(receipt.get("receipt")), "taken") if ok else "given up" if row.state == "dead" else "no answer"
    said = ", ".join(f"{key} {value}" for key, value in receipt.items() if key != "receipt" and value not in ("", None))
    return Receipt(
        target=row.target,
        channel=row.channel,
        why=str(row.payload.get("why", "")),
        ok=ok,
        receipt=word,
        attempts=row.attempts,
        seconds=(row.sent_ms - row.created_ms) / 1000 if row.sent_ms is not None else None,
        detail=said if ok else row.last_error or "the stage did not try it in time",
    )


def table(report: Report) -> Iterable[str]:
    """Yield a report as lines for a terminal."""
    yield f"{MARK} · {report.post} {report.name} · {report.id}"
    width = max((len(receipt.target) for receipt in report.receipts), default=0)
    for receipt in report.receipts:
        took = "-" if receipt.seconds is None else f"{receipt.seconds:.1f} s"
        mark = "ok    " if receipt.ok else "FAILED"
        yield f"{mark}  {receipt.target:<{width}}  {receipt.receipt:<20}  {took:>7}  {receipt.detail}".rstrip()
    if report.accepted_by is not None:
        yield f"accepted at the desk by {report.accepted_by} after {report.accepted_after_s:.1f} s"
