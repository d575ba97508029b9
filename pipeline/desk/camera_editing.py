"""Changing cameras at the desk: from a form to cells, to an edit that is kept, audited, and known to all stages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipeline.city.edits import CameraEdit, cells_of, changed_cells, edited_camera
from pipeline.city.registry import CATEGORIES, KINDS, Camera
from pipeline.city.rows import RowError
from pipeline.desk.context import Desk
from pipeline.desk.finding import CATEGORY_WORDS
from pipeline.desk.i18n import mark
from pipeline.desk.identity import Person
from pipeline.store.admin_tables import EditState
from pipeline.store.audit import audit
from pipeline.store.camera_edits import save_edit
from pipeline.store.following import LiveCity
from pipeline.store.seen import mark_of

SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
"""What a camera may be opened by when it is typed at the desk: never a file of the machine."""
FAULTS: dict[str, str] = mark(
    {
        "id": "ID kamera: 1 sampai 80 huruf, angka, titik, garis bawah atau tanda hubung.",
        "taken": "ID itu sudah dipakai kamera lain.",
        "url": "Alamat harus dimulai dengan rtsp://, rtsps://, http:// atau https://.",
        "kelurahan": "Kode kelurahan itu tidak dikenal atau di luar wilayah Anda.",
        "lat": "Lintang harus angka antara -90 dan 90.",
        "lng": "Bujur harus angka antara -180 dan 180.",
        "kinds": "Pilih paling sedikit satu jenis kejadian.",
        "categories": "Kategori itu tidak dikenal.",
        "bearing": "Arah harus angka derajat dari utara, 0 sampai 360, bersama lebarnya, atau keduanya kosong.",
        "angle": "Lebar pandangan harus angka derajat, 1 sampai 360, bersama arahnya, atau keduanya kosong.",
        "range_m": "Jangkauan harus angka meter, 1 sampai 1000, atau kosong.",
        "masks": "Tiap masker perlu paling sedikit tiga titik di dalam gambar.",
        "public": "Pilih ya atau tidak.",
    }
)
__all__ = ["CATEGORIES", "CATEGORY_WORDS", "FAULTS", "KINDS"]


class FormError(ValueError):
    """The form cannot be kept; the text names the part of `FAULTS`."""


@dataclass(frozen=True)
class CameraForm:
    """A camera as typed. An empty `url` keeps the address that is known."""

    id: str
    name: str
    url: str
    kelurahan: str
    lat: str
    lng: str
    owner: str
    categories: tuple[str, ...]
    kinds: tuple[str, ...]
    public: bool
    bearing: str = ""
    angle: str = ""
    range_m: str = ""

    def cells(self, now: Camera | None) -> dict[str, str]:
        """Return the cells of the registry that the form says; masks stay as they are.

        Raises:
            FormError: There is no kind, or no address that may be typed.
        """
        before = cells_of(now) if now is not None else {}
        if not self.kinds:
            raise FormError("kinds")
        if self.url and not self.url.lower().startswith(SCHEMES):
            raise FormError("url")
        url = self.url or before.get("url", "")
        return {
            "id": self.id, "name": self.name, "url": url, "kelurahan": self.kelurahan, "lat": self.lat,
            "lng": self.lng, "owner": self.owner, "masks": before.get("masks", ""),
            "categories": _joined(self.categories, before.get("categories", "")),
            "kinds": _joined(self.kinds, before.get("kinds", "")), "public": "ya" if self.public else "",
            "bearing": self.bearing, "angle": self.angle, "range_m": self.range_m,
        }  # fmt: skip


def _joined(chosen: Iterable[str], before: str) -> str:
    """Return words joined as the registry writes them; in the order that they had, when they are the same."""
    words = list(dict.fromkeys(chosen))
    return before if set(words) == {word for word in before.split(";") if word} else ";".join(words)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what changed, for the audit: [before, after]; addresses and masks only by their mark. Pure."""
    found: dict[str, list[str]] = {}
    for name, value in after.items():
        old = before.get(name, "")
        if value != old:
            hidden = name in ("url", "masks")
            found[name] = [mark_of(text) if hidden and text else text for text in (old, value)]
    return found


def keep_camera(desk: Desk, city: LiveCity, person: Person, cells: Mapping[str, str], what: str) -> Camera:
    """Keep a camera with these cells from now on; every stage takes it over within seconds.

    Args:
        desk: The desk.
        city: The registry that is served.
        person: Who changes it.
        cells: All cells of the camera.
        what: How the audit calls it: `camera.added`, `camera.changed` or `camera.masks_changed`.

    Raises:
        FormError: Names the cell that is wrong.
    """
    id_ = cells["id"]
    file, now = city.file.cameras.get(id_), city.registry.cameras.get(id_)
    try:
        camera = edited_camera(file, CameraEdit(id_, "set", changed_cells(file, cells)), city.file)
    except RowError as error:
        raise FormError(error.column) from error
    except RecursionError as error:  # brackets in brackets without end: no mask
        raise FormError("masks") from error
    fields = changed_cells(file, cells_of(camera))
    if not person.sees(camera.kelurahan):
        raise FormError("kelurahan")
    state: EditState = "set" if fields or file is None else "file"
    detail = differences(cells_of(now) if now is not None else {}, cells_of(camera))

    def work(session: Session) -> None:
        save_edit(session, id_, state, fields, person.name, desk.clock())
        audit(session, person.name, what, id_, detail, desk.clock())

    if detail:
        desk.database.transact(work)
        city.refresh()
    return camera


def set_state(desk: Desk, city: LiveCity, person: Person, camera: str, state: EditState) -> None:
    """Take a camera away (`removed`), or let it be as the file says again (`file`)."""
    what = "camera.removed" if state == "removed" else "camera.reverted"

    def work(session: Session) -> None:
        save_edit(session, camera, state, {}, person.name, desk.clock())
        audit(session, person.name, what, camera, None, desk.clock())

    desk.database.transact(work)
    city.refresh()
