"""CAP 1.2: each notice becomes one document, kept in the store; the feed shows it, receivers are sent it."""

from collections.abc import Mapping, Sequence, Set
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from pipeline.alert.cap.areas import load_boundaries
from pipeline.alert.cap.compose import Composer
from pipeline.alert.cap.document import Reference, render
from pipeline.alert.cap.terms import CapError
from pipeline.alert.channels.base import NOTICES, Abilities, Channel, Outcome, Refused, Retry, Sent
from pipeline.alert.channels.http import Exchange, check_url, judge
from pipeline.alert.channels.shelf import Shelf
from pipeline.alert.channels.webhook import signed_headers
from pipeline.alert.content import Phase, read
from pipeline.alert.secret import resolve_secret
from pipeline.alert.wording import words
from pipeline.ops.alert_targets import CapPushTarget
from pipeline.ops.clock import Clock
from pipeline.ops.errors import StoreError
from pipeline.ops.settings import Settings
from pipeline.store import cap
from pipeline.store.channel_tables import CapRow
from pipeline.store.tables import Notice, OutboxRow
from pipeline.store.timeline import take_turn

FEED = "cap:feed"
CONTENT_TYPE = "application/cap+xml"


def identifier_of(row: OutboxRow) -> str:
    """Return the document's identifier: the idempotency key without its target, so that all get the same document."""
    return "siaga:" + quote(row.idempotency_key.replace(f":{row.target}", ""), safe=":-_.~")


class Archive:
    """Makes each document once and keeps it; whoever comes later gets the same bytes."""

    def __init__(self, composer: Composer, shelf: Shelf, clock: Clock) -> None:
        self._composer, self._shelf, self._clock = composer, shelf, clock

    def document(self, row: OutboxRow, publish: bool) -> CapRow:
        """Return the document of a row, made now if nobody has; `publish` puts it into the feed.

        Raises:
            CapError: It would not be CAP.
            StoreError: The database does not answer.
        """
        return self._shelf.database.transact(lambda session: self._make(session, row, publish))

    def _make(self, session: Session, row: OutboxRow, publish: bool) -> CapRow:
        """Find or make a document; an older update than what is out already is not made, the newer one says more."""
        take_turn(session)
        identifier, content = identifier_of(row), read(row.payload)
        earlier = cap.of_incident(session, content.incident)
        found = next((one for one in earlier if one.identifier == identifier), None)
        newest = max(earlier, key=lambda one: one.revision, default=None)
        if found is None and newest is not None and newest.revision > row.revision and content.phase is Phase.UPDATE:
            found = newest
        if found is None:
            found = self._compose(row, identifier, earlier)
            cap.keep(session, found)
        if publish:
            found.published = True
        return found

    def _compose(self, row: OutboxRow, identifier: str, earlier: Sequence[CapRow]) -> CapRow:
        """Make a document that refers to all before it."""
        content, now = read(row.payload), self._clock()
        sender = self._composer.section.sender
        references = tuple(Reference(sender, one.identifier, one.sent_ms) for one in earlier)
        document = self._composer.compose(content, identifier, now, references)
        return CapRow(
            identifier=identifier,
            incident_id=content.incident,
            revision=row.revision,
            title=words(content, "id", self._composer.zone).title,
            sent_ms=now,
            expires_ms=document.expires_ms,
            xml=render(document, self._composer.zone).decode(),
            published=False,
        )


class CapChannel:
    """The feed, or one receiver."""

    name = "cap"
    # Each incident has documents of its own, in a storm too: later ones refer to them, and a feed is fetched.
    takes: Set[Notice] = NOTICES - {"digest"}
    abilities = Abilities(in_place="yes", receipt="delivered", picture="no", signed="yes")

    def __init__(
        self,
        archive: Archive,
        shelf: Shelf,
        clock: Clock,
        target: CapPushTarget | None = None,
        secret: bytes | None = None,
        token: str | None = None,
    ) -> None:
        self._archive, self._shelf, self._clock = archive, shelf, clock
        self._target, self._secret, self._token = target, secret, token
        self.targets: Set[str] | None = frozenset({FEED if target is None else f"cap:{target.name}"})
        self.lease_s = 1.0 if target is None else target.timeout_s + 1
        self._exchange = Exchange(self.lease_s, clock)

    @classmethod
    def build(cls, settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
        """Make the feed, if it is on, and one instance for each receiver.

        Raises:
            ConfigError: The boundaries cannot be read, a secret is missing or an address malformed.
        """
        section = settings.alert.cap
        if section.feed == "closed" and not section.push:
            return []
        if section.feed == "token":
            resolve_secret(section.feed_token, "alert.cap.feed_token", environment)  # the desk will ask for it
        known = load_boundaries(settings.registry_path(section.boundaries)) if section.boundaries else {}
        composer = Composer(section, known, ZoneInfo(settings.city.timezone))
        made: list[Channel] = []
        for index, target in enumerate([None, *section.push]):
            if target is None and section.feed == "closed":
                continue
            shelf = Shelf(settings)
            archive = Archive(composer, shelf, clock)
            if target is None:
                made.append(cls(archive, shelf, clock))
                continue
            key = f"alert.cap.push.{index - 1} ({target.name})"
            check_url(target.url, f"{key}: url")
            secret = resolve_secret(target.secret, f"{key}: secret", environment) if target.secret else None
            token = resolve_secret(target.token, f"{key}: token", environment).decode() if target.token else None
            made.append(cls(archive, shelf, clock, target, secret, token))
        return made

    def deliver(self, row: OutboxRow) -> Outcome:
        """Make the document if nobody has yet; publish or post it."""
        try:
            document = self._archive.document(row, publish=self._target is None)
        except CapError as error:
            return Refused("not_cap", str(error))
        except StoreError as error:
            return Retry("store", str(error), outage=False)
        receipt = {"receipt": "delivered", "identifier": document.identifier}
        if self._target is None:
            return Sent(receipt)
        body = document.xml.encode()
        headers = {"Content-Type": CONTENT_TYPE, "Idempotency-Key": quote(row.idempotency_key, safe=":")}
        if self._secret is not None:
            headers |= signed_headers(self._secret, row, body, self._clock())
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        answer = self._exchange.post(self._target.url, headers, content=body)
        outcome = answer if isinstance(answer, Retry) else judge(answer.status, answer.text, answer.after_s)
        return Sent({**receipt, **outcome.receipt}) if isinstance(outcome, Sent) else outcome

    def close(self) -> None:
        """Close connections and the store."""
        self._exchange.close()
        self._shelf.close()
