"""Evaluation of detectors against each other on the same pictures.

`python -m scripts.detector.evaluate MODEL.onnx [MODEL.onnx ...] --index RUN/prepared/index.json`: average precision by
COCO's rules at IoU .3, .5 and .5:.95 (pycocotools), smoke ignored where it was not annotated; and recall of pictures at
1 % and 5 % false positives, where a picture's score is its highest fire or smoke score. Labels are the originals.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from scripts.detector.geometry import Floats, Image, decode, letterbox, to_tensor
from scripts.detector.negatives import clip_negatives, flood_negatives
from scripts.detector.teacher import read

FIRE, SMOKE = 0, 1
Record = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """Detections in one picture: boxes `[K, 4]` px, scores `[K]`, classes `[K]`, (height, width)."""

    boxes: Floats
    scores: Floats
    kinds: NDArray[np.int64]
    shape: tuple[int, int]

    def best(self, kinds: Sequence[int] = (FIRE, SMOKE)) -> float:
        """The highest score of the classes given, 0 where nothing was found."""
        return float(self.scores[np.isin(self.kinds, kinds)].max(initial=0))


class Detector:
    """A YOLOX ONNX file on one CPU thread; the input size is read from the file, 320 where it is free."""

    def __init__(self, path: Path, size: int | None = None, overlap: float = 0.6) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self.size = size or (entry.shape[2] if isinstance(entry.shape[2], int) else 320)
        self.overlap = overlap
        self.seconds = 0.0
        self.pictures = 0

    def __call__(self, image: Image, floor: float = 0.01) -> Found:
        """Detect in one BGR picture."""
        began = time.perf_counter()
        canvas, ratio = letterbox(image, self.size)
        rows = self._session.run(None, {self._input: to_tensor(canvas)})[0][0]
        found = Found(*decode(rows, self.size, ratio, image.shape[:2], floor, self.overlap), image.shape[:2])
        self.seconds, self.pictures = self.seconds + time.perf_counter() - began, self.pictures + 1
        return found


def _coco(records: Sequence[Record], found: dict[str, Found], kind: int) -> tuple[COCO, list[dict[str, Any]]]:
    """Ground truth and detections of one class as pycocotools wants them."""
    images, truth, answers = [], [], []
    for number, record in enumerate(records, 1):
        result = found[record["path"]]
        images.append({"id": number, "height": result.shape[0], "width": result.shape[1]})
        for label, x1, y1, x2, y2 in record["boxes"]:
            if int(label) == kind:
                row = {"id": len(truth) + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
                truth.append({**row, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
        for (x1, y1, x2, y2), score in zip(
            result.boxes[result.kinds == kind], result.scores[result.kinds == kind], strict=True
        ):
            box = [float(x1), float(y1), float(x2 - x1), float(y2 - y1)]
            answers.append({"image_id": number, "category_id": 1, "bbox": box, "score": float(score)})
    data = COCO()
    data.dataset = {"images": images, "annotations": truth, "categories": [{"id": 1, "name": "x"}], "info": {}}
    data.createIndex()
    return data, answers


def precision(records: Iterable[Record], found: dict[str, Found], kind: int) -> dict[str, float] | None:
    """`{"n", "ap30", "ap50", "ap50_95"}` of one class, or None where it has no label."""
    used = [r for r in records if not (kind == SMOKE and r["smoke_unlabelled"])]
    with contextlib.redirect_stdout(io.StringIO()):
        data, answers = _coco(used, found, kind)
        count = len(data.dataset["annotations"])
        if not count:
            return None
        if not answers:
            return {"n": count, "ap30": 0.0, "ap50": 0.0, "ap50_95": 0.0}
        judge = COCOeval(data, data.loadRes(answers), "bbox")
        judge.params.iouThrs = np.array([0.3, *np.linspace(0.5, 0.95, 10)])
        judge.evaluate()
        judge.accumulate()
    curve = judge.eval["precision"][:, :, 0, 0, 2]
    values = [float(row[row > -1].mean()) for row in curve]
    return {"n": count, "ap30": values[0], "ap50": values[1], "ap50_95": float(np.mean(values[1:]))}


def picture_level(positive: Sequence[float], negative: Sequence[float]) -> dict[str, float]:
    """AUC and recall at 1 % and 5 % false positives (strictly above the threshold, at most that share of negatives)."""
    plus, minus = np.array(positive), np.sort(np.array(negative))[::-1]
    ranks = np.searchsorted(minus[::-1], plus, "left") + np.searchsorted(minus[::-1], plus, "right")
    result = {
        "positives": float(len(plus)),
        "negatives": float(len(minus)),
        "auc": float(ranks.mean() / 2 / len(minus)),
    }
    for share in (0.01, 0.05):
        limit = float(minus[int(share * len(minus))])
        result[f"recall_at_fpr_{share * 100:.0f}pct"] = float((plus > limit).mean())
        result[f"threshold_{share * 100:.0f}pct"] = limit
    return result


def dense_negatives(data: Path) -> Iterator[Image]:
    """Many frames of the other sets' val clips and all their val pictures: some 2,000 without fire and smoke."""
    for item in clip_negatives(data / "brawl", "val", set(), many=8):
        yield item.image
    for item in flood_negatives(data / "flood", {"val", "val_cctv"}, set()):
        yield item.image


def _pictures(
    records: Sequence[Record], found: dict[str, Found], dense: Sequence[Found]
) -> dict[str, dict[str, float]]:
    """Picture-level figures against three sets of negatives."""
    labelled = [r for r in records if r["role"] == "labelled"]
    flames = [r for r in labelled if any(int(b[0]) == FIRE for b in r["boxes"])]
    empty = [r for r in records if not r["boxes"]]
    own = [r for r in empty if r["role"] == "labelled"]

    def best(rows: Sequence[Record], kinds: Sequence[int] = (FIRE, SMOKE)) -> list[float]:
        return [found[r["path"]].best(kinds) for r in rows]

    burning = best([r for r in labelled if r["boxes"]])
    figures = {
        "pictures, own negatives": picture_level(burning, best(own)),
        "pictures, all negatives": picture_level(burning, best(empty)),
        "fire score, fire pictures": picture_level(best(flames, (FIRE,)), best(empty, (FIRE,))),
    }
    if dense:
        wide = [f.best() for f in dense], [f.best((FIRE,)) for f in dense]
        figures["pictures, dense negatives"] = picture_level(burning, best(own) + wide[0])
        figures["fire score, dense negatives"] = picture_level(best(flames, (FIRE,)), best(own, (FIRE,)) + wide[1])
    return figures


def evaluate(
    path: Path, records: Sequence[Record], size: int | None = None, data: Path | None = None, overlap: float = 0.6
) -> dict[str, Any]:
    """All figures of one model over val, val_scene and the other sets' val negatives (densely where `data`)."""
    detector = Detector(path, size, overlap)
    found = {r["path"]: detector(read(Path(r["path"]))) for r in records}
    report: dict[str, Any] = {"model": path.name, "n": len(records), "overlap": overlap}
    report["ms_per_frame"] = 1e3 * detector.seconds / detector.pictures
    labelled = [r for r in records if r["role"] == "labelled"]
    splits = {s: [r for r in labelled if r["split"] == s] for s in ("val", "val_scene")}
    for split, rows in {**splits, "both": labelled}.items():
        report[split] = {name: precision(rows, found, kind) for name, kind in (("fire", FIRE), ("smoke", SMOKE))}
    dense = [detector(image) for image in dense_negatives(data)] if data else []
    report["pictures"] = _pictures(records, found, dense)
    return report


def line(report: dict[str, Any]) -> str:
    """A report as a few lines of text."""
    rows = [
        f"{report['model']}, suppression {report['overlap']}: {report['ms_per_frame']:.1f} ms a frame with decoding"
    ]
    for split in ("val", "val_scene", "both"):
        cells = [
            f"{k} n{v['n']} AP30 {v['ap30']:.3f} AP50 {v['ap50']:.3f} AP {v['ap50_95']:.3f}"
            for k, v in report[split].items()
            if v
        ]
        rows.append(f"  {split:10s} " + " | ".join(cells))
    for name, v in report["pictures"].items():
        cells = [f"R@{p} {v[f'recall_at_fpr_{p}']:.3f} (>{v[f'threshold_{p}']:.3f})" for p in ("1pct", "5pct")]
        rows.append(
            f"  {name}: {v['positives']:.0f} against {v['negatives']:.0f}, AUC {v['auc']:.3f}, " + ", ".join(cells)
        )
    return "\n".join(rows)


def main() -> None:
    """Evaluate every model given on the same pictures; write all reports as JSON where asked."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("models", type=Path, nargs="+")
    p.add_argument("--index", type=Path, default=Path("runs/detector/prepared/index.json"))
    p.add_argument("--size", type=int)
    p.add_argument("--dense", type=Path, help="the data folder: some 2,000 negatives more from its val clips")
    p.add_argument("--overlap", type=float, default=0.6, help="IoU above which the lesser of two boxes goes")
    p.add_argument("--json", type=Path)
    args = p.parse_args()
    records = [r for r in json.loads(args.index.read_text()) if r["split"] != "train"]
    reports = []
    for path in args.models:
        report = evaluate(path, records, args.size, args.dense, args.overlap)
        print(line(report), flush=True)
        reports.append(report)
    if args.json:
        args.json.write_text(json.dumps(reports, indent=1))


if __name__ == "__main__":
    main()
