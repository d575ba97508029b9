import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.confirm.spatial import WHOLE, area, covered, inside, iou, linked, masked

unit = st.floats(0, 1, allow_nan=False, width=32)
boxes = st.tuples(unit, unit, unit, unit).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


@given(boxes, boxes)
def test_overlap_is_symmetric_and_bounded(a, b):
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0 <= iou(a, b) <= 1 + 1e-6
    assert linked(a, b, 0.1) == linked(b, a, 0.1)


@given(boxes)
def test_a_box_is_linked_to_itself(box):
    assert linked(box, box, 0.1)
    assert inside(box, WHOLE) == pytest.approx(1 if area(box) > 0 else 0, abs=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0.1, 0.1, 0.2, 0.2), (0.15, 0.1, 0.25, 0.2), True),
        ((0.1, 0.1, 0.2, 0.2), (0.1, 0.1, 0.9, 0.9), True),
        ((0.1, 0.1, 0.12, 0.12), (0.125, 0.1, 0.145, 0.12), True),
        ((0.1, 0.1, 0.2, 0.2), (0.6, 0.6, 0.7, 0.7), False),
        ((0.1, 0.1, 0.12, 0.12), (0.2, 0.1, 0.22, 0.12), False),
        ((0.5, 0.5, 0.5, 0.5), (0.51, 0.5, 0.51, 0.5), True),
    ],
    ids=["overlap", "grown", "near", "far", "small and apart", "points"],
)
def test_what_may_be_the_same(a, b, expected):
    assert linked(a, b, 0.1) is expected


def test_masks_cover_the_part_that_lies_in_them():
    assert covered((0.1, 0.1, 0.3, 0.3), [LEFT]) == 1
    assert covered((0.6, 0.1, 0.9, 0.3), [LEFT]) == 0
    assert covered((0.0, 0.0, 1.0, 1.0), [LEFT]) == pytest.approx(0.5, abs=0.11)
    assert covered((0.1, 0.1, 0.3, 0.3), []) == 0
    assert masked((0.1, 0.1, 0.3, 0.3), [LEFT])
    assert not masked(WHOLE, [LEFT]), "smoke that fills the picture is not masked by a part of it"
