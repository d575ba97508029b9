"""Head `classifier`: one score a class for the whole picture."""

from collections.abc import Sequence

import numpy as np

from pipeline.detect.heads.base import Candidates
from pipeline.detect.letterbox import Floats
from pipeline.detect.manifest import Manifest
from pipeline.ops.errors import ModelError


def read(outputs: Sequence[Floats], manifest: Manifest, floor: float) -> Candidates:
    """Read the output `[C]` of one picture and apply the manifest's activation. `floor` plays no part: all are kept.

    Raises:
        ModelError: The output does not have one value a class.
    """
    values = outputs[0].reshape(-1).astype(np.float64) if outputs else np.empty(0)
    if values.shape != (len(manifest.classes),):
        raise ModelError(
            f"model {manifest.name}: {len(manifest.classes)} classes need as many values, the model gives {values.size}"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        if manifest.activation == "softmax":
            exponents = np.exp(values - values.max())
            values = exponents / exponents.sum()
        elif manifest.activation == "sigmoid":
            values = 1 / (1 + np.exp(-values))
    return Candidates(values.astype(np.float32)[None])
