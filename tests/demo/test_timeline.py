"""The plan of a stream: what is due when, at any second, over loops and after a first programme."""

import asyncio
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.rtsp.media import AccessUnit, Media
from pipeline.demo.rtsp.stream import LiveStream, Stream
from pipeline.demo.rtsp.timeline import Timeline

STEP_S = 0.1


def media(frames: int, gop: int) -> Media:
    units = tuple(
        AccessUnit(index * STEP_S, index * STEP_S, index % gop == 0, ((True, b"x"),)) for index in range(frames)
    )
    return Media(Path("clip"), "h264", units, frames * STEP_S, (b"\x67", b"\x68"))


def test_a_looped_programme_goes_on_evenly_for_ever() -> None:
    sent = [due.send_s for due in islice(Timeline(media(7, 7)).play(), 50)]
    assert sent == pytest.approx([index * STEP_S for index in range(50)])


def test_the_first_programme_is_shown_once() -> None:
    line = Timeline(media(5, 5), intro=media(3, 3), loop=False)
    assert [due.send_s for due in line.play()] == pytest.approx([index * STEP_S for index in range(8)])
    assert line.end_s == pytest.approx(0.8)
    assert list(line.play(0.9)) == []
    assert Timeline(media(5, 5)).end_s is None


@given(
    frames=st.integers(1, 40),
    gop=st.integers(1, 20),
    intro=st.integers(0, 30),
    at=st.floats(0, 200),
    loop=st.booleans(),
)
def test_a_late_client_begins_at_a_keyframe_near_now(frames: int, gop: int, intro: int, at: float, loop: bool) -> None:
    line = Timeline(media(frames, gop), media(intro, gop) if intro else None, loop)
    due = list(islice(line.play(at), 30))
    if due:
        assert due[0].unit.key
        assert abs(due[0].send_s - at) <= gop * STEP_S / 2 + STEP_S
    elif loop:
        pytest.fail("a looped stream never ends")
    for before, after in pairwise(due):
        assert after.send_s - before.send_s == pytest.approx(STEP_S)


class Wire:
    """Takes packets and moves the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[float] = []
        self.control_packets = 0
        self.stop_at: float | None = None

    async def media(self, packets: list[bytes]) -> None:
        self.sent.append(self.now)
        self.now += STEP_S
        if self.stop_at is not None and len(self.sent) == 5:
            self.now += self.stop_at

    def control(self, packet: bytes) -> None:
        self.control_packets += 1

    def close(self) -> None:
        raise AssertionError("a stream does not close its transport")


def live(clips: dict[str, Path], wire: Wire, clock: str) -> LiveStream:
    stream = Stream(clips["h264"], loop=False, clock="client" if clock == "client" else "server")
    made = LiveStream(stream, now=lambda: wire.now)
    made.timeline = Timeline(media(100, 10), loop=False)
    return made


def test_a_client_on_its_own_clock_loses_nothing_by_a_stop(clips: dict[str, Path]) -> None:
    wire = Wire()
    wire.stop_at = 4.0
    asyncio.run(live(clips, wire, "client").send(wire))
    assert len(wire.sent) == 100


def test_after_a_stop_the_servers_clock_goes_on_in_the_present(clips: dict[str, Path]) -> None:
    wire = Wire()
    wire.stop_at = 4.0
    asyncio.run(live(clips, wire, "server").send(wire))
    assert 55 <= len(wire.sent) <= 65
    assert wire.control_packets >= 3


def test_second_zero_is_when_it_is_first_watched(clips: dict[str, Path]) -> None:
    wire = Wire()
    stream = LiveStream(Stream(clips["h264"], loop=False, start="watched"), now=lambda: wire.now)
    stream.timeline = Timeline(media(45, 10), loop=False)
    wire.now = 1000.0
    assert not stream.ended
    asyncio.run(stream.send(wire))
    assert len(wire.sent) == 45
    assert stream.ended
