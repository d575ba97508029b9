"""Hard negatives: `python -m scripts.detector.mine MODEL.onnx --index RUN/prepared/index.json`.

Training pictures without fire and smoke that an earlier checkpoint takes for one are drawn more often from then on,
easy ones less. The index is rewritten in place; weights always start from those of the preparation, so that mining
twice is safe.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from scripts.detector.evaluate import Detector
from scripts.detector.prepare import Record
from scripts.detector.teacher import read

EASY, STEEP, MOST = 0.65, 5.0, 2.5


def is_negative(record: Record) -> bool:
    """A training picture in which any fire or smoke found is wrong."""
    return record["split"] == "train" and not (record["boxes"] or record["ignored"] or record["smoke_unlabelled"])


def mine(model: Path, index: Path) -> list[tuple[float, str]]:
    """Reweigh the negatives of `index`; returns (score, path) of all of them, the worst first."""
    detector = Detector(model)
    records: list[Record] = json.loads(index.read_text())
    scored = []
    for record in filter(is_negative, records):
        score = detector(read(Path(record["path"])), floor=0.05).best()
        base = record.setdefault("base_weight", record["weight"])
        record["weight"] = base * min(MOST, EASY + STEEP * score)
        scored.append((score, str(record["path"])))
    part = index.with_suffix(".part")
    part.write_text(json.dumps(records))
    part.replace(index)
    return sorted(scored, reverse=True)


def main() -> None:
    """Reweigh and print the thirty worst."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", type=Path)
    p.add_argument("--index", type=Path, default=Path("runs/detector/prepared/index.json"))
    args = p.parse_args()
    scored = mine(args.model, args.index)
    print(f"{len(scored)} negatives, {sum(s > 0.3 for s, _ in scored)} above .3")
    for score, path in scored[:30]:
        print(f"{score:.2f} {path}")


if __name__ == "__main__":
    main()
