import av
from hypothesis import given
from hypothesis import strategies as st

from pipeline.grab.ring import PacketRing
from pipeline.grab.source import StreamInfo, Unit


def unit(ms: int, key: bool, size: int = 100) -> Unit:
    return Unit(av.Packet(1), ms / 1000, key, size, ms, ms)


INFO = StreamInfo("h264", 320, 192, 25, True)
OTHER = StreamInfo("h264", 640, 384, 25, True)


def units_of(ring: PacketRing) -> list[Unit]:
    cut = ring.cut(0, 1 << 50)
    return [] if cut is None else [u for _, part in cut.parts for u in part]


@given(
    st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.integers(1, 500), st.booleans()), max_size=120),
    st.floats(0.5, 20),
    st.integers(200, 20_000),
)
def test_bounds(steps: list[tuple[int, bool, int, bool]], seconds: float, most: int) -> None:
    ring = PacketRing(seconds, most)
    now = 1_000_000
    for later, key, size, other in steps:
        now += later
        ring.add(OTHER if other else INFO, unit(now, key, size))
        held = units_of(ring)
        assert sum(u.size for u in held) == ring.bytes <= most
        if held:
            assert held[0].key
            keys = [u.captured_ms for u in held if u.key]
            assert len(keys) < 2 or keys[1] > held[-1].captured_ms - seconds * 1000
            assert held[0].captured_ms > held[-1].captured_ms - 2 * seconds * 1000 - 1


def test_it_reaches_back_as_far_as_asked() -> None:
    ring = PacketRing(10, 1 << 20)
    for index in range(1000):
        ring.add(INFO, unit(index * 40, index % 50 == 0))
    held = units_of(ring)
    newest = held[-1].captured_ms
    assert newest - 12_000 <= held[0].captured_ms <= newest - 10_000


def test_cut_begins_at_the_keyframe_before() -> None:
    ring = PacketRing(60, 1 << 20)
    for index in range(500):
        ring.add(INFO, unit(index * 40, index % 25 == 0))
    cut = ring.cut(5_500, 9_000)
    assert cut is not None
    assert (cut.start_ms, cut.end_ms) == (5_000, 9_000)
    assert cut.parts[0][1][0].key
    assert ring.cut(-5, -1) is None
    late = ring.cut(50_000, 60_000)
    assert late is not None
    assert late.start_ms == 19_000


def test_connections_are_kept_apart() -> None:
    ring = PacketRing(60, 1 << 20)
    for info, start in ((INFO, 0), (OTHER, 5_000)):
        ring.add(info, unit(start, True))
        ring.add(info, unit(start + 40, False))
    ring.add(INFO, unit(9_000, False))
    cut = ring.cut(0, 10_000)
    assert cut is not None
    assert [(info is OTHER, len(units)) for info, units in cut.parts] == [(False, 2), (True, 2)]


def test_packets_before_any_keyframe_are_passed_over() -> None:
    ring = PacketRing(60, 1 << 20)
    ring.add(INFO, unit(0, False))
    assert ring.cut(0, 1 << 50) is None
    assert ring.bytes == 0
