"""Water on the desk: in words on the card, as a shape over the picture, its score chart of the right model."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from pipeline.bus.records import Water
from pipeline.bus.wetness import COLUMNS, ROWS, Wetness, pack
from pipeline.desk.flooding import UNITS, flooding_of, path_of
from tests.desk.world import Visitor, World


def water(rise: float = 0.0, depth: str = "knee") -> Water:
    cells = np.zeros((ROWS, COLUMNS), np.bool_)
    cells[20:] = True
    return Water.model_validate({"share": 0.42, "depth": depth, "light": 0.3, "cells": pack(cells), "rise": rise})


@pytest.mark.parametrize(("rise", "word"), [(0.05, "rising"), (-0.05, "falling"), (0.001, "steady")])
def test_what_is_told(rise: float, word: str) -> None:
    told = flooding_of(water(rise))
    assert told is not None
    assert (told.percent, told.depth, told.rise) == (42, "knee", word)
    assert flooding_of(None) is None


@given(arrays.arrays(np.bool_, (ROWS, COLUMNS)))
def test_the_path_covers_exactly_the_wet_cells(wet: Wetness) -> None:
    area = 0.0
    for part in path_of(pack(wet)).split("M")[1:]:
        run, height = part.split("h")[1].split("v")
        area += float(run) * float(height)
    assert area / UNITS**2 == pytest.approx(wet.sum() / (ROWS * COLUMNS), abs=1e-3)


def test_the_page_says_how_deep_and_draws_where(world: World, visit: Callable[[str], Visitor]) -> None:
    record = world.raise_incident(kind="flood", water=water(0.05), reasons=("depth:knee", "water_share:0.42"))
    officer = visit("piket_gambir")
    for shown in (officer.get(f"/kejadian/{record.id}").text, officer.get("/").text):
        assert "setinggi lutut" in shown
        assert "menutupi 42 % jalan" in shown
        assert "naik" in shown
        assert 'class="wet"' in shown
    assert "Air menutupi 42 % jalan yang biasanya kering" in officer.get(f"/kejadian/{record.id}").text
