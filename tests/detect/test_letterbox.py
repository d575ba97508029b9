"""The network's input is, to the pixel, what training used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.detect.letterbox import grown, letterbox, to_tensor
from pipeline.detect.manifest import InputSpec
from scripts.detector import geometry
from tests.detect.frames import picture

SPEC = {"width": 320, "height": 320, "colour": "bgr", "letterbox": "top_left"}


def spec(**keys: object) -> InputSpec:
    return InputSpec.model_validate({**SPEC, **keys})


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 900), height=st.integers(1, 900), size=st.sampled_from([64, 320, 416]))
def test_top_left_is_the_training_pipelines(width: int, height: int, size: int) -> None:
    image = picture(width, height)
    canvas, fit = letterbox(image, spec(width=size, height=size))
    trained, ratio = geometry.letterbox(image, size)
    np.testing.assert_array_equal(canvas, trained)
    assert fit.ratio == (ratio, ratio)
    np.testing.assert_array_equal(to_tensor(canvas, spec())[None], geometry.to_tensor(trained))


def test_centre_leaves_margins_on_both_sides() -> None:
    canvas, fit = letterbox(picture(640, 360, level=200), spec(letterbox="centre"))
    assert fit.offset == (0, 70)
    assert (canvas[:70] == 114).all()
    assert (canvas[250:] == 114).all()
    assert canvas[70:250].mean() > 150


def test_an_odd_margin_is_split_as_ultralytics_does() -> None:
    _, fit = letterbox(picture(640, 359), spec(letterbox="centre"))
    assert fit.offset == (0, 70)  # 320 - 180 = 140; 320 x 179.5 rounds to 180 rows
    _, fit = letterbox(picture(320, 181), spec(letterbox="centre"))
    assert fit.offset == (0, 69)  # 139 px of margin: 69 above, 70 below


def test_stretch_fills_the_canvas() -> None:
    canvas, fit = letterbox(picture(640, 360), spec(letterbox="stretch", width=224, height=224))
    assert canvas.shape == (224, 224, 3)
    assert fit.to_picture(np.float32([[0, 0, 224, 224]])).tolist() == [[0, 0, 640, 360]]


@pytest.mark.parametrize("place", ["top_left", "centre", "stretch"])
def test_boxes_come_back_where_they_were(place: str) -> None:
    _, fit = letterbox(picture(640, 360), spec(letterbox=place))
    box = np.float32([[100, 50, 300, 200]])
    on_canvas = box * np.float32(fit.ratio * 2) + np.float32(fit.offset * 2)
    np.testing.assert_allclose(fit.to_picture(on_canvas), box, atol=1e-3)


def test_boxes_are_cut_at_the_pictures_edges() -> None:
    _, fit = letterbox(picture(640, 360), spec())
    placed = fit.to_picture(np.float32([[-50, -50, 900, 900]]))
    assert placed.tolist() == [[-100, -100, 1800, 1800]]
    assert fit.cut(placed).tolist() == [[0, 0, 640, 360]]


def test_colour_scale_mean_and_std() -> None:
    canvas = np.zeros((64, 64, 3), np.uint8)
    canvas[:] = (10, 20, 30)
    tensor = to_tensor(canvas, spec(colour="rgb", scale=0.1, mean=[1, 1, 1], std=[2, 1, 0.5]))
    assert tensor.shape == (3, 64, 64)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[:, 0, 0], [1.0, 1.0, 0.0], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 900), height=st.integers(1, 900))
def test_cutting_leaves_padding_away_and_nothing_else(width: int, height: int) -> None:
    image = picture(width, height)
    whole, fit = letterbox(image, spec())
    canvas, cut = letterbox(image, spec(cut=32))
    assert cut == fit
    assert canvas.shape[0] % 32 == canvas.shape[1] % 32 == 0
    np.testing.assert_array_equal(canvas, whole[: canvas.shape[0], : canvas.shape[1]])
    assert (whole[canvas.shape[0] :] == 114).all()
    assert (whole[:, canvas.shape[1] :] == 114).all()
    assert min(320 - canvas.shape[0], 320 - canvas.shape[1]) == 0


def test_a_batch_of_different_shapes_shares_one_canvas() -> None:
    given_ = [letterbox(picture(*size), spec(cut=32))[0] for size in ((640, 360), (360, 640), (640, 180))]
    assert [canvas.shape[:2] for canvas in given_] == [(192, 320), (320, 192), (96, 320)]
    together = grown(given_, spec(cut=32))
    assert {canvas.shape for canvas in together} == {(320, 320, 3)}
    for before, after in zip(given_, together, strict=True):
        np.testing.assert_array_equal(after[: before.shape[0], : before.shape[1]], before)
        assert (after[before.shape[0] :] == 114).all()
    assert grown(given_[:1], spec(cut=32))[0] is given_[0]


def test_only_padding_at_the_far_edges_can_be_cut() -> None:
    with pytest.raises(ValidationError, match="cut needs letterbox: top_left"):
        spec(cut=32, letterbox="centre")
