"""How running stages learn that the desk changed a camera: they look at the number of the newest edit."""

import hashlib
import threading
from collections.abc import Callable, Mapping

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from pipeline.city.edits import CameraEdit, LiveCameras, apply_edits
from pipeline.city.registry import Registry
from pipeline.ops.errors import StoreError
from pipeline.store.camera_edits import latest_revision, read_edits
from pipeline.store.database import Database, explain

log = structlog.get_logger(__name__)
POLL_S = 2.0
UNUSABLE = Counter("siaga_camera_edits_unusable_total", "Edits of cameras that do not fit the registry", ["stage"])
RELOADS = Counter("siaga_registry_reloads_total", "Times a stage took over cameras changed at the desk", ["stage"])
CONCERNS: Mapping[str, tuple[str, ...]] = {
    "grab": ("id", "url"),
    "detect": ("id", "kinds"),
    "confirm": ("id", "kelurahan", "lat", "lng", "kinds", "masks"),
    "alert": ("id", "name", "kelurahan", "lat", "lng", "categories", "owner", "kinds", "public"),
}
"""What each stage takes from a camera: a change of something else does not concern it. Stages not named take all."""


def fingerprint(registry: Registry, stage: str) -> str:
    """Return a hash of all that a stage takes from the registry."""
    digest = hashlib.sha256()
    for id_ in sorted(registry.cameras):
        camera = registry.cameras[id_]
        names = CONCERNS.get(stage) or tuple(type(camera).__dataclass_fields__)
        digest.update(repr([getattr(camera, name) for name in names]).encode())
    return digest.hexdigest()


class Follower:
    """The registry of the file with the desk's edits over it, as one stage sees it.

    Args:
        database: Migrated.
        base: The registry of the file.
        stage: Whose logs and counters this is.
    """

    def __init__(self, database: Database, base: Registry, stage: str) -> None:
        self._database, self.base, self._stage = database, base, stage
        self._edits: list[CameraEdit] = []
        self._revision = -1
        self._registry = base

    def look(self) -> Registry:
        """Return the registry as it is now; while the database does not answer, as it was."""
        try:
            with self._database.reading() as session:
                revision = latest_revision(session)
                if revision == self._revision:
                    return self._registry
                self._edits, self._revision = read_edits(session), revision
        except (StoreError, SQLAlchemyError) as error:
            log.warning("registry.not_read", stage=self._stage, reason=explain(error))
            return self._registry
        self._registry, problems = apply_edits(self.base, self._edits)
        for problem in problems:
            UNUSABLE.labels(self._stage).inc()
            log.error("registry.edit_unusable", stage=self._stage, reason=problem)
        return self._registry

    def wait_for_change(self, taken: Registry, stop: threading.Event, every_s: float = POLL_S) -> bool:
        """Block until something that concerns this stage differs from what it has taken; False when stopped first."""
        before, seen = fingerprint(taken, self._stage), taken
        while not stop.wait(every_s):
            now = self.look()
            if now is not seen and fingerprint(now, self._stage) != before:
                return True
            seen = now  # ten thousand cameras are not hashed again while nobody changes any
        return False


def work_with_edits(
    follower: Follower,
    stage: str,
    stop: threading.Event,
    work: Callable[[Registry, threading.Event], None],
    every_s: float = POLL_S,
) -> None:
    """Let a stage work; when a camera that concerns it changes, let it end its work in order and begin anew.

    Work that returns by itself is not begun again. What was read from the bus and not done yet stays there: the next
    round goes on from the committed offsets, as after a restart, but without one.
    """
    while not stop.is_set():
        registry, until, changed = follower.look(), threading.Event(), threading.Event()
        watcher = threading.Thread(
            target=_watch, args=(follower, registry, stop, until, changed, every_s), name="registry", daemon=True
        )
        watcher.start()
        try:
            work(registry, until)
        finally:
            until.set()
        if not changed.is_set() or stop.is_set():
            return
        RELOADS.labels(stage).inc()
        log.info("registry.reloaded", stage=stage)


def _watch(
    follower: Follower,
    taken: Registry,
    stop: threading.Event,
    until: threading.Event,
    changed: threading.Event,
    every_s: float,
) -> None:
    """Set `until` when the process stops, or when the registry changed (then `changed` too)."""
    if follower.wait_for_change(taken, stop, every_s):
        changed.set()
    until.set()


class LiveCity:
    """The registry of a process that goes on serving while cameras change: the desk's.

    `registry` stays the same object; what it says of cameras is exchanged as a whole.
    """

    def __init__(self, database: Database, base: Registry) -> None:
        self._follower = Follower(database, base, "desk")
        self._cameras = LiveCameras(base.cameras)
        self.registry = Registry(self._cameras, base.kelurahan, base.place_radius_m)
        self._taken = base
        self._turn = threading.Lock()
        self.refresh()

    @property
    def file(self) -> Registry:
        """The registry as the file says, without edits."""
        return self._follower.base

    def refresh(self) -> None:
        """Take over what was changed."""
        with self._turn:
            now = self._follower.look()
            if now is not self._taken:
                self._cameras.replace(now.cameras)
                self.registry._places.clear()
                self._taken = now

    def follow(self, stop: threading.Event, every_s: float = POLL_S) -> None:
        """Refresh now and then until stopped."""
        while not stop.wait(every_s):
            self.refresh()
