"""The grid of wet cells survives its way through text, and what is no grid is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

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
