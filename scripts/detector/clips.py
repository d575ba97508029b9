"""Scores over the labelled clips: `python -m scripts.detector.clips MODEL.onnx [...] --data ../shared/data`.

Every clip of `incidents.csv` at about 2 pictures a second: the highest fire and smoke score, and the highest score
that three pictures in a row reach ("held"). The gap between the clips that burn and those that do not is what the
rules downstream live on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np

from scripts.detector.evaluate import FIRE, SMOKE, Detector
from scripts.detector.geometry import Image
from scripts.detector.negatives import read_csv

RATE = 2.0
IN_A_ROW = 3


@dataclass(frozen=True)
class ClipScore:
    """One clip: what it shows (`fire`, `smoke`, `fire+smoke`, or empty for nothing) and its scores 0..1."""

    file: str
    shows: str
    pictures: int
    fire: float
    smoke: float
    fire_held: float
    smoke_held: float


def pictures(path: Path, rate: float = RATE) -> Iterator[Image]:
    """Frames of a clip about `rate` times a second of its own time."""
    due = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            now = float(frame.time or 0.0)
            if now >= due:
                due = now + 1 / rate - 1e-3
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def held(scores: list[float]) -> float:
    """The highest score reached by three pictures in a row (by all of them where there are fewer)."""
    span = min(IN_A_ROW, len(scores))
    return max((min(scores[k : k + span]) for k in range(len(scores) - span + 1)), default=0.0) if span else 0.0


def score(detector: Detector, path: Path, name: str, shows: str) -> ClipScore:
    """All figures of one clip."""
    found = [detector(image) for image in pictures(path)]
    fire, smoke = [f.best((FIRE,)) for f in found], [f.best((SMOKE,)) for f in found]
    values = (max(fire, default=0.0), max(smoke, default=0.0), held(fire), held(smoke))
    return ClipScore(name, shows, len(found), *(round(v, 3) for v in values))


def clips_of(data: Path) -> dict[str, str]:
    """Files of `incidents.csv` and what they show (brawls count as nothing here)."""
    shown: dict[str, set[str]] = {}
    for row in read_csv(data / "incidents.csv"):
        shown.setdefault(row["file"], set()).update({row["kind"]} & {"fire", "smoke"})
    return {file: "+".join(sorted(kinds)) for file, kinds in shown.items()}


def main() -> None:
    """Print a table for every model, burning clips first."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("models", type=Path, nargs="+")
    p.add_argument("--data", type=Path, default=Path("../shared/data"))
    p.add_argument("--json", type=Path)
    args = p.parse_args()
    results = {}
    for model in args.models:
        detector = Detector(model)
        rows = [score(detector, args.data / file, file, shows) for file, shows in clips_of(args.data).items()]
        rows.sort(key=lambda r: (not r.shows, -max(r.fire_held, r.smoke_held)))
        results[str(model)] = [asdict(r) for r in rows]
        print(f"{model}\n{'file':58} {'shows':11} {'n':>4} {'fire':>5} {'smoke':>5} | held {'fire':>5} {'smoke':>5}")
        for r in rows:
            highest, longest = f"{r.fire:5.2f} {r.smoke:5.2f}", f"{r.fire_held:5.2f} {r.smoke_held:5.2f}"
            print(f"{r.file:58} {r.shows:11} {r.pictures:4} {highest} |      {longest}")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
