"""`siaga eval detector`: figures by hand, by COCO's rules, on a set made here and on the real one."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.bus.records import Detection
from pipeline.ops.errors import ConfigError, ModelError
from pipeline.tune.detector import evaluate_detector, figures, read_picture
from pipeline.tune.detector_data import Sample, Truth, read_labels, read_samples
from pipeline.tune.detector_scores import Seen, area_under_curve, average_precision, recall_at
from tests.detect.frames import picture
from tests.detect.models import brightness_yolox, write_manifest, write_model

HEADER = "file,split,content,labelled_classes\n"
FIRE_BOX = (12 / 64, 12 / 64, 28 / 64, 28 / 64)


def make_set(folder: Path, rows: list[tuple[str, str, str, int]], labels: str = "0 0.3125 0.3125 0.25 0.25\n") -> Path:
    """A set of `(split, content, labelled_classes, brightness)` pictures; fire where `brightness_yolox` says it."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    lines = [HEADER]
    for number, (split, content, labelled, level) in enumerate(rows):
        cv2.imwrite(str(folder / "images" / f"p{number}.jpg"), picture(128, 128, level=level, seed=number))
        (folder / "labels" / f"p{number}.txt").write_text(labels if content != "none" else "")
        lines.append(f"p{number}.jpg,{split},{content},{labelled}\n")
    (folder / "manifest.csv").write_text("".join(lines))
    return folder


@pytest.fixture
def bright_model(tmp_path: Path) -> Path:
    """Says fire where it is bright, and one person always."""
    return write_model(tmp_path / "bright", brightness_yolox(), name="bright")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Bright pictures burn, dark ones do not; one of them is brighter than it should be."""
    rows = [("val", "fire", "fire", level) for level in (240, 200, 120)]
    rows += [("val", "none", "fire;smoke", level) for level in (20, 40, 60, 150)]
    return make_set(tmp_path / "set", [*rows, ("train", "none", "fire;smoke", 10)])


def test_the_figures_of_a_small_set(small: Path, bright_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.json"
    result = evaluate_detector(small, "val", bright_model, out)
    assert json.loads(out.read_text()) == result
    assert list(result) == ["model", "n", "map50", "map50_95", "classes", "image", "ms_per_frame"]
    assert result["n"] == 7
    # ranked: hit, hit, false alarm (150), hit (120): precision 1, 1, 3/4 at recall 1/3, 2/3, 1
    assert result["classes"]["fire"]["ap50"] == pytest.approx((67 + 34 * 0.75) / 101, abs=1e-4)
    assert result["classes"]["fire"]["ap30"] == result["classes"]["fire"]["ap50"] == result["map50"]
    assert result["classes"]["smoke"] == {"ap30": None, "ap50": None, "ap50_95": None}
    assert result["image"] == {"auc": round(11 / 12, 4), "recall_at_fpr_1pct": 0.6667, "recall_at_fpr_5pct": 0.6667}
    assert result["ms_per_frame"] > 0
    assert result["model"].startswith("bright 1 (")
    page = (tmp_path / "new" / "out.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 7
    assert "http" not in page.replace("http-equiv", "")
    assert page.index("p6.jpg") < page.index("p5.jpg")  # the worst false alarm comes first
    assert "Alarm palsu" in page


def test_the_page_may_lie_elsewhere_and_splits_together(small: Path, bright_model: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = evaluate_detector(small, "val,train", bright_model / "manifest.yaml", tmp_path / "o.json", page)
    assert result["n"] == 8
    assert page.is_file()
    assert not (tmp_path / "o.html").exists()


def seen(content: str, labelled: str, truths: list[Truth], found: list[Detection]) -> Seen:
    sample = Sample("a.jpg", Path("a.jpg"), content, frozenset(labelled.split(";")), tuple(truths))
    return Seen(sample, 100, 100, tuple(found))


def test_smoke_is_not_judged_where_nobody_looked_for_it() -> None:
    smoke = Detection(label="smoke", score=0.9, box=(0, 0, 1, 1))
    good = seen("smoke", "fire;smoke", [Truth("smoke", (0, 0, 1, 1))], [smoke.model_copy(update={"score": 0.5})])
    unlabelled = seen("fire", "fire", [Truth("fire", FIRE_BOX)], [smoke])
    labelled = seen("fire", "fire;smoke", [Truth("fire", FIRE_BOX)], [smoke])
    assert average_precision([good, unlabelled], "smoke").ap50 == pytest.approx(1)
    assert average_precision([good, labelled], "smoke").ap50 == pytest.approx(0.5)


def test_loose_boxes_count_at_thirty_percent_only() -> None:
    found = Detection(label="fire", score=0.9, box=(0, 0, 0.4, 1))
    precision = average_precision([seen("fire", "fire", [Truth("fire", (0, 0, 1, 1))], [found])], "fire")
    assert precision.ap30 == pytest.approx(1)
    assert (precision.ap50, precision.ap50_95) == (0, 0)


def test_people_neither_alarm_nor_count() -> None:
    person = Detection(label="person", score=0.99, box=(0, 0, 1, 1))
    nothing = seen("none", "fire;smoke", [], [person])
    assert nothing.score == 0
    result = figures([nothing], "m", 1.0)
    assert result["map50"] is None
    assert result["image"] == {"auc": None, "recall_at_fpr_1pct": None, "recall_at_fpr_5pct": None}


def test_nothing_found_is_zero() -> None:
    assert average_precision([seen("fire", "fire", [Truth("fire", FIRE_BOX)], [])], "fire").ap50 == 0


def test_area_and_recall_with_ties() -> None:
    assert area_under_curve([0.5, 0.5], [0.5, 0.1]) == pytest.approx(0.75)
    negatives = [i / 100 for i in range(100)]
    assert recall_at(0.05, [0.95, 0.94, 0.941], negatives) == pytest.approx(2 / 3)
    assert recall_at(0.01, [0.985, 0.5], negatives) == pytest.approx(0.5)
    assert recall_at(0.01, [], negatives) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,content,labelled_classes\n", r"manifest\.csv:1: split: column is missing"),
        ("", r"manifest\.csv:1: file: column is missing"),
        (HEADER + "p0.jpg,val,,fire\n", r"manifest\.csv:2: content: is empty"),
        (HEADER + "p0.jpg,val,fire,fire;steam\n", r"manifest\.csv:2: labelled_classes: 'steam'"),
        (HEADER + "gone.jpg,val,none,fire\n", r"manifest\.csv:2: file: .*gone\.jpg is missing"),
        (HEADER + "../p0.jpg,val,none,fire\n", r"manifest\.csv:2: file: .* is no file name"),
        (HEADER + "p0.jpg,train,none,fire\n", r"manifest\.csv: split: 'val' is not there; there is train"),
        (HEADER + "p0.jpg,val\n", r"manifest\.csv:2: content: is empty"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(small: Path, text: str, said: str) -> None:
    (small / "manifest.csv").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_samples(small, "val")


def test_what_was_looked_for(small: Path) -> None:
    cells = {"fire": {"fire"}, "fire;smoke": {"fire", "smoke"}, "fire; smoke": {"fire", "smoke"}, "": {"fire", "smoke"}}
    for cell, labelled in cells.items():
        (small / "manifest.csv").write_text(f"{HEADER}p0.jpg,val,burning car,{cell}\n")
        (sample,) = read_samples(small, "val")
        assert sample.labelled == labelled
        assert sample.positive


def test_missing_files_are_named(small: Path, tmp_path: Path, bright_model: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere/manifest\.csv: cannot be read"):
        read_samples(tmp_path / "nowhere", "val")
    (small / "labels" / "p6.txt").unlink()
    assert len(read_samples(small, "val")) == 7  # nothing is to be found in p6: it needs no labels
    (small / "labels" / "p0.txt").unlink()
    with pytest.raises(ConfigError, match=r"manifest\.csv:2: file: .*p0\.txt is missing, and content is 'fire'"):
        read_samples(small, "val")
    with pytest.raises(ModelError, match=r"manifest\.yaml: cannot be read"):
        evaluate_detector(small, "train", tmp_path / "no-model", tmp_path / "o.json")
    with pytest.raises(ConfigError, match="split"):
        read_samples(small, " , ")


def test_a_picture_that_is_none(small: Path, bright_model: Path, tmp_path: Path) -> None:
    (small / "images" / "p0.jpg").write_bytes(b"no picture")
    with pytest.raises(ConfigError, match=r"p0\.jpg: is no picture"):
        evaluate_detector(small, "val", bright_model, tmp_path / "o.json")
    (small / "images" / "p0.jpg").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"p0\.jpg"):
        read_picture(small / "images" / "p0.jpg")


def test_labels_are_boxes_or_polygons(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("0 0.5 0.5 0.5 0.25\n\n1 0.1 0.2 0.5 0.2 0.3 0.9\n2 0.9 0.9 0.4 0.4\n")
    fire, smoke, person = read_labels(file)
    assert fire == Truth("fire", (0.25, 0.375, 0.75, 0.625))
    assert smoke == Truth("smoke", (0.1, 0.2, 0.5, 0.9))
    assert person.box == pytest.approx((0.7, 0.7, 1, 1))


@pytest.mark.parametrize(
    "line", ["fire 0 0 1 1", "7 0.5 0.5 1 1", "-1 0.5 0.5 1 1", "0 0.5 0.5", "0 0.5 0.5 nan 1", "0 9 9 9 9"]
)
def test_a_label_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"0 0.5 0.5 0.5 0.25\n{line}\n")
    with pytest.raises(ConfigError, match=r"a\.txt:2: .* is no label"):
        list(read_labels(file))


def test_without_pycocotools_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(ConfigError, match="pip install"):
        average_precision([], "fire")


def test_the_page_cannot_be_written(small: Path, bright_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        evaluate_detector(small, "val", bright_model, tmp_path / "o.json", tmp_path)


def test_the_baselines_known_figures(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "weights" / "baseline_fire_smoke_320.onnx"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    model = write_manifest(tmp_path / "m", sha256=digest, classes=["fire", "smoke"], thresholds={},
                           input={"width": 320, "height": 320})  # fmt: skip
    shutil.copyfile(file, model / "model.onnx")
    result = evaluate_detector(shared_data / "data" / "fire_smoke", "val", model, tmp_path / "o.json")
    assert result["n"] == 218
    assert result["classes"]["fire"] == pytest.approx({"ap30": 0.663, "ap50": 0.570, "ap50_95": 0.229}, abs=0.003)
    assert result["classes"]["smoke"] == pytest.approx({"ap30": 0.727, "ap50": 0.599, "ap50_95": 0.344}, abs=0.003)
    assert result["image"]["recall_at_fpr_5pct"] == pytest.approx(0.813, abs=0.01)
    assert result["image"]["recall_at_fpr_1pct"] == pytest.approx(0.659, abs=0.01)


def test_a_model_with_people_is_judged_on_fire_and_smoke(small: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", brightness_yolox())
    result = evaluate_detector(small, "val", model, tmp_path / "o.json")
    assert set(result["classes"]) == {"fire", "smoke"}
    assert np.isfinite(result["image"]["auc"])
