"""Observations hold what the camera is watched for, and people always."""

from pipeline.bus.records import Detection, FrameRef, Observation, decode, encode
from pipeline.detect.manifest import Manifest
from pipeline.detect.observe import observe, watches
from pipeline.ops.sections import DetectSection
from tests.detect.frames import frame
from tests.detect.test_heads import manifest

REF = FrameRef(partition=1, offset=7)
BOX = (0.1, 0.1, 0.123456, 0.3)
MODEL = manifest(classes=["fire", "smoke", "person"], thresholds={"person": 0.3})


def see(**scores: float) -> tuple[Detection, ...]:
    return tuple(Detection(label=label.rstrip("2"), score=score, box=BOX) for label, score in scores.items())


def make(*detections: Detection, kinds: tuple[str, ...] = ("fire", "smoke"), model: Manifest = MODEL) -> Observation:
    return observe(frame(quality=0.8), REF, kinds, model, detections, 0.9, DetectSection())


def test_every_class_has_a_score_and_every_box_a_place() -> None:
    observation = make(*see(fire=0.61234, person=0.5, person2=0.2))
    assert observation.scores == {"fire": 0.6123, "smoke": 0.0, "person": 0.5}
    assert [(box.label, box.score) for box in observation.boxes] == [("fire", 0.6123), ("person", 0.5), ("person", 0.2)]
    assert observation.boxes[0].box == (0.1, 0.1, 0.1235, 0.3)
    assert observation.people == 1
    assert (observation.frame, observation.trace, observation.cause) == (REF, "t-1", "floor")
    assert decode(Observation, encode(observation)) == observation


def test_kinds_that_are_not_watched_for_are_left_out_but_people_are_counted() -> None:
    observation = make(*see(fire=0.9, smoke=0.6, person=0.4), kinds=("smoke",))
    assert observation.scores == {"smoke": 0.6, "person": 0.4}
    assert [box.label for box in observation.boxes] == ["smoke", "person"]
    assert observation.people == 1


def test_weak_boxes_leave_their_score_only() -> None:
    observation = make(*see(fire=0.07))
    assert observation.scores["fire"] == 0.07
    assert observation.boxes == ()


def test_the_worse_of_both_qualities_counts() -> None:
    assert make().quality == 0.8
    assert observe(frame(), REF, (), MODEL, (), 0.3, DetectSection()).quality == 0.3


def test_which_model_looks_at_which_frame() -> None:
    flood = manifest("classifier", activation="softmax", classes=["flood", "dry"], causes=["floor"])
    assert watches(flood, frame(), ("flood",))
    assert not watches(flood, frame(cause="activity"), ("flood",))
    assert not watches(flood, frame(), ("fire",))
    assert watches(MODEL, frame(), ("brawl",))  # people are counted for every camera
    assert not watches(manifest(), frame(), ("flood",))
    assert watches(manifest(classes=["car"]), frame(), ("fire",))
