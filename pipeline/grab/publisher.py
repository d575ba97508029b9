"""Sampled frames on their way to the bus: a short queue per camera, the oldest dropped and counted when it is full."""

import threading
from collections import OrderedDict, deque
from typing import Any, Protocol

import structlog

from pipeline.bus.records import MAX_FRAME_BYTES, Frame
from pipeline.grab.metrics import DROPPED, FRAMES
from pipeline.ops.errors import BusError

log = structlog.get_logger(__name__)

RETRY_S = 0.5
POLL_S = 0.02


class FrameSender(Protocol):
    """The part of the bus producer that is used."""

    @property
    def in_flight_bytes(self) -> int:
        """Bytes handed over and not yet acknowledged."""

    def send_frame(self, frame: Frame) -> Any:
        """Send; return a future with `add_callback` and `add_errback`."""


class Publisher:
    """Takes frames of all cameras and sends them in turn, one camera after the other.

    Args:
        sender: The bus producer.
        queue_frames: Frames that may wait per camera.
        in_flight_bytes: Nothing is sent while more than this waits for acknowledgement.
    """

    def __init__(self, sender: FrameSender, queue_frames: int, in_flight_bytes: int) -> None:
        self._sender, self._most, self._limit = sender, queue_frames, in_flight_bytes
        self._queues: OrderedDict[str, deque[Frame]] = OrderedDict()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._acknowledged = 0
        self._outstanding = 0
        self.trouble = ""
        self._thread = threading.Thread(target=self._loop, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Frames that wait: to be sent, or to be acknowledged."""
        with self._lock:
            return self._outstanding + sum(len(queue) for queue in self._queues.values())

    @property
    def acknowledged(self) -> int:
        """Frames that the bus has, so far."""
        return self._acknowledged

    def offer(self, frame: Frame) -> None:
        """Take a frame; returns at once. The camera's oldest waiting frame makes room when the queue is full."""
        if len(frame.jpeg) > MAX_FRAME_BYTES:
            DROPPED.labels("too_large").inc()
            return
        with self._lock:
            queue = self._queues.setdefault(frame.camera, deque())
            if len(queue) >= self._most:
                queue.popleft()
                DROPPED.labels("queue_full").inc()
            queue.append(frame)
        self._wake.set()

    def _take(self) -> Frame | None:
        """Return the next camera's oldest frame."""
        with self._lock:
            while self._queues:
                camera, queue = self._queues.popitem(last=False)
                if not queue:
                    continue
                frame = queue.popleft()
                if queue:
                    self._queues[camera] = queue
                return frame
        return None

    def _put_back(self, frame: Frame) -> None:
        with self._lock:
            queue = self._queues.setdefault(frame.camera, deque())
            if len(queue) < self._most:
                queue.appendleft(frame)
                return
        DROPPED.labels("queue_full").inc()

    def _loop(self) -> None:
        while not self._closing.is_set():
            if self._sender.in_flight_bytes > self._limit:
                self.trouble = "the bus is slow to acknowledge"
                self._closing.wait(POLL_S)
                continue
            frame = self._take()
            if frame is None:
                self._wake.wait(0.5)
                self._wake.clear()
            elif not self._send(frame):
                self._closing.wait(RETRY_S)

    def _send(self, frame: Frame) -> bool:
        """Hand a frame to the bus; False when it refused and the frame waits again."""
        try:
            future = self._sender.send_frame(frame)
        except BusError as error:
            self._put_back(frame)
            self.trouble = str(error)
            log.warning("grab.bus_refuses", camera=frame.camera, error=str(error))
            return False
        with self._lock:
            self._outstanding += 1
        future.add_callback(lambda _: self._arrived(frame.cause))
        future.add_errback(self._failed)
        return True

    def _arrived(self, cause: str) -> None:
        with self._lock:
            self._acknowledged += 1
            self._outstanding -= 1
        self.trouble = ""
        FRAMES.labels(cause).inc()

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            self._outstanding -= 1
        self.trouble = f"not acknowledged: {type(error).__name__}"
        DROPPED.labels("not_acknowledged").inc()

    def close(self, patience_s: float = 2) -> None:
        """Stop sending; what still waits is dropped and counted."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        while self._take() is not None:
            DROPPED.labels("stopping").inc()
