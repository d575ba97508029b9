"""Floods: water against each camera's normal street, slow evidence, rising water, depth that changes."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.records import Depth, FrameRef, Incident, Observation, Water
from pipeline.bus.wetness import COLUMNS, ROWS, pack, street
from pipeline.confirm.evidence import Sight
from pipeline.confirm.machine import City, adopt, new_city, step, tick
from pipeline.confirm.street import SETTLED, Streets, road_of
from pipeline.confirm.wade import rise_of
from pipeline.ops.settings import Settings
from tests.confirm.world import MODEL, T0, camera, rulebook

EVERY_S = 10


def wet(share: float) -> Water:
    """Water over the lowest part of the street."""
    cells = np.zeros((ROWS, COLUMNS), np.bool_)
    rows = round(share * street().any(1).sum())
    if rows:
        cells[-rows:] = True
    return Water(share=share, depth="ankle", light=0.5, cells=pack(cells))


def seen(second: float, score: float, share: float, depth: Depth = "ankle", light: float = 0.5) -> Observation:
    """What the flood model says of camera `a` at a second."""
    ms = T0 + int(second * 1000)
    return Observation(
        camera="a",
        trace=f"a-{ms}",
        captured_ms=ms,
        frame=FrameRef(partition=0, offset=int(second)),
        cause="floor",
        model=MODEL,
        scores={"flood": score},
        water=wet(share).model_copy(update={"depth": depth, "light": light}),
    )


def spell(start: float, minutes: float, score: float, share: float, **keys: object) -> Iterator[Observation]:
    """The same picture every ten seconds."""
    for number in range(int(minutes * 60 / EVERY_S)):
        yield seen(start + number * EVERY_S, score, share, **keys)  # type: ignore[arg-type]


def city() -> City:
    """A city of one camera that is watched for floods, by the default rules."""
    return new_city(rulebook([camera("a", kinds=("flood",))], kinds=Settings().confirm.kinds))


def run(state: City, observations: Iterator[Observation] | list[Observation]) -> tuple[list[Incident], list[str]]:
    """All incidents, and the reasons why something was held back."""
    incidents, reasons = [], []
    for observation in observations:
        outcome = step(state, observation, observation.captured_ms)
        incidents += outcome.incidents
        reasons += [reason for _, reason in outcome.reasons]
    return incidents, reasons


def test_a_flood_opens_within_three_minutes_and_says_how_deep() -> None:
    state = city()
    run(state, spell(0, 20, 0.1, 0.0))
    incidents, _ = run(state, spell(1200, 4, 0.95, 0.5, depth="knee"))
    assert (incidents[0].kind, incidents[0].state) == ("flood", "opened")
    assert incidents[0].opened_ms - (T0 + 1_200_000) <= 180_000
    assert incidents[0].water is not None
    assert incidents[0].water.depth == "knee"
    assert incidents[0].water.share == pytest.approx(0.5, abs=0.05)
    assert "depth:knee" in incidents[0].reasons
    assert incidents[0].boxes[0].box[1] >= 0.4  # around the water, not the whole picture


def test_rising_water_is_raised_earlier_than_standing_water() -> None:
    def first(observations: list[Observation]) -> int:
        state = city()
        run(state, spell(0, 20, 0.1, 0.0))
        incidents, _ = run(state, observations)
        return incidents[0].opened_ms

    standing = [seen(1200 + 10 * n, 0.9, 0.3) for n in range(30)]
    rising = [seen(1200 + 10 * n, 0.9, 0.1 + 0.03 * n) for n in range(30)]
    assert first(rising) < first(standing)


def test_one_splash_raises_nothing() -> None:
    state = city()
    run(state, spell(0, 20, 0.1, 0.0))
    assert run(state, [*spell(1200, 0.4, 0.95, 0.6), *spell(1230, 10, 0.1, 0.0)])[0] == []


def test_a_canal_is_normal_and_only_its_rise_counts() -> None:
    state = city()
    incidents, reasons = run(state, spell(0, 60, 0.88, 0.3))
    assert incidents == []
    assert "street_not_known_yet" in reasons
    assert "normal_here" in reasons
    incidents, _ = run(state, spell(3600, 5, 0.99, 0.9))
    assert incidents[0].state == "opened"
    assert incidents[0].water is not None
    assert incidents[0].water.share > 0.8  # of what is normally dry


def test_a_wet_night_does_not_judge_a_dry_day() -> None:
    state = city()
    run(state, spell(0, 60, 0.88, 0.2, light=0.1))
    run(state, spell(3600, 10, 0.05, 0.0, light=0.6))
    incidents, _ = run(state, spell(4200, 4, 0.93, 0.4, light=0.6))
    assert incidents[0].state == "opened"


def test_a_new_camera_raises_only_what_is_plain() -> None:
    assert run(city(), spell(0, 3, 0.88, 0.4))[0] == []
    assert run(city(), spell(0, 3, 0.97, 0.6))[0][0].state == "opened"


def test_it_is_told_again_when_it_gets_deeper_and_closes_when_it_has_drained() -> None:
    state = city()
    run(state, spell(0, 20, 0.1, 0.0))
    opened, _ = run(state, spell(1200, 4, 0.95, 0.5, depth="ankle"))
    deeper, _ = run(state, spell(1440, 3, 0.95, 0.8, depth="wheel"))
    assert any("depth:wheel" in incident.reasons for incident in deeper)
    changed = next(incident for incident in deeper if incident.water and incident.water.depth == "wheel")
    assert changed.revision > opened[0].revision
    drained, _ = run(state, spell(1620, 15, 0.05, 0.0))
    assert [incident.state for incident in drained if incident.state == "closed"] == ["closed"]
    assert drained[-1].id == opened[0].id


def test_an_hour_of_flood_is_not_learned_as_normal() -> None:
    state = city()
    run(state, spell(0, 60, 0.1, 0.0))
    run(state, spell(3600, 60, 0.95, 0.8))
    reference = state.streets.of("a", wet(0))
    assert not reference.normally_wet().any()


def test_a_restart_goes_on_with_the_water_of_the_incident() -> None:
    state = city()
    run(state, spell(0, 20, 0.1, 0.0))
    incidents, _ = run(state, spell(1200, 4, 0.95, 0.5, depth="knee"))
    again = city()
    adopt(again, incidents[-1])
    (event,) = again.board.open_events()
    assert event.water == incidents[-1].water
    assert tick(again, T0 + 1_440_000).incidents == []


def test_the_streets_are_written_and_read_back() -> None:
    state = city()
    run(state, spell(0, 60, 0.88, 0.3))
    other = Streets()
    other.load(state.streets.dump())
    before, after = state.streets.of("a", wet(0)), other.of("a", wet(0))
    assert after.seen == before.seen >= SETTLED
    assert (after.normally_wet() == before.normally_wet()).all()
    assert after.level == pytest.approx(before.level, abs=1e-3)
    with pytest.raises(ValueError, match="not a street"):
        other.load({"a|day": {"wet": "AAAA", "level": 0, "seen": 1, "last_ms": 1}})


def test_masks_take_cells_off_the_road() -> None:
    left = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    road = road_of((left,))
    assert not road[:, : COLUMNS // 2].any()
    assert (road[:, COLUMNS // 2 :] == street()[:, COLUMNS // 2 :]).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=18))
def test_the_rise_is_within_the_steepest_and_the_flattest_step(shares: list[float]) -> None:
    sights = [
        Sight(n * 10_000, 0.5, (), "t", FrameRef(partition=0, offset=n), wet(0).model_copy(update={"share": share}))
        for n, share in enumerate(shares)
    ]
    steps = [(b - a) * 6 for a, b in pairwise(shares)]
    assert min(steps) - 1e-6 <= rise_of(sights) <= max(steps) + 1e-6
