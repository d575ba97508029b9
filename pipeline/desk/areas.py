"""Who may see what: a person's areas are Kemendagri codes (kelurahan, kecamatan, kota), `*` is the whole city."""

import re
from collections.abc import Sequence

from pipeline.store.areas import covers

EVERYWHERE = "*"
_AREA = re.compile(r"^(\*|\d\d(\.\d\d(\.\d\d(\.\d{4})?)?)?)$")


def valid_area(area: str) -> bool:
    """Say whether `area` is `*` or a code of 1 to 4 groups: `31`, `31.71`, `31.71.01`, `31.71.01.1001`."""
    return bool(_AREA.fullmatch(area))


def sees(areas: Sequence[str], kelurahan: str) -> bool:
    """Say whether one of a person's areas holds the kelurahan; who has no area sees nothing."""
    return any(area == EVERYWHERE or covers(area, kelurahan) for area in areas)


def scope(areas: Sequence[str]) -> Sequence[str] | None:
    """Return areas as the store's queries take them: None is the whole city, an empty list is nothing."""
    return None if EVERYWHERE in areas else areas


def inside(areas: Sequence[str], wider: Sequence[str]) -> bool:
    """Say whether every one of some areas lies in the wider ones; no area at all lies in the whole city only."""
    if EVERYWHERE in wider:
        return True
    return bool(areas) and all(area != EVERYWHERE and any(covers(wide, area) for wide in wider) for area in areas)


def parse_areas(text: str) -> list[str]:
    """Return the codes of a text, separated by spaces, commas or lines, each once, in order."""
    return list(dict.fromkeys(part for part in re.split(r"[\s,;]+", text) if part))
