"""One served stream: what it shows, who may see it, when its second 0 was, and the faults a test can ask of it."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.demo.rtsp.media import Media
from pipeline.demo.rtsp.rtp import RtpSender
from pipeline.demo.rtsp.timeline import Due, Timeline
from pipeline.demo.rtsp.transport import Transport

Clock = Literal["server", "client"]
Start = Literal["added", "watched"]
MAX_BEHIND_S = 2.0
"""A sender further behind than this (process stopped, slow client) goes on at the present moment, as a camera does."""
REPORT_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Stream:
    """What is served under one name.

    Attributes:
        path: the file, looped when `loop`, else played once and then ended (RTCP BYE, connection closed).
        intro: a file played once before `path`, of the same size and codec.
        clock: `server`: all clients see the same moment, as with a camera; `client`: each begins at second 0.
        start: with the server's clock, second 0 is when the stream was `added`, or when it is first `watched`.
        user: asked for by Basic authentication when set.
        password: goes with `user`.
    """

    path: Path
    intro: Path | None = None
    loop: bool = True
    clock: Clock = "server"
    user: str | None = None
    password: str | None = None
    start: Start = "added"


class LiveStream:
    """A stream being served. Times are of the clock given, in seconds."""

    def __init__(self, config: Stream, now: Callable[[], float] = time.monotonic) -> None:
        main = Media.load(config.path)
        self.config = config
        self.timeline = Timeline(main, Media.load(config.intro) if config.intro else None, config.loop)
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._now = now
        self._start_s = now() if config.start == "added" else None

    @property
    def media(self) -> Media:
        """The file whose description a client gets."""
        return self.timeline.main

    @property
    def ended(self) -> bool:
        """True when a stream played once by the server's clock is over: it is not found any more."""
        end_s, start_s = self.timeline.end_s, self._start_s
        if self.config.clock == "client" or end_s is None or start_s is None:
            return False
        return self._now() - start_s >= end_s

    def _begin(self) -> float:
        """Second 0 for a client that starts to watch now."""
        if self.config.clock == "client":
            return self._now()
        if self._start_s is None:
            self._start_s = self._now()
        return self._start_s

    async def send(self, transport: Transport) -> None:
        """Send the stream to one client in real time until it ends; then RTCP BYE."""
        sender = RtpSender(random.getrandbits(32), random.getrandbits(16), random.getrandbits(32))
        start_s = self._begin()
        report_s = -REPORT_EVERY_S
        at_s = self._now() - start_s
        due = self.timeline.play(at_s)
        while (item := next(due, None)) is not None:
            await self.flowing.wait()
            late_s = self._now() - start_s - item.send_s
            if late_s > MAX_BEHIND_S and item.send_s > at_s:
                start_s, at_s, due = self._catch_up(start_s, item, due)
                continue
            if late_s < 0:
                await asyncio.sleep(-late_s)
            if item.send_s - report_s >= REPORT_EVERY_S:
                transport.control(sender.report(item.send_s, time.time()))
                report_s = item.send_s
            await transport.media([sender.packet(item.show_s, *payload) for payload in item.unit.payloads])
        transport.control(sender.bye())

    def _catch_up(self, start_s: float, item: Due, due: Iterator[Due]) -> tuple[float, float, Iterator[Due]]:
        """After a long stop: the server's clock jumps to the present, a client's own clock is put back to `item`."""
        now = self._now()
        if self.config.clock == "server":
            return start_s, now - start_s, self.timeline.play(now - start_s)
        late_s = now - start_s - item.send_s
        return start_s + late_s, item.send_s, _again(item, due)


def _again(item: Due, rest: Iterator[Due]) -> Iterator[Due]:
    yield item
    yield from rest
