"""The grid of wet cells survives its way through text, and what is no grid is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.bus.records import Observation, decode
from pipeline.bus.wetness import CELLS, COLUMNS, ROWS, Wetness, bounds, pack, street, unpack
from pipeline.ops.errors import RecordError


@given(arrays.arrays(np.bool_, (ROWS, COLUMNS)))
def test_there_and_back(wet: Wetness) -> None:
    text = pack(wet)
    assert len(text) <= 400
    assert (unpack(text) == wet).all()
    box = bounds(wet)
    assert (box is None) == (not wet.any())
    if box is not None:
        x1, y1, x2, y2 = box
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
        assert wet[round(y1 * ROWS) : round(y2 * ROWS), round(x1 * COLUMNS) : round(x2 * COLUMNS)].sum() == wet.sum()


def test_an_empty_text_is_dry() -> None:
    assert unpack("").sum() == 0


@given(st.text(max_size=200))
def test_what_is_no_grid_is_refused(text: str) -> None:
    try:
        wet = unpack(text)
    except RecordError as error:
        assert "water.cells" in str(error)
    else:
        assert wet.shape == (ROWS, COLUMNS)


@pytest.mark.parametrize("text", ["AAAA", "not base64!", "A" * 100])
def test_the_error_names_the_field(text: str) -> None:
    with pytest.raises(RecordError, match=r"water\.cells"):
        unpack(text)


def test_the_street_is_the_lower_part() -> None:
    assert 0 < street().sum() < CELLS
    assert street()[-1].all()
    assert not street()[0].any()


def test_a_record_with_something_else_is_refused_at_the_door() -> None:
    water = {"share": 0.5, "depth": "knee", "light": 0.5, "cells": "AAAA"}
    observation = {
        "schema": 1, "camera": "a", "trace": "t", "captured_ms": 1, "frame": {"partition": 0, "offset": 0},
        "cause": "floor", "model": {"name": "m", "version": "1", "sha8": "0"}, "scores": {"flood": 0.9}, "water": water,
    }  # fmt: skip
    with pytest.raises(RecordError, match=r"water\.cells"):
        decode(Observation, json.dumps(observation).encode())
    assert decode(Observation, json.dumps({**observation, "water": {**water, "cells": ""}}).encode()).water is not None
