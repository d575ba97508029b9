"""Areas by Kemendagri code: a kelurahan `31.71.01.1001`, its kecamatan `31.71.01`, its kota `31.71`."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


def covers(area: str, code: str) -> bool:
    """Whether the area is this place or holds it; whole parts are compared: `31.7` does not hold `31.71`."""
    return bool(area) and (code == area or code.startswith(area.rstrip(".") + "."))


def serves(areas: Sequence[str], code: str) -> bool:
    """Say whether a list of areas, empty for everywhere, holds this place."""
    return not areas or any(covers(area, code) for area in areas)


def within(column: Any, areas: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a column of kelurahan codes lies in one of the areas; no area, no row."""
    places = [place.rstrip(".") for place in areas if place.rstrip(".")]
    return sa.or_(
        sa.false(), *(sa.or_(column == place, column.startswith(place + ".", autoescape=True)) for place in places)
    )
