import cv2
import numpy as np

from pipeline.grab.look import look_at
from pipeline.grab.state import CameraMachine
from pipeline.ops.sections import GrabSection
from tests.grab.video import street


class Now:
    """A clock that is set."""

    ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def test_the_life_of_a_camera() -> None:
    now = Now()
    machine = CameraMachine("pasar", GrabSection(frozen_after_s=5), now)
    picture = look_at(cv2.GaussianBlur(street(640, 360), (5, 5), 0))
    assert (machine.state.state, machine.state.reason, machine.state.since_ms) == ("connecting", "opening", 1_000_000)
    now.ms += 100
    machine.lost("refused", "connection refused")
    assert (machine.state.state, machine.state.reason, machine.state.since_ms) == ("lost", "refused", 1_000_100)
    now.ms += 5000
    machine.lost("timeout", "no answer in time")
    assert (machine.state.reason, machine.state.since_ms) == ("timeout", 1_000_100), "lost since the first time"
    now.ms += 1000
    machine.looked(picture, now.ms, {"codec": "h264"})
    assert (machine.state.state, machine.state.reason, machine.state.last_frame_ms) == ("live", "ok", now.ms)
    assert machine.state.detail == {"codec": "h264"}
    for _ in range(6):
        now.ms += 1000
        machine.looked(picture, now.ms, {})
    assert (machine.state.state, machine.state.reason) == ("frozen", "same_picture")
    now.ms += 1000
    machine.lost("ended", "the stream ended")
    now.ms += 1000
    machine.looked(picture, now.ms, {})
    assert machine.state.state == "live", "after an outage the picture is judged anew"


def test_black_and_covered_have_their_reasons() -> None:
    for level, state, reason in ((3, "dark", "black"), (120, "covered", "no_detail")):
        now = Now()
        machine = CameraMachine("x", GrabSection(dark_after_s=1, covered_after_s=1), now)
        for _ in range(3):
            now.ms += 1000
            machine.looked(look_at(np.full((36, 64, 3), level, np.uint8)), now.ms, {})
        assert (machine.state.state, machine.state.reason) == (state, reason)


def test_the_last_frame_never_goes_back() -> None:
    machine = CameraMachine("x", GrabSection(), Now())
    machine.seen(500)
    machine.seen(400)
    assert machine.state.last_frame_ms == 500
