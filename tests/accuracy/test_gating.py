"""What adaptive sampling costs: labelled clips looked at as cameras are, against the same clips without any gating.

Without gating every picture at the activity rate is a floor picture. Nothing may be missed for it, and nothing found
later, for fire, smoke and flooding; for brawls it is told how soon the gate opens once a fight begins.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.bus.records import Detection
from pipeline.detect.letterbox import Image
from pipeline.detect.manifest import Manifest, load_manifest
from pipeline.detect.worker import load_detectors
from pipeline.grab.sampler import Sample, Sampling, sample_source
from pipeline.ops.sections import GrabSection
from pipeline.ops.settings import Settings
from pipeline.tune.incident_labels import Label, read_labels
from pipeline.tune.matching import Tally
from pipeline.tune.watching import Looks, Watching
from tests.shared import REPO

GATED = GrabSection()
WITHOUT = GrabSection(floor_fps=GATED.activity_fps)
FLOOR_ALONE = GrabSection(activity_fps=GATED.floor_fps)
PACKET_S = 0.2
"""Between two pictures of the slowest of those clips."""
OPENS_S = 3.0
"""Within this time of a fight's beginning the gate should be open."""
SOON_AT_LEAST = 6
"""Fights of the labelled streams (of 7) on which it is."""


@dataclass
class Remembering:
    """A model that looks at no picture twice: the same clips are watched several times."""

    model: Looks
    seen: dict[int, tuple[Detection, ...]] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        """What the model is."""
        return self.model.manifest

    def detect(self, images: Sequence[Image]) -> list[tuple[Detection, ...]]:
        """Return what each picture shows, from memory where it was seen."""
        found = []
        for image in images:
            key = hash((image.shape, image.tobytes()))
            if key not in self.seen:
                self.seen[key] = self.model.detect([image])[0]
            found.append(self.seen[key])
        return found


@dataclass
class Outcome:
    """What watching all clips in one way gave."""

    tally: Tally = field(default_factory=Tally)
    frames: int = 0
    delays: dict[tuple[str, str, float], float | None] = field(default_factory=dict)


def watched(labels: dict[Path, list[Label]], grab: GrabSection, models: list[Remembering]) -> Outcome:
    """Watch clips with a way of sampling; delays by clip, kind and start of the event, None where it was missed."""
    watching, outcome = Watching(Settings(grab=grab), models), Outcome()
    for file, rows in labels.items():
        found = watching.watch(str(file))
        outcome.frames += found.frames
        for row in rows:
            alone = Tally()
            alone.add([row], found.incidents, found.video_s)
            delays = alone.delays.get(row.kind or "fire", [])
            outcome.delays[file.name, str(row.kind), row.start_s] = delays[0] if delays else None
        outcome.tally.add(rows, found.incidents, found.video_s)
    return outcome


def burning(shared_data: Path) -> dict[Path, list[Label]]:
    """The clips on which something burns or smokes."""
    table = read_labels(shared_data / "data" / "incidents.csv")
    kinds = {"fire", "smoke"}
    return {file: rows for file, rows in table.items() if {row.kind for row in rows} & kinds}


@pytest.mark.timeout(300)
def test_the_gate_costs_fire_and_smoke_nothing(
    shared_data: Path, capsys: pytest.CaptureFixture[str], record_property: Any
) -> None:
    labels = burning(shared_data)
    assert len(labels) >= 10
    models = [Remembering(model) for model in load_detectors(Settings())]
    ways = {"gated": GATED, "without": WITHOUT, "floor alone": FLOOR_ALONE}
    found = {name: watched(labels, grab, models) for name, grab in ways.items()}
    figures = {name: {"frames": one.frames, **one.tally.figures()} for name, one in found.items()}
    record_property("gating", json.dumps(figures))
    with capsys.disabled():
        print(f"\ngating: {json.dumps(figures)}")
    gated, without = found["gated"], found["without"]
    assert gated.frames < without.frames
    for event, delay in without.delays.items():
        mine = gated.delays[event]
        assert delay is None or (mine is not None and mine <= delay), event


def test_the_gate_saves_where_nothing_happens(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = sorted((shared_data / "data" / "fire_smoke" / "clips").glob("*none_*.mp4"))
    clips += sorted((shared_data / "data" / "flood" / "clips").glob("*.mp4"))
    counts = [sum(1 for clip in clips for _ in sample_source(str(clip), grab)) for grab in (GATED, WITHOUT)]
    with capsys.disabled():
        print(f"\npictures of {len(clips)} quiet clips: {counts[0]} gated, {counts[1]} without")
    assert counts[0] < 0.95 * counts[1]


def longest_gap_s(file: Path, grab: GrabSection) -> float:
    """The longest time between two floor pictures of a clip, s."""
    at = [sample.t_s for sample in sample_source(str(file), grab) if sample.cause == "floor"]
    return max(b - a for a, b in pairwise(at))


def test_floor_pictures_come_as_often_whatever_moves(shared_data: Path) -> None:
    """Flooding is looked for on floor pictures alone, so the gate cannot cost it anything.

    Which packet serves may differ (a keyframe a little early is taken where it is there), not how long none comes.
    """
    clips = sorted((shared_data / "data" / "flood" / "clips").glob("*.mp4"))
    assert clips
    for clip in clips:
        assert longest_gap_s(clip, GATED) <= longest_gap_s(clip, FLOOR_ALONE) + PACKET_S, clip.name
    model = REPO / "models" / "flood"
    if (model / "manifest.yaml").exists():
        assert load_manifest(model).causes == ("floor",)


def opened_s(sampled: Sampling, start_s: float, end_s: float) -> float | None:
    """Seconds from a fight's beginning to the first activity picture, None where none came while it lasted."""

    def within(sample: Sample) -> bool:
        return sample.cause == "activity" and start_s - 0.5 <= sample.t_s <= end_s

    return next((round(max(0.0, sample.t_s - start_s), 2) for sample in sampled if within(sample)), None)


def test_how_soon_the_gate_opens_for_a_fight(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = read_labels(shared_data / "data" / "incidents.csv")
    fights = [row for rows in table.values() for row in rows if row.kind == "brawl"]
    assert fights
    waits = [opened_s(sample_source(str(row.file), GATED), row.start_s, row.end_s or 1e9) for row in fights]
    soon = [wait for wait in waits if wait is not None and wait <= OPENS_S]
    with capsys.disabled():
        print(f"\nfights: {len(fights)}, gate open within {OPENS_S:g} s: {len(soon)}, waits {waits}")
    assert len(soon) >= SOON_AT_LEAST
