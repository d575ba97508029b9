"""Which incident answers which labelled event.

- An incident answers an event when it confirmed the event's kind between `EARLY_S` before the start and `GRACE_S` after
  the end. A fire that was also confirmed as smoke answers a smoke event too (one event is one incident: see the reasons
  `smoke_with_fire`, `upgraded_to_fire`), each with the time at which that kind was confirmed.
- An event is answered by the first such incident; its delay is the time of that minus the event's start (0 at least).
- An incident that answers no event, or none that another had not answered before (a split event), is a false alarm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.ops.sections import Kind
from pipeline.tune.incident_labels import Label
from pipeline.tune.watching import Found

EARLY_S = 1.0
"""Starts are labelled by eye, to half a second at best."""
GRACE_S = 5.0
"""What ends just before the evidence is enough is still found."""


@dataclass
class Tally:
    """Events, delays of those found, s, by kind; false alarms and seconds of video over all clips."""

    events: dict[Kind, int] = field(default_factory=dict)
    delays: dict[Kind, list[float]] = field(default_factory=dict)
    false_alarms: int = 0
    video_s: float = 0.0

    def add(
        self, labels: Sequence[Label], incidents: Sequence[Found], video_s: float
    ) -> tuple[list[Label], list[Found]]:
        """Count one clip; return the events that were missed and the incidents that are false alarms."""
        useful: set[int] = set()
        missed = []
        for label in labels:
            if label.kind is None:
                continue
            self.events[label.kind] = self.events.get(label.kind, 0) + 1
            answers = [(at, i) for i, found in enumerate(incidents) if (at := answered_s(label, found)) is not None]
            if not answers:
                missed.append(label)
                continue
            at, index = min(answers)
            useful.add(index)
            self.delays.setdefault(label.kind, []).append(max(0.0, at - label.start_s))
        false = [found for i, found in enumerate(incidents) if i not in useful]
        self.false_alarms += len(false)
        self.video_s += video_s
        return missed, false

    def figures(self) -> dict[str, object]:
        """Return the figures of `siaga eval incidents`."""
        hours = self.video_s / 3600
        return {
            "kinds": {kind: self._kind(kind) for kind in sorted(self.events)},
            "false_alarms": self.false_alarms,
            "hours": round(hours, 4),
            "false_alarms_per_camera_day": round(self.false_alarms / hours * 24, 3) if hours else None,
        }

    def _kind(self, kind: Kind) -> dict[str, object]:
        delays = sorted(self.delays.get(kind, []))
        events = self.events[kind]
        return {
            "events": events,
            "found": len(delays),
            "recall": round(len(delays) / events, 4),
            "delay_p50_s": percentile(delays, 0.5),
            "delay_p95_s": percentile(delays, 0.95),
        }


def answered_s(label: Label, found: Found) -> float | None:
    """Return the second at which an incident answered an event, or None."""
    at = found.kinds.get(label.kind) if label.kind is not None else None
    end = math.inf if label.end_s is None else label.end_s + GRACE_S
    return at if at is not None and label.start_s - EARLY_S <= at <= end else None


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile of ordered values; None of none."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3)
