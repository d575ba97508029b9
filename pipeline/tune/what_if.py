"""A replay as a person asks for it: which span, which cameras, which rules; its result in words, numbers and a row."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bus.records import Incident
from pipeline.city.registry import Registry
from pipeline.ops.settings import Settings
from pipeline.store.database import Database
from pipeline.store.tuning_tables import ReplayRow
from pipeline.tune.compare import Changed, Raised, compare, raised_of, sums
from pipeline.tune.recorded import recorded
from pipeline.tune.replay import Replayed, replay
from pipeline.tune.truth import raised_between

WARM_UP_MS = 900_000
"""So long before the span observations are read already, so that its first incidents are known to be old ones."""


@dataclass(frozen=True)
class Asked:
    """A question: the span (epoch ms, end excluded), the cameras (None: all), and how the scope was named."""

    start_ms: int
    end_ms: int
    cameras: Collection[str] | None
    scope: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What other rules would have changed, and what the replay went through."""

    asked: Asked
    changes: list[Changed]
    replayed: Replayed

    def document(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        return {
            "from_ms": self.asked.start_ms,
            "to_ms": self.asked.end_ms,
            "scope": self.asked.scope,
            "observations": self.replayed.observations,
            "unreadable": self.replayed.unreadable,
            "sums": sums(self.changes),
            "held_back": {f"{kind}:{reason}": n for (kind, reason), n in sorted(self.replayed.held.items())},
            "changes": [
                {
                    "fate": one.fate,
                    "by_s": one.by_ms / 1000,
                    "before": _plain(one.before),
                    "after": _plain(one.after),
                }
                for one in self.changes
            ],
        }


def ask(settings: Settings, rules: Settings, registry: Registry, database: Database, asked: Asked) -> Answer:
    """Replay what was recorded by other rules and compare it with what was raised.

    Args:
        settings: Where observations are kept.
        rules: The rules to try (their section `confirm` alone counts).
        registry: Cameras.
        database: What was raised, and what people said of it.
        asked: The span and the cameras.

    Raises:
        ArchiveError: A file of the archive is damaged.
        BusError: The bus is needed and does not answer.
    """
    values = recorded(settings, max(0, asked.start_ms - WARM_UP_MS), asked.end_ms, asked.cameras)
    tried = settings.model_copy(update={"confirm": rules.confirm})
    said = replay(tried, registry, values)
    with database.reading() as session:
        before = raised_between(session, asked.start_ms, asked.end_ms, asked.cameras)
    after = [raised_of(one, asked.end_ms) for one in _within(said.incidents.values(), asked)]
    return Answer(asked, compare(before, after), said)


def _within(incidents: Collection[Incident], asked: Asked) -> Iterator[Incident]:
    """Yield the incidents that opened within the span."""
    return (one for one in incidents if asked.start_ms <= one.opened_ms < asked.end_ms)


def keep(database: Database, answer: Answer, rules: Settings, author: str, at_ms: int) -> int:
    """Write an answer to the store; return its number."""
    with database.session() as session:
        row = ReplayRow(
            at_ms=at_ms,
            author=author,
            start_ms=answer.asked.start_ms,
            end_ms=answer.asked.end_ms,
            scope=answer.asked.scope,
            rules=json.loads(rules.confirm.model_dump_json()),
            result=answer.document(),
        )
        session.add(row)
        session.flush()
        return row.id


def _plain(raised: Raised | None) -> dict[str, Any] | None:
    """Return an incident as plain JSON values."""
    return None if raised is None else {**asdict(raised), "cameras": sorted(raised.cameras)}
