"""`manifest.yaml` of a model folder: what the file is, what goes in, what its outputs mean. Unknown keys are errors."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.bus.records import Cause, ModelRef
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import Share

MANIFEST = "manifest.yaml"
DEFAULT_THRESHOLD = 0.5

HeadName = Literal["yolox", "ultralytics", "classifier", "scene", "temporal"]
Pixels = Annotated[int, Field(ge=32, le=4096)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Triple = tuple[Finite, Finite, Finite]
PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Strict(BaseModel):
    """Base of the manifest's parts: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(Strict):
    """How a picture becomes the network's input.

    A pixel is multiplied by `scale`; then, where given, `mean` is taken away and the rest divided by `std` (both in the
    order of `colour`). `letterbox` keeps the picture's proportions (the rest is `pad`), at the top left or centred;
    `stretch` does not keep them. With `cut`, what is `pad` alone is left away down to the next multiple of so many px
    (a multiple of the largest stride): a wide picture costs a wide canvas instead of a square one. The file must then
    take any height and width, and the picture lie at the top left.
    """

    width: Pixels
    height: Pixels
    layout: Literal["nchw"] = "nchw"
    colour: Literal["bgr", "rgb"]
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    pad: Annotated[int, Field(ge=0, le=255)] = 114
    letterbox: Literal["top_left", "centre", "stretch"]
    cut: Annotated[int, Field(ge=0, le=1024)] = 0
    mean: Triple | None = None
    std: Triple | None = None

    @model_validator(mode="after")
    def _cut_at_the_far_edges(self) -> Self:
        if self.cut and self.letterbox != "top_left":
            raise ValueError("cut needs letterbox: top_left")
        return self

    @model_validator(mode="after")
    def _std_above_zero(self) -> Self:
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("std must be above zero")
        return self


class Manifest(Strict):
    """A model: its file and digest, its head, its classes and the score from which each class counts.

    `strides` belong to head `yolox`, `activation` to head `classifier`. `nms_iou` is the overlap above which the lesser
    of two boxes of a class goes. `causes` are the kinds of frames that the model looks at, and
    `every_s` how often it looks at one camera at most (s; 0 = at every frame of these causes).
    """

    name: PlainName
    version: Annotated[str, Field(min_length=1, max_length=40)]
    file: PlainName
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    head: HeadName
    input: InputSpec
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=1000)]
    thresholds: dict[str, Share] = Field(default_factory=dict)
    strides: Annotated[tuple[int, ...], Field(min_length=1)] = (8, 16, 32)
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    nms_iou: Share = 0.6
    causes: Annotated[tuple[Cause, ...], Field(min_length=1)] = ("floor", "activity", "burst")
    every_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0
    licence: str = ""
    card: str = ""

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: a name stands twice")
        for name in self.thresholds:
            if name not in self.classes:
                raise ValueError(f"thresholds: {name!r} is not one of the classes {', '.join(self.classes)}")
        return self

    @model_validator(mode="after")
    def _a_scene_is_one_class(self) -> Self:
        if self.head == "scene" and len(self.classes) != 1:
            raise ValueError("classes: head scene tells one class")
        return self

    @model_validator(mode="after")
    def _head_has_its_keys(self) -> Self:
        if (self.head == "classifier") != (self.activation is not None):
            raise ValueError("activation (softmax, sigmoid or none) belongs to head classifier, and to it alone")
        if self.head == "yolox":
            for stride in self.strides:
                if stride < 1 or self.input.width % stride or self.input.height % stride:
                    raise ValueError(f"strides: the input's width and height must be multiples of {stride}")
                if self.input.cut % stride:
                    raise ValueError(f"input.cut must be a multiple of stride {stride}")
        return self

    @property
    def ref(self) -> ModelRef:
        """How this model is named in observations."""
        return ModelRef(name=self.name, version=self.version, sha8=self.sha256[:8])

    def threshold(self, label: str) -> float:
        """Return the score 0..1 from which a class counts (0.5 where the manifest is silent)."""
        return self.thresholds.get(label, DEFAULT_THRESHOLD)


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a model folder.

    Raises:
        ModelError: One line per problem, `file: key: what is wrong`.
    """
    file = folder / MANIFEST
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ModelError(f"{file}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{file}: must be a mapping of keys")
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        raise ModelError("\n".join(f"{file}: {_explain(problem)}" for problem in error.errors())) from error


def _explain(problem: object) -> str:
    """Say one validation problem as `key: message`."""
    assert isinstance(problem, dict)
    key = ".".join(str(part) for part in problem["loc"])
    message = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def read_weights(folder: Path, manifest: Manifest) -> bytes:
    """Return the bytes of the model file after checking their SHA-256.

    Raises:
        ModelError: The file is missing, or is not the one that the manifest was written for.
    """
    file = folder / manifest.file
    try:
        weights = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error}") from error
    digest = hashlib.sha256(weights).hexdigest()
    if digest != manifest.sha256:
        raise ModelError(f"{file}: sha256 is {digest}, but {folder / MANIFEST} says {manifest.sha256}")
    return weights
