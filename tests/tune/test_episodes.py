"""Episodes: the fast way says what the machine says, for every threshold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bus.records import Detection, FrameRef, ModelRef, Observation
from pipeline.ops.sections import KindRule
from pipeline.ops.settings import Settings
from pipeline.tune.episodes import GAP_MS, GRID, delays_by_machine, delays_of, stretches
from tests.confirm.world import camera

T0 = 1_760_000_000_000
BOX = (0.4, 0.4, 0.5, 0.55)
RULES = Settings().confirm.kinds


def observations(scores: list[float], every_ms: int = 1000, kind: str = "smoke") -> list[Observation]:
    return [
        Observation(
            camera="a",
            trace=f"t{number}",
            captured_ms=T0 + number * every_ms,
            frame=FrameRef(partition=0, offset=number),
            cause="floor",
            model=ModelRef(name="m", version="1", sha8="0" * 8),
            scores={kind: score},
            boxes=(Detection(label=kind, score=score, box=BOX),),
        )
        for number, score in enumerate(scores)
    ]


def by_machine(scores: list[float], every_ms: int, rule: KindRule, grid: np.ndarray) -> np.ndarray:
    base = Settings()
    confirm = base.confirm.model_copy(update={"kinds": {"smoke": rule}, "memory_after_s": 1e9})
    config = base.model_copy(update={"confirm": confirm})
    seen = observations(scores, every_ms)
    return np.array([_each(seen, config, float(threshold)) for threshold in grid])


def _each(seen: list[Observation], config: Settings, threshold: float) -> float:
    return float(delays_by_machine(seen, config, camera("a"), "smoke", np.array([threshold]))[0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0).map(lambda v: round(v, 3)), min_size=1, max_size=25),
    st.sampled_from([500, 1000, 1300]),
    st.sampled_from([RULES["smoke"], KindRule(min_frames=2, min_span_s=0.5, min_ratio=0.3, min_evidence=1)]),
)
def test_the_fast_way_is_the_machine(scores: list[float], every_ms: int, rule: KindRule) -> None:
    grid = GRID[::6]
    times = T0 + every_ms * np.arange(len(scores))
    (fast,) = delays_of([(times, np.array(scores))], rule, grid)
    np.testing.assert_allclose(fast, by_machine(scores, every_ms, rule, grid), atol=1e-6)


def test_many_series_at_once_are_each_as_alone() -> None:
    rng = np.random.default_rng(0)
    series = [(T0 + 1000 * np.arange(n), rng.uniform(0, 1, n)) for n in (1, 5, 40, 2)]
    together = delays_of(series, RULES["smoke"])
    for one, alone in zip(together, series, strict=True):
        np.testing.assert_array_equal(one, delays_of([alone], RULES["smoke"])[0])
    assert delays_of([], RULES["smoke"]) == []


def test_what_a_threshold_does_not_raise_no_higher_one_does() -> None:
    scores = np.array([0.3, 0.5, 0.7, 0.9, 0.95, 0.97, 0.98, 0.98, 0.9, 0.7])
    (delays,) = delays_of([(T0 + 1000 * np.arange(10), scores)], RULES["smoke"])
    raised = ~np.isnan(delays)
    assert raised[0]
    assert not raised[-1]
    assert (np.diff(raised.astype(int)) <= 0).all()


def test_the_whole_grid_by_halving_is_that_of_each_threshold_within_a_step_of_four() -> None:
    scores = [0.3, 0.5, 0.7, 0.9, 0.95, 0.97, 0.98, 0.98, 0.9, 0.7]
    config = Settings()
    coarse = delays_by_machine(observations(scores), config, camera("a"), "smoke")
    (exact,) = delays_of([(T0 + 1000 * np.arange(10), np.array(scores))], RULES["smoke"])
    np.testing.assert_array_equal(np.isnan(coarse), np.isnan(exact))
    known = ~np.isnan(exact)
    assert (coarse[known] >= exact[known] - 1e-6).all()
    assert (coarse[known] - exact[known] <= 3).all()


def test_stretches_are_cut_where_it_was_quiet_for_long() -> None:
    gap = GAP_MS // 1000
    scores = [0.0, 0.5, 0.0, 0.6, *[0.0] * (gap + 10), 0.7, 0.0]
    first, second = stretches(observations(scores), "smoke")
    assert [one.scores["smoke"] for one in first] == [0.5, 0.0, 0.6]
    assert [one.scores["smoke"] for one in second] == [0.7]
