"""The heads: how the outputs of each model family are read. A new family is one module and one line in `HEADS`."""

from pipeline.detect.heads import classifier, scene, ultralytics, yolox
from pipeline.detect.heads.base import Candidates, Head
from pipeline.detect.manifest import HeadName

HEADS: dict[HeadName, Head] = {
    "yolox": yolox.read,
    "ultralytics": ultralytics.read,
    "classifier": classifier.read,
    "scene": scene.read,
}
"""Head name of the manifest -> the function that reads one picture's outputs."""

__all__ = ["HEADS", "Candidates", "Head"]
