"""Letterbox, decoding and suppression of the training scripts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scripts.detector.geometry import PAD, anchors, boxes_of, decode, iou, letterbox, nms, to_tensor


def test_letterbox_keeps_proportions_at_the_top_left() -> None:
    """A wide picture fills the width; the rest is padding."""
    canvas, ratio = letterbox(np.full((90, 160, 3), 7, np.uint8), 320)
    assert ratio == 2.0
    assert (canvas[:180] == 7).all()
    assert (canvas[180:] == PAD).all()


def test_to_tensor_is_planar_and_unscaled() -> None:
    """Values stay 0..255, channels stay BGR."""
    canvas = np.zeros((32, 32, 3), np.uint8)
    canvas[..., 2] = 200
    tensor = to_tensor(canvas)
    assert tensor.shape == (1, 3, 32, 32)
    assert tensor[0, 2].min() == 200.0


def test_anchors_count() -> None:
    """320 px has 40*40 + 20*20 + 10*10 cells."""
    cells, strides = anchors(320)
    assert len(cells) == len(strides) == 2100


def test_decode_finds_one_box_in_picture_pixels() -> None:
    """One confident row becomes one box, scaled back and clipped; weaker copies of it are suppressed."""
    output = np.zeros((2100, 8), np.float32)
    centre = 20 * 40 + 20
    for offset, score in ((0, 0.9), (1, 0.8)):
        output[centre + offset, 2:4] = np.log(8.0)
        output[centre + offset, 4:6] = (score, 1.0)
    output[centre + 1, 0] = -1.0
    boxes, scores, kinds = decode(output, 320, 0.5, (640, 640), floor=0.05)
    assert kinds.tolist() == [0]
    np.testing.assert_allclose(scores, [0.9], rtol=1e-6)
    np.testing.assert_allclose(boxes, [[256, 256, 384, 384]], atol=0.01)


def test_boxes_of_survives_absurd_sizes() -> None:
    """Log sizes beyond the limit do not overflow."""
    output = np.full((2100, 8), 1e4, np.float32)
    assert np.isfinite(boxes_of(output, 320)).all()


@given(st.lists(st.tuples(*(st.integers(0, 90) for _ in range(4)), st.floats(0, 1)), min_size=1, max_size=25))
def test_nms_leaves_no_overlapping_pair(rows: list[tuple[int, int, int, int, float]]) -> None:
    """The best box always stays, and no two that stay overlap by more than the limit."""
    boxes = np.array([[x, y, x + w + 1, y + h + 1] for x, y, w, h, _ in rows], np.float32)
    scores = np.array([row[4] for row in rows], np.float32)
    kept = nms(boxes, scores, 0.5)
    assert scores[kept[0]] == scores.max()
    overlap = iou(boxes[kept], boxes[kept]) - np.eye(len(kept))
    assert (overlap <= 0.5 + 1e-5).all()
