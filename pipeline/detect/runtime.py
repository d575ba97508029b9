"""A model at work: pictures in, detections out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import structlog

from pipeline.bus.records import ModelRef
from pipeline.detect.heads import HEADS
from pipeline.detect.letterbox import Fit, Floats, Image, grown, letterbox, to_tensor
from pipeline.detect.manifest import Manifest, load_manifest, read_weights
from pipeline.detect.metrics import BATCH, SECONDS
from pipeline.detect.session import CPU, ONNXRUNTIME_ERRORS, open_session
from pipeline.detect.suppress import Seen, detections
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection

log = structlog.get_logger(__name__)

GPU_BATCH = 16
OUTPUTS: Mapping[str, int] = {"scene": 2}
"""How many outputs a head reads, where it is not one."""


class Detector:
    """One model of one folder, warmed up and ready. Not shared between threads.

    Args:
        folder: The model folder with its `manifest.yaml`.
        detect: Providers, threads, batch, lowest scores.

    Raises:
        ModelError: The manifest is wrong, the file is another one, or the model does not do what the manifest says.
    """

    def __init__(self, folder: Path, detect: DetectSection) -> None:
        self.manifest = load_manifest(folder)
        self._detect = detect
        if self.manifest.head not in HEADS:
            raise ModelError(
                f"model {self.manifest.name}: head {self.manifest.head} looks at bursts, not at single pictures"
            )
        self._session = open_session(self.manifest.name, read_weights(folder, self.manifest), detect)
        self._head = HEADS[self.manifest.head]
        self._input, self._fixed = self._check_input()
        self._by_size: dict[tuple[int, int], Manifest] = {}
        self.provider: str = self._session.get_providers()[0]
        self.batch: int = self._fixed or detect.batch or (1 if self.provider == CPU else GPU_BATCH)
        self.detect([np.full((self.manifest.input.height, self.manifest.input.width, 3), 114, np.uint8)] * self.batch)
        log.info("detect.model_ready", model=self.manifest.name, version=self.manifest.version, provider=self.provider)

    @property
    def model_ref(self) -> ModelRef:
        """How this model is named in observations."""
        return self.manifest.ref

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The score 0..1 from which each class counts."""
        return MappingProxyType({label: self.manifest.threshold(label) for label in self.manifest.classes})

    def detect(self, images: Sequence[Image]) -> list[Seen]:
        """Return what each picture `[H, W, 3]` BGR uint8 shows, best first, at most `detect.max_boxes` each.

        A classifier gives one detection a class whose box is the whole picture.

        Raises:
            ModelError: The model failed on these pictures.
        """
        found: list[Seen] = []
        for start in range(0, len(images), self.batch):
            found += self._pass(images[start : start + self.batch])
        return found

    def _pass(self, images: Sequence[Image]) -> Iterator[Seen]:
        """One run of the network on at most `batch` pictures."""
        BATCH.observe(len(images))
        with SECONDS.labels("preprocess").time():
            fitted, fits = zip(*(letterbox(image, self.manifest.input) for image in images), strict=True)
            canvases = grown(fitted, self.manifest.input)
            tensors = [to_tensor(canvas, self.manifest.input) for canvas in canvases]
            tensor = tensors[0][None] if len(tensors) == 1 else np.stack(tensors)
            sized = self._sized(*canvases[0].shape[:2])
        with SECONDS.labels("infer").time():
            outputs = self._run(tensor)
        with SECONDS.labels("postprocess").time():
            return iter(
                [
                    self._read([output[i] for output in outputs], fit, sized, float(canvases[i].mean()) / 255)
                    for i, fit in enumerate(fits)
                ]
            )

    def _run(self, tensor: Floats) -> list[Floats]:
        """Run the network on `[N, 3, H, W]`; a model of fixed batch gets its missing pictures as zeros."""
        missing = self._fixed - len(tensor)
        if missing > 0:
            tensor = np.concatenate((tensor, np.zeros((missing, *tensor.shape[1:]), np.float32)))
        try:
            outputs: list[Floats] = self._session.run(None, {self._input: tensor})
        except ONNXRUNTIME_ERRORS as error:
            raise ModelError(f"model {self.manifest.name} failed: {error}") from error
        read = outputs[: OUTPUTS.get(self.manifest.head, 1)]
        for output in read:
            if output.ndim == 0 or len(output) != len(tensor):
                raise ModelError(f"model {self.manifest.name}: output of shape {output.shape} has no batch axis")
        return read

    def _sized(self, height: int, width: int) -> Manifest:
        """Return the manifest as it reads on a canvas of this size, px."""
        if (height, width) not in self._by_size:
            spec = self.manifest.input.model_copy(update={"height": height, "width": width})
            self._by_size[height, width] = self.manifest.model_copy(update={"input": spec})
        return self._by_size[height, width]

    def _read(self, outputs: Sequence[Floats], fit: Fit, sized: Manifest, light: float) -> Seen:
        found = self._head(outputs, sized, self._detect.min_score)
        water = found.water and found.water.model_copy(update={"light": round(light, 3)})
        seen = detections(found, fit, self.manifest, self._detect.min_score, self._detect.max_boxes)
        return Seen.of(seen, water)

    def _check_input(self) -> tuple[str, int]:
        """Return the input's name and its fixed batch (0 = any), after comparing it with the manifest."""
        inputs: list[Any] = self._session.get_inputs()
        spec, name = self.manifest.input, self.manifest.name
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            raise ModelError(f"model {name}: needs one float32 input [N, 3, H, W]")
        batch, *shape = inputs[0].shape
        if spec.cut and any(isinstance(side, int) for side in shape[1:]):
            raise ModelError(f"model {name}: input.cut needs a model of any height and width, it has {inputs[0].shape}")
        for has, wants in zip(shape, (3, spec.height, spec.width), strict=True):
            if isinstance(has, int) and has != wants:
                raise ModelError(
                    f"model {name}: its input is {inputs[0].shape}, the manifest says {spec.width}x{spec.height}"
                )
        return inputs[0].name, batch if isinstance(batch, int) and batch > 0 else 0
