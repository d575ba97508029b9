"""Web Push: a notice to each browser of the people whose areas hold the incident; a later one takes its place."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence, Set
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.alert.channels.base import NOTICES, Abilities, Channel, Outcome, Refused, Retry, Sent
from pipeline.alert.channels.http import Exchange, judge
from pipeline.alert.channels.sealing import MOST, seal
from pipeline.alert.channels.shelf import Shelf
from pipeline.alert.content import Phase, read
from pipeline.alert.secret import secret_value
from pipeline.alert.wording import words
from pipeline.ops.alert_targets import WebPushSection
from pipeline.ops.clock import Clock
from pipeline.ops.errors import StoreError
from pipeline.ops.settings import Settings
from pipeline.ops.signature import push_token
from pipeline.ops.vapid import PrivateKey, authorization, b64, load_key
from pipeline.store import push
from pipeline.store.channel_tables import SubscriptionRow
from pipeline.store.database import explain
from pipeline.store.places import places_of
from pipeline.store.tables import OutboxRow

REMOVED = Counter("siaga_alert_push_removed_total", "Browsers forgotten, by reason", ["reason"])
EVERYBODY = "piket"
"""The target `webpush:piket` is everybody whose areas hold the incident; another name is one person's."""
GONE = {404: "not_found", 410: "gone"}
"""Answers by which a push service says that a browser takes nothing any more."""
REMEMBER_MS = 7 * 86_400_000
ROUND_S = 30.0
"""How long one delivery goes on telling browsers; whoever is left then is told in the next."""


def message(row: OutboxRow, zone: ZoneInfo, browser: int, token: str) -> bytes:
    """Return what the service worker is given: JSON with `title`, `body`, `tag`, `url`; small enough for one record.

    `browser`, `key` and `token` go back to the desk with the receipt.
    """
    content = read(row.payload)
    said = words(content, "id", zone)
    listed = content.phase is Phase.DIGEST
    fields = {
        "title": said.title[:200],
        "body": said.text[:1500],
        "tag": f"siaga-{content.incident}",
        "url": "/" if listed or content.is_test or not content.incident else f"/kejadian/{content.incident}",
        "key": row.idempotency_key,
        "browser": browser,
        "token": token,
        "quiet": content.phase in (Phase.CLEAR, Phase.CANCEL),
    }
    body = json.dumps(fields, ensure_ascii=False).encode()
    while len(body) > MOST:  # letters of several bytes
        fields["body"] = str(fields["body"])[: len(str(fields["body"])) // 2]
        body = json.dumps(fields, ensure_ascii=False).encode()
    return body


class WebPushChannel:
    """All browsers; each has a record of what it was told, so that only those left out are tried again."""

    name = "webpush"
    takes = NOTICES
    abilities = Abilities(in_place="yes", receipt="accepted", picture="no", signed="yes", later="seen")

    def __init__(
        self, section: WebPushSection, secret: str, key: PrivateKey, zone: ZoneInfo, shelf: Shelf, clock: Clock
    ) -> None:
        self._secret = secret
        self._section, self._key, self._zone, self._shelf, self._clock = section, key, zone, shelf, clock
        self.targets: Set[str] | None = None
        self.lease_s = ROUND_S + section.timeout_s
        self._exchange = Exchange(section.timeout_s, clock)

    @classmethod
    def build(cls, settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
        """Make the one instance, where Web Push is enabled.

        Raises:
            ConfigError: The key is missing or none.
        """
        section = settings.alert.webpush
        if not section.enabled:
            return []
        name = "alert.webpush.key"
        secret = secret_value(section.key, name, environment)
        key = load_key(secret, name)
        return [cls(section, secret, key, ZoneInfo(settings.city.timezone), Shelf(settings), clock)]

    def deliver(self, row: OutboxRow) -> Outcome:
        """Tell every browser that has not heard yet; it is done when none is left."""
        try:
            with self._shelf.database.reading() as session:
                told = push.told(session, row.idempotency_key)
                person = row.target.partition(":")[2]
                places = (read(row.payload).code, *places_of(session, [row.incident_id]).get(row.incident_id, ()))
                everybody = push.subscribed(session, places, None if person == EVERYBODY else person)
            waiting = [one for one in everybody if one.id not in told]
            return self._tell(row, waiting, len(everybody) - len(waiting))
        except (StoreError, SQLAlchemyError) as error:
            return Retry("store", explain(error), outage=False)

    def _tell(self, row: OutboxRow, waiting: Sequence[SubscriptionRow], before: int) -> Outcome:
        """Tell some, write down who heard and who is gone, and say how it stands."""
        heard: list[int] = []
        gone: dict[int, str] = {}
        refused: list[str] = []
        later: list[Retry] = []
        until = time.monotonic() + ROUND_S
        for one in waiting:
            if time.monotonic() >= until:
                later.append(Retry("more", "more browsers than one round reaches", outage=False, after_s=0.0))
                break
            outcome = self._push(one, row)
            if isinstance(outcome, Sent):
                heard.append(one.id)
            elif isinstance(outcome, Retry):
                later.append(outcome)
                if outcome.outage and len(later) > 2:
                    break
            elif outcome.label in GONE.values() or outcome.label == "bad_keys":
                gone[one.id] = outcome.label
            else:
                heard.append(one.id)  # it will never take this one: not to be tried again
                refused.append(outcome.label)
        self._record(row, heard, gone)
        if later:
            return Retry(later[0].label, f"{len(later)} browsers: {later[0].reason}", after_s=later[0].after_s)
        told = before + len(heard) - len(refused)
        return Sent({"receipt": "accepted", "browsers": told, "removed": len(gone), "refused": len(refused)})

    def _record(self, row: OutboxRow, heard: list[int], gone: Mapping[int, str]) -> None:
        """Write down who has it, and forget who is gone, with the reason counted."""
        now = self._clock()

        def work(session: Session) -> None:
            push.tell(session, row.idempotency_key, heard, now, now - REMEMBER_MS)
            push.forget(session, list(gone))

        self._shelf.database.transact(work)
        for reason in gone.values():
            REMOVED.labels(reason).inc()

    def _push(self, one: SubscriptionRow, row: OutboxRow) -> Outcome:
        """Send to one browser; its address is a secret and is in no reason."""
        origin = "/".join(one.address.split("/")[:3])
        if not any(fnmatchcase(origin, allowed) for allowed in self._section.services):
            return Refused("not_found", "the address is not of a push service in alert.webpush.services")
        body = message(row, self._zone, one.id, push_token(self._secret, one.id, row.idempotency_key))
        try:
            sealed = seal(body, one.p256dh, one.auth)
        except ValueError as error:
            return Refused("bad_keys", str(error))
        topic = b64(hashlib.sha256(row.incident_id.encode()).digest()[:18])
        headers = {
            "Authorization": authorization(self._key, one.address, self._section.contact, self._clock()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(self._section.ttl_s),
            "Urgency": "high",
            "Topic": topic,  # what still waits at the push service for this incident is replaced
        }
        answer = self._exchange.post(one.address, headers, content=sealed)
        if isinstance(answer, Retry):
            return answer
        if answer.status in GONE:
            return Refused(GONE[answer.status], f"HTTP {answer.status}")
        return judge(answer.status, "", answer.after_s)

    def close(self) -> None:
        """Close connections and the store."""
        self._exchange.close()
        self._shelf.close()
