"""Streams read over real sockets, as the grabber reads them."""

import itertools
import threading

import av
import pytest

from pipeline.demo.rtsp import ServerThread
from tests.demo.clips import FPS, GOP
from tests.demo.reading import brightness, opened, packets

STEP = 90_000 // FPS
ROUNDING = 90
"""Matroska keeps milliseconds: 90 ticks of the RTP clock."""


def _distance(step: int) -> int:
    """Ticks from the nearest whole number of frames."""
    return min(step % STEP, -step % STEP)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("name", "codec"), [("h264", "h264"), ("hevc", "hevc"), ("mkv", "h264"), ("ts", "h264")])
def test_timestamps_go_on_evenly_over_the_loops(served: ServerThread, name: str, codec: str, transport: str) -> None:
    with opened(served.url(name), transport) as container:
        assert container.streams.video[0].codec_context.name == codec
        taken = packets(container, 70)  # the clip has 45 frames: at least one seam is in it
    times = [packet.pts for packet in taken if packet.pts is not None]
    assert len(times) >= 69
    steps = [after - before for before, after in itertools.pairwise(times)]
    assert all(_distance(step) <= ROUNDING and step > ROUNDING for step in steps)
    if transport == "tcp":  # nothing is lost on the way
        assert max(steps) <= STEP + ROUNDING


def test_keyframes_come_as_encoded_and_begin_the_stream(served: ServerThread) -> None:
    with opened(served.url("h264")) as container:
        keys = [index for index, packet in enumerate(packets(container, 46)) if packet.is_keyframe]
    assert keys == [0, GOP, 2 * GOP, 3 * GOP]


def test_reordered_frames_are_all_decoded_in_order(served: ServerThread) -> None:
    with opened(served.url("bframes")) as container:
        times = [frame.pts for _, frame in zip(range(60), container.decode(video=0), strict=False)]
    known = [time for time in times if time is not None]
    assert known == sorted(set(known))
    assert len(known) >= 55


def test_once_stream_shows_every_frame_and_ends_cleanly(served: ServerThread) -> None:
    values = brightness(served.url("once"), 1000)
    assert len(values) == 30
    assert values == sorted(values)


def test_once_stream_ends_over_udp_too(served: ServerThread) -> None:
    assert 25 <= len(brightness(served.url("over"), 1000, "udp")) <= 30


def test_first_programme_is_shown_once_then_the_loop(served: ServerThread) -> None:
    values = brightness(served.url("dua"), 80)
    assert min(values[:30]) > 150
    assert max(values[30:]) < 150


def test_clients_of_one_stream_see_the_same_moment(served: ServerThread) -> None:
    seen: dict[int, float] = {}
    meet = threading.Barrier(2)

    def read(number: int) -> None:
        with opened(served.url("h264")) as container:
            frames = container.decode(video=0)
            next(frames)
            meet.wait(10)
            # What was buffered while opening is behind us once a frame has to be waited for.
            for _ in range(30):
                frame = next(frames)
            seen[number] = float(frame.to_ndarray(format="gray").mean())

    threads = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert abs(seen[0] - seen[1]) <= GOP + 1


def test_many_clients_at_once(served: ServerThread) -> None:
    counts: list[int] = []

    def read() -> None:
        with opened(served.url("h264")) as container:
            counts.append(len(packets(container, 20)))

    threads = [threading.Thread(target=read) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert counts == [20] * 12


def test_name_with_a_blank(served: ServerThread) -> None:
    with opened(served.url("nama%20jalan")) as container:
        assert len(packets(container, 3)) == 3


def test_credentials_are_asked_for(served: ServerThread) -> None:
    with pytest.raises(av.error.HTTPUnauthorizedError), opened(served.url("locked")):
        pass
    wrong = served.url("locked").replace("//", "//siaga:salah@")
    with pytest.raises(av.error.HTTPUnauthorizedError), opened(wrong):
        pass
    with opened(served.url("locked").replace("//", "//siaga:ra%3Aha%20sia@")) as container:
        assert len(packets(container, 3)) == 3


def test_unknown_stream_is_not_found(served: ServerThread) -> None:
    with pytest.raises(av.error.HTTPNotFoundError), opened(served.url("tidak-ada")):
        pass
