"""What the planning pages share: words, what a person may see of it, the photo of a request, the budget curve."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import cv2
import numpy as np

from pipeline.desk.areas import EVERYWHERE, sees
from pipeline.desk.i18n import mark
from pipeline.desk.maps import LETTERS, PLAIN, Point
from pipeline.store.areas import covers
from pipeline.store.siting_tables import NeedRow
from pipeline.store.tables import Document

STATUS_WORDS: Final[dict[str, str]] = mark(
    {
        "diajukan": "Diajukan",
        "dikaji": "Dikaji",
        "disetujui": "Disetujui",
        "dipasang": "Dipasang",
        "ditolak": "Ditolak",
    }
)
ASKER_WORDS: Final[dict[str, str]] = mark({"opd": "OPD", "rt_rw": "RT/RW lewat kelurahan"})
PRIORITY_WORDS: Final[dict[int, str]] = mark(
    {1: "Bisa menunggu", 2: "Rendah", 3: "Biasa", 4: "Mendesak", 5: "Paling mendesak"}
)
STEP_WORDS: Final[dict[str, str]] = mark(
    {
        "": "Menunggu giliran ...",
        "reading": "Membaca kamera, permintaan dan titik rawan ...",
        "coverage": "Menghitung apa yang sudah terlihat ...",
        "plan": "Mencari lokasi terbaik ...",
        "done": "Selesai.",
        "failed": "Tidak berhasil.",
    }
)
EVENT_WORDS: Final[dict[str, str]] = mark(
    {
        "diajukan": "Diajukan oleh {actor}",
        "dikaji": "Dikaji oleh {actor}",
        "disetujui": "Disetujui oleh {actor}",
        "dipasang": "Dipasang, dicatat {actor}",
        "ditolak": "Ditolak oleh {actor}",
        "merged": "Permintaan {other} digabungkan ke sini oleh {actor}",
        "merged_into": "Digabungkan ke permintaan {other} oleh {actor}",
    }
)
PHOTO_PREFIX = "needs/"
"""Keys of photos in the evidence store; nothing else is ever shown as one."""
PHOTO_SIDE = 1280
PHOTO_BYTES = 12_000_000
PHOTO_PIXELS = 50_000_000


def need_point(need: NeedRow, title: str, more: str) -> Point:
    """Return a request as a mark on the map."""
    letter = LETTERS.get(need.category, PLAIN)
    return Point(need.lat, need.lng, f"need {need.status}", title, more, f"/kebutuhan/{need.id}", letter)


def plan_areas(settings: Mapping[str, Any]) -> list[str]:
    """Return the areas that a plan was made for; one that does not say is of the whole city."""
    return list(settings.get("areas", [EVERYWHERE]))


def sees_plan(areas: Sequence[str], settings: Mapping[str, Any]) -> bool:
    """Say whether all areas of a plan lie within a person's."""
    return all(
        EVERYWHERE in areas or (area != EVERYWHERE and any(own == area or covers(own, area) for own in areas))
        for area in plan_areas(settings)
    )


def outside(areas: Sequence[str], codes: Iterable[str]) -> list[int]:
    """Return which of these kelurahan (by their place in the list, from 1) lie outside a person's areas."""
    return [number for number, code in enumerate(codes, 1) if not sees(areas, code)]


def photo_key() -> str:
    """Return a new key for a photo."""
    return f"{PHOTO_PREFIX}{uuid4().hex}.jpg"


def jpeg_pixels(content: bytes) -> int:
    """Return how many pixels a JPEG says that it has, 0 for what is none: looked at before anything is unpacked."""
    at = 2
    while content[:2] == b"\xff\xd8" and at + 9 < len(content) and content[at] == 0xFF:
        marker, size = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            return int.from_bytes(content[at + 5 : at + 7], "big") * int.from_bytes(content[at + 7 : at + 9], "big")
        at += 2 + max(2, size)
    return 0


def clean_photo(content: bytes) -> bytes | None:
    """Return a JPEG of at most `PHOTO_SIDE` px without what a phone writes into it (place, owner).

    None for what is no JPEG, or too large to be looked at.
    """
    if len(content) > PHOTO_BYTES or not 0 < jpeg_pixels(content) <= PHOTO_PIXELS:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if image is None:
        return None
    scale = PHOTO_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, made = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return bytes(made) if done else None


@dataclass(frozen=True)
class Curve:
    """The budget curve as it is drawn: line and bound as SVG points, a mark for the plan, labels with their places."""

    line: str
    bound: str
    here: tuple[float, float]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, int], ...]


WIDTH, HEIGHT, LEFT, FOOT, TOP, RIGHT = 640, 280, 58, 34, 12, 30


def curve_of(told: Document) -> Curve | None:
    """Return the curve of a plan: share of all need that is seen, by the number of new cameras; None without need."""
    need, seen = told["coverage"]["need"], told["coverage"]["seen"]
    points = [(0, seen, seen)]
    points += [(p["used"], seen + p["value_micro"] / 1e6, seen + p["bound_micro"] / 1e6) for p in told["curve"]]
    points = list({x: (x, value, bound) for x, value, bound in points}.values())
    here = (len(told["sites"]), told["after"])
    most = max([here[0], *(point[0] for point in points)])
    if need <= 0 or most == 0:
        return None

    def at(cameras: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (cameras / most) ** 0.5  # the first cameras matter most: they get more room
        return round(x, 1), round(TOP + (HEIGHT - TOP - FOOT) * (1 - min(1.0, value / need)), 1)

    ordered = sorted({*points, (here[0], here[1], here[1])})
    line = " ".join(f"{x},{y}" for x, y in (at(c, v) for c, v, _ in ordered))
    bound = " ".join(f"{x},{y}" for x, y in (at(c, b) for c, _, b in sorted(points)))
    across = tuple((at(c, 0)[0], str(c)) for c, _, _ in sorted(points))
    up = tuple((at(0, need * share)[1], round(share * 100)) for share in (0, 0.25, 0.5, 0.75, 1))
    return Curve(line, bound, at(*here), across, up)
