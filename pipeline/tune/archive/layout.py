"""Where the archive's files lie and what is in them.

`YYYY-MM-DD/HH-pP.parquet` (UTC) holds what partition P of `siaga.observations` got from the first record of that hour
on until the first record of another one, in the order of the bus. A row is the record itself (`value`, the JSON that
lay on the bus) with its camera, capture time and offset, so that files can be sifted without reading records.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

HOUR_MS = 3_600_000
SCHEMA = pa.schema(
    [
        ("captured_ms", pa.int64()),
        ("camera", pa.string()),
        ("offset", pa.int64()),
        ("value", pa.binary()),
    ]
)
_NAME = re.compile(r"^(\d\d)-p(\d+)\.parquet$")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")


@dataclass(frozen=True, order=True)
class HourFile:
    """One file: the hour it begins in (epoch ms), its partition, its place."""

    hour_ms: int
    partition: int
    path: Path


def hour_of(ms: int) -> int:
    """Return the beginning of the hour that a time lies in, epoch ms."""
    return ms - ms % HOUR_MS


def path_of(folder: Path, hour_ms: int, partition: int) -> Path:
    """Return where the file of an hour and partition lies."""
    at = datetime.fromtimestamp(hour_ms / 1000, UTC)
    return folder / f"{at:%Y-%m-%d}" / f"{at:%H}-p{partition}.parquet"


def hour_files(folder: Path) -> Iterator[HourFile]:
    """Yield all finished files of an archive, in no order; what is not named like one is passed over."""
    for day in folder.iterdir() if folder.is_dir() else ():
        if not _DAY.match(day.name):
            continue
        for file in day.iterdir():
            found = _NAME.match(file.name)
            if found is None:
                continue
            try:
                at = datetime.strptime(f"{day.name} {found[1]}", "%Y-%m-%d %H").replace(tzinfo=UTC)
            except ValueError:
                continue
            yield HourFile(int(at.timestamp() * 1000), int(found[2]), file)
