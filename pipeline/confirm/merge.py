"""The events of the city by place: what is seen again, by another camera, or as another kind, is the same event."""

from collections.abc import Iterable, Iterator

from pipeline.confirm.event import Event
from pipeline.confirm.rules import family
from pipeline.ops.sections import Kind

KEPT_MS = 3_600_000
"""A closed event is kept at least this long, so that a replay finds it, ms."""


class Board:
    """Open events and those closed not long ago, by the cameras that saw them.

    Args:
        merge_window_ms: Cameras of one place that see the same within this time see one event.
    """

    def __init__(self, merge_window_ms: int) -> None:
        self._merge_ms = merge_window_ms
        self._open: dict[str, Event] = {}
        self._closed: dict[str, Event] = {}
        self._by_camera: dict[str, list[Event]] = {}

    def add(self, event: Event) -> None:
        """Keep an event, open or closed, under each camera that saw it."""
        (self._open if event.closed_ms is None else self._closed)[event.id] = event
        for camera in event.seen:
            self.witness(event, camera)

    def witness(self, event: Event, camera: str) -> None:
        """Find this event under one more camera."""
        events = self._by_camera.setdefault(camera, [])
        if all(known is not event for known in events):
            events.append(event)

    def moved(self, event: Event) -> None:
        """Tell that an event was closed or opened again."""
        self._open.pop(event.id, None)
        self._closed.pop(event.id, None)
        (self._open if event.closed_ms is None else self._closed)[event.id] = event

    def open_events(self) -> list[Event]:
        """Return the open events."""
        return list(self._open.values())

    def of(self, camera: str) -> Iterable[Event]:
        """Return the events that a camera saw."""
        return self._by_camera.get(camera, ())

    def find(
        self, camera: str, siblings: Iterable[str], kind: Kind, first_ms: int, ms: int, cooldown_ms: int
    ) -> Event | None:
        """Return the event that a camera sees when it confirms `kind` on evidence from `first_ms` to `ms`, or None.

        An open event goes before a closed one, this camera's before a neighbour's, the earlier before the later.
        """
        group = family(kind)
        found = [
            (event.closed_ms is not None, other != camera, event.opened_ms, event.id, event)
            for other in siblings
            for event in self.of(other)
            if family(event.kind) == group and self._fits(event, other == camera, first_ms, ms, cooldown_ms)
        ]
        return min(found, key=lambda entry: entry[:4])[4] if found else None

    def _fits(self, event: Event, own: bool, first_ms: int, ms: int, cooldown_ms: int) -> bool:
        """Say whether evidence from `first_ms` to `ms` may be of this event."""
        if event.closed_ms is None:
            return own or (event.first_seen_ms - self._merge_ms <= ms and first_ms <= event.last_ms() + self._merge_ms)
        if own:
            return event.first_seen_ms <= ms and ms <= event.closed_ms + cooldown_ms
        return event.first_seen_ms - self._merge_ms <= ms and first_ms <= event.last_ms() + self._merge_ms

    def prune(self, now_ms: int, cooldown_ms: int) -> None:
        """Forget closed events that nothing can belong to any more."""
        horizon = now_ms - max(KEPT_MS, 2 * cooldown_ms, 2 * self._merge_ms)
        for event in [e for e in self._closed.values() if e.closed_ms is not None and e.closed_ms < horizon]:
            del self._closed[event.id]
            for camera in event.seen:
                left = [other for other in self._by_camera.get(camera, ()) if other is not event]
                self._by_camera[camera] = left
                if not left:
                    del self._by_camera[camera]

    def __iter__(self) -> Iterator[Event]:
        yield from self._open.values()
        yield from self._closed.values()

    def __len__(self) -> int:
        return len(self._open) + len(self._closed)
