"""What the levels of escalation are called at a place: its kelurahan, kecamatan and kota, and the city room."""

from pipeline.city.registry import Kelurahan, Registry
from pipeline.ops.duty import Level

CITY_ROOM = "Jakarta Siaga 112"


def level_name(level: Level, ward: Kelurahan | None, code: str = "") -> str:
    """Return what a level is called, such as `Kecamatan Menteng`.

    Args:
        level: Who is meant.
        ward: The kelurahan of the incident, None where the registry does not know it.
        code: Its code, named instead.
    """
    if level == "city":
        return CITY_ROOM
    if ward is None:
        groups = {"post": 4, "kecamatan": 3, "kota": 2}[level]
        return " ".join(part for part in (level.capitalize(), ".".join(code.split(".")[:groups])) if part)
    if level == "kota":
        return ward.kota
    return f"Kelurahan {ward.name}" if level == "post" else f"Kecamatan {ward.kecamatan}"


def area_names(registry: Registry) -> dict[str, str]:
    """Return what every kelurahan, kecamatan and kota is called, by its code, and the city room as `kota`."""
    names: dict[str, str] = {"kota": CITY_ROOM}
    for ward in registry.kelurahan.values():
        groups = ward.code.split(".")
        names |= {".".join(groups[:2]): ward.kota, ".".join(groups[:3]): f"Kec. {ward.kecamatan}", ward.code: ward.name}
    return names
