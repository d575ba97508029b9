"""A city's load at bus level: `python -m pipeline.bench.city_load SPEC.json` sends until it is told to stop.

Frames with the sizes of real ones at the rate that gating leaves, observations of every camera at full rate, each
pointing to that camera's last frame; every `fire_every_s` the next camera burns for `fire_s`.
"""

import json
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bench.detect import frames as pictures
from pipeline.bus.producer import Producer
from pipeline.bus.records import Detection, Frame, FrameRef, ModelRef, Observation, encode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection

MODEL = ModelRef(name="fire_smoke", version="bench", sha8="0" * 8)
TICK_S = 0.02
IN_FLIGHT_BYTES = 64_000_000
PICTURES = 12
STRIDE = 389
"""The next camera that burns lies so many further on: no two neighbours, all of them in turn."""
PERSON = Detection(label="person", score=0.6, box=(0.2, 0.3, 0.25, 0.5))


@dataclass(frozen=True)
class Spec:
    """What is sent: rates are a second and camera; `told` is the file that says how much was sent."""

    bootstrap: str
    cameras: int
    frames: float
    observations: float
    fire_every_s: float
    fire_s: float
    told: str


class Sender:
    """Sends what is due; what the bus refuses is counted and due again.

    Args:
        spec: Rates and cameras.
        producer: Takes it.
    """

    def __init__(self, spec: Spec, producer: Producer) -> None:
        self._spec, self._producer = spec, producer
        self._refs: dict[int, FrameRef] = {}
        self._pictures = pictures(PICTURES)
        self._began = time.monotonic()
        self.sent = {"frames": 0, "observations": 0, "frame_bytes": 0, "observation_bytes": 0, "refused": 0}
        self.behind_s = 0.0

    def tick(self) -> None:
        """Send what has become due since the last time."""
        elapsed = time.monotonic() - self._began
        for name, rate, send in (
            ("frames", self._spec.frames, self._frame),
            ("observations", self._spec.observations, self._observation),
        ):
            due = int(elapsed * rate * self._spec.cameras)
            if rate:
                self.behind_s = max(self.behind_s, (due - self.sent[name]) / (rate * self._spec.cameras))
            while self.sent[name] < due and self._producer.in_flight_bytes < IN_FLIGHT_BYTES:
                try:
                    send(self.sent[name], elapsed)
                except BusError:
                    self.sent["refused"] += 1
                    break
                self.sent[name] += 1

    def _frame(self, number: int, _elapsed: float) -> None:
        index = number % self._spec.cameras
        picture = self._pictures[number % PICTURES]
        changes = {"camera": f"c{index:04}", "trace": f"f{number}", "seq": number, "captured_ms": now_ms()}
        frame: Frame = picture.model_copy(update=changes)
        future = self._producer.send_frame(frame)
        future.add_callback(lambda done: self._lies(index, done))
        self.sent["frame_bytes"] += len(picture.jpeg)

    def _lies(self, index: int, done: Any) -> None:
        """Remember where a camera's last frame lies."""
        self._refs[index] = FrameRef(partition=done.partition, offset=done.offset)

    def _observation(self, number: int, elapsed: float) -> None:
        index = number % self._spec.cameras
        score = self._score(index, elapsed, number)
        boxes = [PERSON] if number % 3 == 0 else []
        if score > 0.1:
            shift = 0.02 * (number // self._spec.cameras % 4)
            boxes.insert(0, Detection(label="fire", score=score, box=(0.4, 0.4 - shift, 0.5 + shift, 0.55)))
        observation = Observation(
            camera=f"c{index:04}",
            trace=f"o{number}",
            captured_ms=now_ms(),
            frame=self._refs.get(index, FrameRef(partition=0, offset=0)),
            cause="floor",
            model=MODEL,
            scores={"fire": score, "smoke": 0.01, "person": 0.6 if number % 3 == 0 else 0.0},
            boxes=tuple(boxes),
            people=int(number % 3 == 0),
        )
        self._producer.send(OBSERVATIONS, observation.camera, observation, timestamp_ms=observation.captured_ms)
        if not number % 100:
            self.sent["observation_bytes"] = len(encode(observation))

    def _score(self, index: int, elapsed: float, number: int) -> float:
        """Return how much like fire a camera looks now: most not at all, a few now and then, some burn."""
        spec = self._spec
        turn = int(elapsed // spec.fire_every_s)
        for fire in range(max(0, turn - int(spec.fire_s // spec.fire_every_s)), turn + 1):
            since = elapsed - fire * spec.fire_every_s
            if (fire * STRIDE) % spec.cameras == index and since < spec.fire_s:
                return (0.72, 0.8, 0.76, 0.84)[number // spec.cameras % 4]
        return 0.3 if index % 50 == 7 and number // spec.cameras % 4 == 1 else 0.02


def main(spec: Spec) -> None:
    """Send until SIGTERM; then say how much was sent, and how far behind it ever fell."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    producer = Producer(BusSection(bootstrap_servers=spec.bootstrap), "city", stop)
    sender = Sender(spec, producer)
    Path(spec.told).with_suffix(".began").touch()
    began = time.monotonic()
    while not stop.wait(TICK_S):
        sender.tick()
    took = time.monotonic() - began
    producer.close(20)
    Path(spec.told).write_text(json.dumps({**sender.sent, "seconds": took, "behind_s": round(sender.behind_s, 2)}))


if __name__ == "__main__":
    main(Spec(**json.loads(Path(sys.argv[1]).read_text())))
