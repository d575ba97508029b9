"""What the desk changed of cameras, laid over the registry of the file: only the cells that differ. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.city import gauge
from pipeline.city.registry import CAMERA_COLUMNS, Camera, Registry, parse_camera
from pipeline.city.rows import RowError

VIEW = ("bearing", "angle", "range_m")
COLUMNS = (*CAMERA_COLUMNS, "public", *VIEW, gauge.COLUMN)
"""The cells of a camera, in the order of `cameras.csv`."""


@dataclass(frozen=True)
class CameraEdit:
    """One camera as the desk has it: other cells than the file (`set`), gone (`removed`), or as in the file again."""

    camera: str
    state: Literal["set", "removed", "file"]
    fields: Mapping[str, str]


class LiveCameras(Mapping[str, Camera]):
    """Cameras by id that can be exchanged as a whole while others read: they see the old or the new, never half."""

    def __init__(self, cameras: Mapping[str, Camera]) -> None:
        self._now = dict(cameras)

    def replace(self, cameras: Mapping[str, Camera]) -> None:
        """Show these cameras from now on."""
        self._now = dict(cameras)

    def __getitem__(self, camera: str) -> Camera:
        return self._now[camera]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._now))

    def __len__(self) -> int:
        return len(self._now)


def _number(value: float | None) -> str:
    """Return a number as short as it can be read back exactly; empty where there is none."""
    if value is None:
        return ""
    short = f"{value:.7g}"
    return short if float(short) == value else repr(value)


def cells_of(camera: Camera) -> dict[str, str]:
    """Return a camera as the cells of its row in `cameras.csv`."""
    masks = [[list(point) for point in mask] for mask in camera.masks]
    return {
        "id": camera.id,
        "name": camera.name,
        "url": camera.url,
        "kelurahan": camera.kelurahan,
        "lat": _number(camera.lat),
        "lng": _number(camera.lng),
        "categories": ";".join(camera.categories),
        "owner": camera.owner,
        "kinds": ";".join(camera.kinds),
        "masks": json.dumps(masks, separators=(",", ":")) if masks else "",
        "public": "ya" if camera.public else "",
        **{name: _number(getattr(camera, name)) for name in VIEW},
        gauge.COLUMN: camera.level_line.cell() if camera.level_line else "",
    }


def edited_camera(file: Camera | None, edit: CameraEdit, registry: Registry) -> Camera:
    """Return the camera that an edit makes of the file's, or of nothing.

    Raises:
        RowError: Names the cell that is wrong.
    """
    cells = cells_of(file) if file is not None else dict.fromkeys(COLUMNS, "")
    return parse_camera({**cells, **edit.fields, "id": edit.camera}, Path("/"), registry.kelurahan)


def apply_edits(registry: Registry, edits: Iterable[CameraEdit]) -> tuple[Registry, tuple[str, ...]]:
    """Return the registry with the edits laid over it, and one line per edit that cannot be used.

    An edit that does not fit any more (its kelurahan is gone from the file) leaves the file's camera as it is: one bad
    row never takes a camera away, let alone all.
    """
    cameras, problems = dict(registry.cameras), []
    for edit in edits:
        if edit.state == "removed":
            cameras.pop(edit.camera, None)
        elif edit.state == "set":
            try:
                cameras[edit.camera] = edited_camera(registry.cameras.get(edit.camera), edit, registry)
            except RowError as error:
                problems.append(f"camera {edit.camera}, changed at the desk: {error.column}: {error}")
    return Registry(cameras, registry.kelurahan, registry.place_radius_m), tuple(problems)


def changed_cells(file: Camera | None, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the cells of a wanted camera that the file says otherwise; all that hold something for a new one."""
    before = cells_of(file) if file is not None else dict.fromkeys(COLUMNS, "")
    return {name: value for name, value in wanted.items() if name != "id" and value != before.get(name, "")}
