"""The clip keeper: which clips are due, from what they are made, once each."""

from pathlib import Path

import pytest
from structlog.typing import EventDict

from pipeline.bus.records import Frame, Incident, Witness
from pipeline.grab.clip import Clip
from pipeline.grab.clips import LOOK_BACK_MS, MOST_TRIES, SETTLE_MS, ClipKeeper, jobs_of
from pipeline.grab.ring import PacketRing
from pipeline.ops.errors import BusError, StoreError
from pipeline.ops.sections import GrabSection
from tests.grab.test_clip import EPOCH, fill, frame
from tests.grab.test_state import Now
from tests.waiting import wait_for

GRAB = GrabSection(clip_before_s=3, clip_after_s=2)


class Shelf:
    """Clips in memory; fails as often as told."""

    def __init__(self) -> None:
        self.clips: dict[tuple[str, str], Clip] = {}
        self.puts = 0
        self.failures = 0

    def has_clip(self, incident_id: str, camera: str) -> bool:
        return (incident_id, camera) in self.clips

    def put_clip(self, incident_id: str, camera: str, clip: Clip) -> None:
        self.puts += 1
        if self.failures > 0:
            self.failures -= 1
            raise StoreError("disk full")
        self.clips[incident_id, camera] = clip


class Bus:
    """Sampled frames in memory."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.away = False

    def between(self, camera: str, start_ms: int, end_ms: int) -> list[Frame]:
        if self.away:
            raise BusError("no answer")
        return [f for f in self.frames if start_ms <= f.captured_ms <= end_ms]


class World:
    """A keeper with a ring of one camera (`pasar`), of which ten seconds were captured from EPOCH on."""

    def __init__(self, video: Path | None) -> None:
        self.now = Now()
        self.now.ms = EPOCH + 6000
        self.shelf, self.bus = Shelf(), Bus()
        self.ring = PacketRing(60, 1 << 24)
        if video:
            fill(self.ring, video)
        self.keeper = ClipKeeper(
            lambda camera: self.ring if camera == "pasar" else None,
            self.bus, self.shelf, frozenset({"pasar", "terminal"}), GRAB, self.now,
        )  # fmt: skip

    def settle(self) -> None:
        self.keeper.tick()
        wait_for(lambda: self.keeper._pool._work_queue.empty() or None)
        self.keeper._pool.submit(lambda: None).result(60)


def incident(**changes: object) -> Incident:
    fields: dict[str, object] = {
        "id": "i1", "kind": "fire", "camera": "pasar", "kelurahan": "31.71.01.1001", "state": "opened", "revision": 0,
        "trace": "t", "first_seen_ms": EPOCH + 4000, "opened_ms": EPOCH + 5000, "updated_ms": EPOCH + 5000,
        "decided_ms": EPOCH + 5100, "score": 0.9,
    }  # fmt: skip
    return Incident.model_validate({**fields, **changes})


def test_jobs_of_own_witnesses_at_their_moments() -> None:
    witnesses = (
        Witness(camera="pasar", first_seen_ms=EPOCH + 4000, score=0.9),
        Witness(camera="terminal", first_seen_ms=EPOCH + 60_000, score=0.8),
        Witness(camera="orang-lain", first_seen_ms=EPOCH, score=0.8),
    )
    jobs = jobs_of(incident(witnesses=witnesses), frozenset({"pasar", "terminal"}), GRAB, EPOCH)
    assert [(job.camera, job.moment_ms - EPOCH) for job in jobs] == [("pasar", 5000), ("terminal", 60_000)]
    assert jobs[0].due_ms == EPOCH + 7000 + SETTLE_MS
    assert jobs_of(incident(), frozenset({"pasar"}), GRAB, EPOCH + 5000 + LOOK_BACK_MS) == []


def test_a_clip_is_made_when_its_time_is_over_and_once(videos: dict[str, Path]) -> None:
    world = World(videos["h264"])
    world.keeper.take(incident())
    world.settle()
    assert world.shelf.clips == {}
    assert world.keeper.waiting == 1
    world.now.ms = EPOCH + 7000 + SETTLE_MS
    world.settle()
    clip = world.shelf.clips["i1", "pasar"]
    assert clip.made_from == "ring"
    assert clip.start_ms <= EPOCH + 2000
    assert clip.end_ms >= EPOCH + 6900
    world.keeper.take(incident(state="updated", revision=1))
    world.settle()
    assert world.keeper.waiting == 0
    assert world.shelf.puts == 1


def test_what_is_there_already_is_not_made_again(videos: dict[str, Path]) -> None:
    world = World(videos["h264"])
    world.shelf.clips["i1", "pasar"] = Clip(b"", 0, 0, "ring")
    world.keeper.take(incident())
    world.now.ms += 60_000
    world.settle()
    assert world.shelf.puts == 0
    assert world.keeper.waiting == 0


def test_without_the_ring_it_is_made_of_frames() -> None:
    world = World(None)
    world.bus.frames = [frame(ms) for ms in range(0, 20_000, 1000)]
    world.keeper.take(incident())
    world.now.ms += 10_000
    world.settle()
    clip = world.shelf.clips["i1", "pasar"]
    assert (clip.made_from, clip.start_ms, clip.end_ms) == ("frames", EPOCH + 2000, EPOCH + 7000)


def test_a_ring_that_begins_after_the_opening_does_not_serve(videos: dict[str, Path]) -> None:
    world = World(None)
    fill(world.ring, videos["h264"], EPOCH + 5500)
    world.bus.frames = [frame(ms) for ms in range(0, 20_000, 1000)]
    world.keeper.take(incident())
    world.now.ms += 10_000
    world.settle()
    assert world.shelf.clips["i1", "pasar"].made_from == "frames"


def test_trouble_is_tried_again_and_then_given_up(videos: dict[str, Path]) -> None:
    world = World(videos["h264"])
    world.shelf.failures = 2
    world.keeper.take(incident())
    for _ in range(3):
        world.now.ms += 10_000
        world.settle()
    assert ("i1", "pasar") in world.shelf.clips
    hopeless = World(None)
    hopeless.bus.away = True
    hopeless.keeper.take(incident())
    for _ in range(MOST_TRIES):
        hopeless.now.ms += 10_000
        hopeless.settle()
    assert hopeless.keeper.waiting == 0
    assert hopeless.shelf.clips == {}


def test_nothing_to_make_it_of_is_said_and_ends_it(lines: list[EventDict]) -> None:
    world = World(None)
    world.keeper.take(incident())
    world.now.ms += 10_000
    world.settle()
    assert world.keeper.waiting == 0
    assert [line["event"] for line in lines] == ["grab.clip_impossible"]


def test_an_unforeseen_error_ends_only_that_clip(lines: list[EventDict], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(None)

    def explode(*_: object) -> list[Frame]:
        raise ZeroDivisionError

    monkeypatch.setattr(world.bus, "between", explode)
    world.keeper.take(incident())
    world.now.ms += 10_000
    world.settle()
    assert lines[0]["event"] == "grab.clip_failed"
    assert world.keeper.waiting == 0
    world.keeper.close()
