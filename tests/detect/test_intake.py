"""What is looked at, and why the rest is not."""

from dataclasses import replace

import pytest

from pipeline.detect import intake
from pipeline.detect.intake import Picture, Refused, admit, admit_safely, too_old
from tests.detect.frames import camera, frame, picture, received, registry

NOW = 1_000_000
HERE = registry(camera(kinds=("fire",)))


def test_a_good_frame_becomes_a_picture() -> None:
    result = admit(received(frame(), offset=5, partition=2), HERE, NOW, 30)
    assert isinstance(result, Picture)
    assert result.image.shape == (64, 96, 3)
    assert result.camera.kinds == ("fire",)
    assert (result.ref.partition, result.ref.offset) == (2, 5)
    assert 0 <= result.quality <= 1


@pytest.mark.parametrize(
    ("cause", "age_ms", "skipped"),
    [("floor", 600_000, False), ("activity", 30_000, False), ("activity", 30_001, True), ("burst", 30_001, True)],
)
def test_only_old_activity_and_bursts_are_skipped(cause: str, age_ms: int, skipped: bool) -> None:
    assert too_old(cause, NOW - age_ms, NOW, 30) is skipped  # type: ignore[arg-type]
    result = admit(received(frame(cause=cause, captured_ms=NOW - age_ms)), HERE, NOW, 30)
    assert isinstance(result, Refused) is skipped
    if isinstance(result, Refused):
        assert (result.outcome, result.reason) == ("too_old", "")


def test_a_camera_that_the_registry_does_not_know_is_counted_and_no_dead_letter() -> None:
    result = admit(received(frame(camera="elsewhere")), HERE, NOW, 30)
    assert isinstance(result, Refused)
    assert (result.outcome, result.reason) == ("unknown_camera", "")


def test_records_and_pictures_that_cannot_be_read_carry_the_reason() -> None:
    good = received(frame())
    cases = [
        (replace(good, value=b"no picture"), "unreadable_record", "not a JPEG"),
        (replace(good, headers=[]), "unreadable_record", "schema"),
        (replace(good, value=good.value[:-2]), "unreadable_picture", "torn"),  # type: ignore[index]
        (received(frame(picture(), width=640)), "unreadable_picture", "its header says 640x64"),
    ]
    for record, outcome, said in cases:
        result = admit(record, HERE, NOW, 30)
        assert isinstance(result, Refused)
        assert result.outcome == outcome
        assert said in result.reason


def test_what_nobody_thought_of_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_image: object) -> float:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(intake, "picture_quality", broken)
    result = admit_safely(received(frame()), HERE, NOW, 30)
    assert isinstance(result, Refused)
    assert result.outcome == "unforeseen"
    assert result.reason == "ZeroDivisionError: nobody thought of it"
