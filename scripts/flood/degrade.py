"""What bad pictures cost the flood model: `python -m scripts.flood.degrade MODEL_FOLDER --data DIR --split S`.

The pictures of a split through one fixed degradation at a time (those of the fire model, and a wet road): AUC, and
recall and false positives at the model's own threshold.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from pipeline.detect.runtime import Detector
from pipeline.ops.sections import DetectSection
from pipeline.tune.detector import read_picture
from pipeline.tune.detector_scores import area_under_curve
from pipeline.tune.flood_data import Street, read_streets
from scripts.detector.degrade import CHANGES as PLAIN
from scripts.flood.water import Image, wet_road

CHANGES: Mapping[str, Callable[[Image], Image]] = {
    **PLAIN,
    "road made wet": lambda image: wet_road(image, np.random.default_rng(2)),
}


def score(detector: Detector, street: Street, change: Callable[[Image], Image]) -> float:
    """The flood score of a picture after a change."""
    seen = detector.detect([change(read_picture(street.image))])[0]
    return max((one.score for one in seen), default=0.0)


def table(folder: Path, data: Path, split: str) -> list[str]:
    """Markdown rows, one for each degradation."""
    detector = Detector(folder, DetectSection(min_score=0.0))
    streets, threshold = read_streets(data, split), detector.thresholds["flood"]
    rows = ["| pictures | AUC | recall | false positives |", "|---|---|---|---|"]
    for name, change in CHANGES.items():
        found = [(street.flooded, score(detector, street, change)) for street in streets]
        yes = [value for flooded, value in found if flooded]
        no = [value for flooded, value in found if not flooded]
        hits, alarms = (float(np.mean(np.array(part) >= threshold)) for part in (yes, no))
        rows.append(f"| {name} | {area_under_curve(yes, no):.3f} | {hits:.3f} | {alarms:.3f} |")
    return rows


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", type=Path)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--split", default="val,val_cctv")
    args = p.parse_args()
    print("\n".join(table(args.model, args.data, args.split)))


if __name__ == "__main__":
    main()
