"""Training another architecture through the user's own installation of `ultralytics` (AGPL-3.0, never a dependency).

The prepared set becomes a YOLO data set (links to the pictures, labels as text, `data.yaml`), the model is trained from
the user's weights, exported to ONNX and described by a manifest with head `ultralytics`. Two things are lost on this
path: smoke that was not annotated cannot be masked, so such pictures are left out, and people below the sure score are
simply unlabelled.
"""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scripts.detector.export import write_manifest
from scripts.detector.geometry import CLASSES
from scripts.detector.prepare import Record, yolo_text

SURE = 0.45
PERSON = 2.0
THRESHOLDS = {"fire": 0.3, "smoke": 0.3, "person": 0.4}


def _labels(record: Record) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Fire, smoke and the teacher's sure people as `[n, 5]` rows of class and corners in px."""
    people = [[PERSON, *row[:4]] for row in record["people"] if row[4] >= SURE]
    return np.array([*record["boxes"], *people], np.float32).reshape(-1, 5)


def write_dataset(index: Path, out: Path) -> Path:
    """The prepared set as `images/`, `labels/` and `data.yaml` under `out`; returns the path of the YAML."""
    for record in json.loads(index.read_text()):
        if record["smoke_unlabelled"] and record["split"] == "train":
            continue
        part = "train" if record["split"] == "train" else "val"
        source = Path(record["path"])
        image, text = out / "images" / part / source.name, out / "labels" / part / f"{source.stem}.txt"
        image.parent.mkdir(parents=True, exist_ok=True)
        text.parent.mkdir(parents=True, exist_ok=True)
        if not image.exists():
            image.symlink_to(source.resolve())
        height, width = cv2.imread(str(source)).shape[:2]
        text.write_text(yolo_text(_labels(record), width, height))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    target = out / "data.yaml"
    target.write_text(f"path: {out.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return target


def train_ultralytics(arch: str, index: Path, out: Path, epochs: int, device: str, seed: int, size: int = 640) -> Path:
    """Train `arch` (a name such as `yolo11n`, or the user's `.pt` file) and write `out/model/`; returns that folder.

    Raises SystemExit with one line where `ultralytics` is not installed.
    """
    try:
        library = importlib.import_module("ultralytics")
    except ModuleNotFoundError as error:
        raise SystemExit("--arch other than yolox_nano needs your own `pip install ultralytics` (AGPL-3.0)") from error
    data = write_dataset(index, out / "yolo")
    model = library.YOLO(arch if arch.endswith(".pt") else f"{arch}.pt")
    model.train(
        data=str(data), epochs=epochs, imgsz=size, device=device, seed=seed, project=str(out), name="ultralytics"
    )
    exported = model.export(format="onnx", imgsz=size, opset=17, dynamic=False, simplify=False)
    folder = out / "model"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(exported, folder / "model.onnx")
    print("sha256", write_manifest(folder, "0.1.0", THRESHOLDS, head="ultralytics", size=size))
    (folder / "card.md").write_text(
        f"# {arch}\n\nTrained by scripts/train_detector.py --arch {arch}. Licence AGPL-3.0.\n"
    )
    return folder
