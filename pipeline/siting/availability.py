"""How much of the time each camera really was live, by hour of the day, from the log of its states."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pipeline.store.camera_log import Span

HOUR_MS = 3_600_000
HOURS = 24


@dataclass(frozen=True)
class Availability:
    """Shares of the time that a camera was live and neither dark, covered, frozen nor lost, by hour of the day.

    `known_ms` is how much time the log tells of; 0: nothing is known and the shares are assumed.
    """

    shares: tuple[float, ...]
    known_ms: int = 0

    @property
    def mean(self) -> float:
        """Share of a whole day, 0..1."""
        return sum(self.shares) / len(self.shares)


def availability(spans: Iterable[Span], zone: str) -> dict[str, Availability]:
    """Return the availability of every camera that the log tells of; an hour it does not tell of is like the others.

    Args:
        spans: States of cameras; only `live` counts as seeing.
        zone: The city's time zone, for the hour of the day.
    """
    live: dict[str, list[int]] = {}
    known: dict[str, list[int]] = {}
    for span in spans:
        told = known.setdefault(span.camera, [0] * HOURS)
        good = live.setdefault(span.camera, [0] * HOURS) if span.state == "live" else None
        for hour, length in _by_hour(span.start_ms, span.end_ms, zone):
            told[hour] += length
            if good is not None:
                good[hour] += length
    return {camera: _shares(live.get(camera, [0] * HOURS), told) for camera, told in known.items() if sum(told) > 0}


def _shares(live: list[int], known: list[int]) -> Availability:
    """Divide; hours without a word get the mean of the others."""
    mean = sum(live) / sum(known)
    return Availability(tuple(a / b if b else mean for a, b in zip(live, known, strict=True)), sum(known))


def _by_hour(start_ms: int, end_ms: int, zone: str) -> Iterable[tuple[int, int]]:
    """Cut a span into parts of an hour of the day: (hour, length in ms); whole days are shared out at once."""
    days, rest = divmod(end_ms - start_ms, HOURS * HOUR_MS)
    if days:
        yield from ((hour, days * HOUR_MS) for hour in range(HOURS))
    at = end_ms - rest
    offset = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    shift = int(offset.total_seconds() * 1000) if offset is not None else 0
    while at < end_ms:
        local = at + shift
        until = min(end_ms, at + HOUR_MS - local % HOUR_MS)
        yield (local // HOUR_MS) % HOURS, until - at
        at = until


def complete(known: Mapping[str, Availability], cameras: Iterable[str]) -> dict[str, Availability]:
    """Return the availability of all cameras; one that the log does not tell of is like the mean of the others.

    Where the log tells of none, all are taken as always live; `known_ms` stays 0 and the report says so.
    """
    told = list(known.values())
    mean = tuple(sum(one.shares[h] for one in told) / len(told) for h in range(HOURS)) if told else (1.0,) * HOURS
    return {camera: known.get(camera, Availability(mean)) for camera in cameras}
