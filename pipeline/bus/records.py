"""The records on the bus: one immutable class a topic, with its encoding and the checks on reading.

Times are UTC epoch milliseconds. `trace` is one id from the grabbed frame to the delivered alert. Boxes are
`(x1, y1, x2, y2)` as shares 0..1 of the picture. Whatever does not hold to a contract raises `RecordError` with the
reason that goes to `siaga.dead`.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.bus.wetness import unpack
from pipeline.ops.errors import RecordError
from pipeline.ops.sections import Kind

SCHEMA = 1
MAX_FRAME_BYTES = 1_000_000  # what every Kafka takes by default
MAX_JSON_BYTES = 900_000
MAX_MS = 4_102_444_800_000  # the year 2100: beyond it a clock is broken, not early

Headers = list[tuple[str, bytes]]
Cause = Literal["floor", "activity", "burst"]
State = Literal["opened", "updated", "closed"]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Box = tuple[Ratio, Ratio, Ratio, Ratio]
Depth = Literal["none", "ankle", "knee", "wheel"]
"""How deep water stands on a street: up to an ankle, a knee, a wheel or above."""
Millis = Annotated[int, Field(ge=0, le=MAX_MS)]
Id = Annotated[str, Field(min_length=1, max_length=120)]


class Record(BaseModel):
    """Base of the JSON records: immutable; unknown fields are ignored so that a newer writer stops no older reader."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Frame(Record):
    """A sampled picture. `jpeg` is the record's value; everything else travels in its headers.

    `width` and `height` are of the JPEG, px. `quality` 0..1 is the grabber's word on the picture (0 dark or covered).
    """

    camera: Id
    trace: Id
    seq: Annotated[int, Field(ge=0)]
    captured_ms: Millis
    width: Annotated[int, Field(ge=1, le=8192)]
    height: Annotated[int, Field(ge=1, le=8192)]
    cause: Cause
    jpeg: bytes = Field(repr=False)
    quality: Ratio = 1.0
    burst: str = ""

    def headers(self) -> Headers:
        """Return the Kafka headers of this frame."""
        fields = {
            name: getattr(self, name)
            for name in ("trace", "seq", "captured_ms", "width", "height", "cause", "quality", "burst")
        }
        return [("schema", str(SCHEMA).encode()), *((name, str(value).encode()) for name, value in fields.items())]


class FrameRef(Record):
    """Where a frame lies on `siaga.frames`."""

    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class Detection(Record):
    """One box: class name, score 0..1, place in the picture."""

    label: Annotated[str, Field(min_length=1, max_length=40)]
    score: Ratio
    box: Box


class Water(Record):
    """Water in a picture, as one model sees it.

    `share` 0..1 of the street is under it (of what is not always under it, where a rule stage says so), `depth` is how
    deep, `light` the mean brightness 0..1 of the picture. `cells` says where (`pipeline.bus.wetness`). `rise` is the
    change of the share a minute; a detector cannot tell and leaves it 0. Where the camera sees a gauge, a rule stage
    adds the height `level_cm`, its alert level `siaga` (1 the gravest .. 4 normal) and `level_rise`, cm a minute.
    """

    share: Ratio
    depth: Depth
    light: Ratio
    cells: Annotated[str, Field(max_length=400)] = ""
    rise: Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)] = 0.0
    level_cm: Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)] | None = None
    siaga: Annotated[int, Field(ge=1, le=4)] | None = None
    level_rise: Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)] = 0.0

    @field_validator("cells")
    @classmethod
    def _is_a_grid(cls, text: str) -> str:
        """Refuse what is no grid here, at the door: rules and pages unpack it and need not doubt it."""
        try:
            unpack(text)
        except RecordError as error:
            raise ValueError(str(error)) from error
        return text


class ModelRef(Record):
    """Which weights spoke: name, version and the first 8 hex digits of their sha256."""

    name: str
    version: str
    sha8: str


class Observation(Record):
    """What one model saw in one frame. `scores` holds the highest score of each class."""

    schema_: Literal[1] = Field(1, alias="schema")
    camera: Id
    trace: Id
    captured_ms: Millis
    frame: FrameRef
    cause: Cause
    model: ModelRef
    scores: dict[str, Ratio]
    boxes: tuple[Detection, ...] = ()
    people: Annotated[int, Field(ge=0, le=100_000)] = 0
    quality: Ratio = 1.0
    burst: str = ""
    water: Water | None = None

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Witness(Record):
    """A camera that saw the incident, and as which kinds."""

    camera: Id
    first_seen_ms: Millis
    score: Ratio
    box: Box | None = None
    frame: FrameRef | None = None
    kinds: tuple[Kind, ...] = ()


class Incident(Record):
    """One event in the city, as it stands at `updated_ms`; a record of the same id and a higher `revision` replaces it.

    `first_seen_ms` is the capture time of the earliest frame of the evidence that opened it, `opened_ms` that of the
    frame that tipped it; `decided_ms` is when the confirm worker said so. `frame` is the best frame so far, shown as
    the still.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    id: Id
    kind: Kind
    camera: Id
    kelurahan: Annotated[str, Field(max_length=20)]
    state: State
    revision: Annotated[int, Field(ge=0)]
    trace: Id
    first_seen_ms: Millis
    opened_ms: Millis
    updated_ms: Millis
    closed_ms: Millis | None = None
    decided_ms: Millis
    score: Ratio
    boxes: tuple[Detection, ...] = ()
    frame: FrameRef | None = None
    witnesses: tuple[Witness, ...] = ()
    reasons: tuple[str, ...] = ()
    model: ModelRef | None = None
    water: Water | None = None

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @model_validator(mode="after")
    def _closed_has_time(self) -> "Incident":
        if (self.state == "closed") != (self.closed_ms is not None):
            raise ValueError("closed_ms belongs to state closed, and to it alone")
        return self


class Request(Record):
    """Something that a stage asks the grabber of `camera` for: a burst of frames around now."""

    schema_: Literal[1] = Field(1, alias="schema")
    camera: Id
    trace: Id
    at_ms: Millis
    kind: Literal["burst"]
    reason: str

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class DeadLetter(Record):
    """A record that could not be read: where it lay, why, and the first bytes of it (hex)."""

    schema_: Literal[1] = Field(1, alias="schema")
    topic: str
    partition: int
    offset: int
    stage: str
    reason: str
    at_ms: Millis
    head: str = ""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


JsonRecord = Observation | Incident | Request | DeadLetter


def encode(record: JsonRecord) -> bytes:
    """Return a JSON record as UTF-8 bytes."""
    return record.model_dump_json(by_alias=True).encode()


R = TypeVar("R", bound=Record)


def decode(kind: type[R], value: bytes | None) -> R:
    """Read a JSON record of the given class.

    Raises:
        RecordError: Not JSON, of another schema, too large, or a field is missing or out of bounds.
    """
    if value is None:
        raise RecordError("empty value")
    if len(value) > MAX_JSON_BYTES:
        raise RecordError(f"value of {len(value)} bytes is over {MAX_JSON_BYTES}")
    try:
        return kind.model_validate_json(value)
    except ValidationError as error:
        raise RecordError(_reason(error)) from error


def decode_frame(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Frame:
    """Read a frame from a Kafka record.

    Raises:
        RecordError: A header is missing, not text, of another schema or out of bounds, or the value is no JPEG.
    """
    if not value or value[:2] != b"\xff\xd8":
        raise RecordError("value is not a JPEG")
    if len(value) > MAX_FRAME_BYTES:
        raise RecordError(f"JPEG of {len(value)} bytes is over {MAX_FRAME_BYTES}")
    try:
        fields = {name: content.decode() for name, content in headers}
        camera = (key or b"").decode()
    except (UnicodeDecodeError, AttributeError) as error:
        raise RecordError("key or header is not UTF-8 text") from error
    if fields.pop("schema", None) != str(SCHEMA):
        raise RecordError(f"header schema is not {SCHEMA}")
    try:
        return Frame.model_validate({**fields, "camera": camera, "jpeg": value})
    except ValidationError as error:
        raise RecordError(_reason(error)) from error


def _reason(error: ValidationError) -> str:
    """Say the first problem in one line, without the offending bytes."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'value'}: {first['msg']}"[:300]


def best_scores(detections: Iterable[Detection]) -> dict[str, float]:
    """Return the highest score of each label."""
    scores: dict[str, float] = {}
    for detection in detections:
        scores[detection.label] = max(detection.score, scores.get(detection.label, 0.0))
    return scores
