"""What the admin pages show of areas and people: names beside codes, and who may manage whom. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.city.registry import Camera, Kelurahan
from pipeline.desk.areas import EVERYWHERE, inside
from pipeline.desk.i18n import mark
from pipeline.desk.identity import Person
from pipeline.store.areas import covers
from pipeline.store.tables import UserRow

WHOLE_CITY = mark("Seluruh kota")
UNKNOWN_AREA = mark("tidak dikenal")


@dataclass
class Area:
    """A kota, kecamatan or kelurahan with what lies in it and who works there; `people` are (name, role)."""

    code: str
    name: str
    cameras: int = 0
    people: list[tuple[str, str]] = field(default_factory=list)
    inner: "list[Area]" = field(default_factory=list)

    @property
    def unwatched(self) -> bool:
        """Whether it has cameras, and no duty officer who would hear of them."""
        return self.cameras > 0 and not any(role in ("piket", "admin") for _, role in self.people)


def area_names(wards: Mapping[str, Kelurahan]) -> dict[str, str]:
    """Return the name of every kelurahan, kecamatan and kota by its code."""
    names: dict[str, str] = {}
    for code, ward in wards.items():
        kota, kecamatan = code[:5], code[:8]
        names[kota], names[kecamatan], names[code] = ward.kota, f"Kec. {ward.kecamatan}", f"Kel. {ward.name}"
    return names


def manages(admin: Person, row: UserRow) -> bool:
    """Say whether an admin may see and change a person: all of the person's areas lie in the admin's own."""
    return inside(row.areas, admin.areas)


def _people_of(code: str, people: Iterable[UserRow]) -> list[tuple[str, str]]:
    """Return who, of those that may sign in, sees the whole of an area."""
    return [
        (row.name, row.role)
        for row in people
        if not row.disabled and any(area == EVERYWHERE or covers(area, code) for area in row.areas)
    ]


def area_tree(
    wards: Mapping[str, Kelurahan], cameras: Iterable[Camera], people: Sequence[UserRow], areas: Sequence[str]
) -> list[Area]:
    """Return the kota with their kecamatan and kelurahan that have cameras, within some areas, by code."""
    counts: dict[str, int] = {}
    for camera in cameras:
        if inside([camera.kelurahan], areas):
            for code in (camera.kelurahan[:5], camera.kelurahan[:8], camera.kelurahan):
                counts[code] = counts.get(code, 0) + 1
    names = area_names(wards)
    tree: dict[str, Area] = {}
    for code in sorted(counts):
        made = tree[code] = Area(code, names.get(code, code), counts[code], _people_of(code, people))
        outer = tree.get(code.rpartition(".")[0])
        if outer is not None:
            outer.inner.append(made)
    return [area for code, area in tree.items() if code.count(".") == 1]


def describe_areas(areas: Sequence[str], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return areas as (code, name); the name of `*` and of what is unknown is a text of the catalogue."""
    return [(area, WHOLE_CITY if area == EVERYWHERE else names.get(area, UNKNOWN_AREA)) for area in areas]
