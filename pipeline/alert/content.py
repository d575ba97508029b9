"""What an outbox row's payload says, read once for every channel; whatever is missing there is missing here, too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Phase(Enum):
    """What a notice does to what its receiver knows."""

    ALERT = "alert"
    UPDATE = "update"
    CLEAR = "clear"
    CANCEL = "cancel"
    TEST = "test"
    DIGEST = "digest"


PHASES: Mapping[str, Phase] = {
    "opened": Phase.ALERT,
    "closed": Phase.CLEAR,
    "cancel": Phase.CANCEL,
    "cancelled": Phase.CANCEL,
    "false_alarm": Phase.CANCEL,
    "test": Phase.TEST,
    "drill": Phase.TEST,
    "digest": Phase.DIGEST,
}
"""Notices by what they do; any other, such as `updated` or `escalated`, is an update."""
_UNREADABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(value: Any, limit: int = 500) -> str:
    """Return a text on one line, without what XML and screens cannot hold, cut to `limit` characters."""
    text = " ".join(_UNREADABLE.sub("", "" if value is None else str(value)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True)
class Content:
    """A notice as channels render it. Times are epoch ms (None: unknown), `score` 0..1, `lat`, `lng` degrees.

    `listed` are the incidents of a digest. `forwarded` is who handed it on, with their note; empty where nobody did.
    `is_test` marks what must not be taken for real, whatever its notice. `asked` are those who were told before an
    escalation and for how long they did not accept, s. Within a digest, `decided` says that somebody has decided
    meanwhile, `told_before` that the target was told of it alone; `part` is its number and how many parts there are.
    `depth` is how deep water stands (`records.Depth`), `share` 0..1 of the street is under it, `level_cm` and
    `siaga` what a gauge shows; empty for other kinds.
    """

    notice: str
    phase: Phase
    incident: str
    kind: str
    revision: int
    score: float | None
    first_seen_ms: int | None
    updated_ms: int | None
    camera_id: str
    camera: str
    lat: float | None
    lng: float | None
    code: str
    kelurahan: str
    kecamatan: str
    kota: str
    cameras: int
    is_test: bool
    listed: tuple["Content", ...] = ()
    forwarded: str = ""
    asked: tuple[tuple[str, int], ...] = ()
    decided: bool = False
    told_before: bool = False
    part: tuple[int, int] = (1, 1)
    depth: str = ""
    share: float | None = None
    level_cm: float | None = None
    siaga: int | None = None

    @property
    def where(self) -> str:
        """The camera and its place in one line."""
        return ", ".join(part for part in (self.camera, self.kelurahan, self.kecamatan, self.kota) if part)


def read(payload: Mapping[str, Any], depth: int = 0) -> Content:
    """Return what a payload says.

    Args:
        payload: `OutboxRow.payload`: `notice`, `incident`, `camera`, `kelurahan`, `cameras`; a digest holds more such
            documents under `incidents`, a test or drill may set `test`.
        depth: How deep this document lies in digests; those within a digest list nothing themselves.
    """
    incident, camera, place = (_part(payload, name) for name in ("incident", "camera", "kelurahan"))
    notice = clean(payload.get("notice", "opened"), 40)
    is_test = bool(payload.get("test")) or PHASES.get(notice) is Phase.TEST
    listed = payload.get("incidents", ()) if depth == 0 else ()
    lat, lng = _number(camera.get("lat"), 90), _number(camera.get("lng"), 180)
    return Content(
        notice=notice,
        phase=PHASES.get(notice, Phase.UPDATE),
        incident=clean(incident.get("id") or payload.get("idempotency_key"), 120),
        kind=clean(incident.get("kind"), 40),
        revision=int(_number(incident.get("revision"), 2**62) or 0),
        score=_number(incident.get("score"), 1),
        first_seen_ms=_millis(incident.get("first_seen_ms")),
        updated_ms=_millis(incident.get("updated_ms")),
        camera_id=clean(camera.get("id") or incident.get("camera"), 120),
        camera=clean(camera.get("name") or camera.get("id") or incident.get("camera"), 200),
        lat=lat if lng is not None else None,
        lng=lng if lat is not None else None,
        code=clean(place.get("code") or incident.get("kelurahan"), 20),
        kelurahan=clean(place.get("name"), 100),
        kecamatan=clean(place.get("kecamatan"), 100),
        kota=clean(place.get("kota"), 100),
        cameras=len(payload.get("cameras") or ()),
        is_test=is_test,
        listed=tuple(read(_one(item), 1) for item in listed),
        forwarded=_forwarded(_part(payload, "forwarded")),
        asked=_asked(_part(payload, "escalation")),
        decided=payload.get("decision", "waiting") != "waiting",
        told_before=payload.get("told") == "alone",
        part=_numbers(payload.get("part")),
        depth=clean(_part(incident, "water").get("depth"), 20),
        share=_number(_part(incident, "water").get("share"), 1),
        level_cm=_number(_part(incident, "water").get("level_cm"), 1e5),
        siaga=int(_number(_part(incident, "water").get("siaga"), 4) or 0) or None,
    )


def _asked(part: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return who was asked before an escalation, and for how long, s."""
    asked = part.get("asked")
    found = [one for one in asked if isinstance(one, Mapping)] if isinstance(asked, list) else []
    return tuple((clean(one.get("name"), 100), int(_number(one.get("seconds"), 2**31) or 0)) for one in found)


def _numbers(part: Any) -> tuple[int, int]:
    """Return the number of a part and how many there are; the only one where nothing is said."""
    good = isinstance(part, list) and len(part) == 2 and all(isinstance(one, int) for one in part)
    return (part[0], part[1]) if good else (1, 1)


def _forwarded(part: Mapping[str, Any]) -> str:
    """Return who forwarded, and their note in brackets."""
    by, note = clean(part.get("by"), 120), clean(part.get("note"))
    return f"{by} ({note})" if by and note else by


def _one(item: Any) -> Mapping[str, Any]:
    """Return an incident of a digest as a payload, whether it is one or the bare incident."""
    if not isinstance(item, Mapping):
        return {"incident": {"id": item}}
    return item if isinstance(item.get("incident"), Mapping) else {"incident": item, **_kept(item)}


def _kept(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a bare incident that are documents themselves."""
    return {name: item[name] for name in ("camera", "kelurahan") if isinstance(item.get(name), Mapping)}


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of a payload, empty where it is none."""
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(value: Any, bound: float) -> float | None:
    """Return a finite number within `-bound..bound`, else None."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and -bound <= value <= bound
    return value if good else None


def _millis(value: Any) -> int | None:
    """Return an epoch time in ms, None when there is none."""
    number = _number(value, 4_102_444_800_000)
    return None if number is None or number < 0 else int(number)
