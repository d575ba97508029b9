"""Reading a gauge from wet cells, and what it raises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.records import Water
from pipeline.bus.wetness import COLUMNS, ROWS, pack
from pipeline.city.gauge import LevelLine
from pipeline.confirm.gauge import read_level
from pipeline.confirm.machine import new_city
from pipeline.ops.settings import Settings
from tests.confirm.test_wade import run, seen
from tests.confirm.world import camera, rulebook

LINE = LevelLine((0.5, 0.95, 500), (0.5, 0.45, 1000), (950, 850, 750))


def wet_from(row: int) -> np.ndarray:
    cells = np.zeros((ROWS, COLUMNS), np.bool_)
    cells[row:] = True
    return cells


@given(st.integers(0, ROWS - 2), st.integers(0, ROWS - 2))
def test_more_water_is_never_a_lower_level(one: int, other: int) -> None:
    high, low = read_level(LINE, wet_from(min(one, other))), read_level(LINE, wet_from(max(one, other)))
    assert high is not None
    assert low is None or low <= high
    assert 500 <= high <= 1000


def test_a_dry_foot_is_below_the_scale_and_a_pole_in_between_is_not_the_end() -> None:
    assert read_level(LINE, wet_from(ROWS)) is None
    broken = wet_from(11)
    broken[18] = False
    whole = read_level(LINE, wet_from(11))
    assert read_level(LINE, broken) == whole == pytest.approx(985, abs=25)


def test_siaga_two_raises_and_siaga_three_does_not() -> None:
    def told(row: int) -> list[Water]:
        city = new_city(rulebook([camera("a", kinds=("flood",), level_line=LINE)], kinds=Settings().confirm.kinds))
        water = Water(share=0.3, depth="none", light=0.5, cells=pack(wet_from(row)))
        dry = [seen(10 * n, 0.1, 0.2) for n in range(60)]
        high = [seen(600 + 10 * n, 0.1, 0.2).model_copy(update={"water": water}) for n in range(30)]
        incidents, _ = run(city, [*dry, *high])
        return [incident.water for incident in incidents if incident.state == "opened" and incident.water]

    assert told(17) == []  # about 760 cm
    (grave,) = told(13)
    assert grave.siaga == 2
    assert grave.level_cm == pytest.approx(900, abs=40)
