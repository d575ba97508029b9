"""Reading the archive: a span of time, some cameras, in the order of capture, a few batches at a time."""

import heapq
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.ops.errors import SiagaError
from pipeline.tune.archive.layout import HOUR_MS, HourFile, hour_files

BATCH = 4096
LATE_MS = 2 * HOUR_MS
"""A file may hold records from so long before or after its hour: the archiver came late, or a camera's clock."""

Recorded = tuple[int, bytes]
"""Capture time (epoch ms) and the record as it lay on the bus."""


class ArchiveError(SiagaError):
    """A file of the archive cannot be read; the message names it."""


def read(folder: Path, start_ms: int, end_ms: int, cameras: Collection[str] | None = None) -> Iterator[Recorded]:
    """Yield what was captured within `[start_ms, end_ms)`, by these cameras (None: by all).

    The order is that of the bus within a partition, and by capture time between partitions.

    Raises:
        ArchiveError: A file is damaged.
    """
    chosen = sorted(
        file for file in hour_files(folder) if file.hour_ms + HOUR_MS + LATE_MS > start_ms and file.hour_ms < end_ms
    )
    by_partition = groupby(sorted(chosen, key=attrgetter("partition", "hour_ms")), key=attrgetter("partition"))
    wanted = None if cameras is None else pa.array(sorted(cameras), pa.string())
    streams = [_partition(list(files), start_ms, end_ms, wanted) for _, files in by_partition]
    return heapq.merge(*streams, key=itemgetter(0))


def _partition(files: list[HourFile], start_ms: int, end_ms: int, cameras: pa.Array | None) -> Iterator[Recorded]:
    """Yield the records of one partition, file after file."""
    for file in files:
        yield from _file(file.path, start_ms, end_ms, cameras)


def _file(path: Path, start_ms: int, end_ms: int, cameras: pa.Array | None) -> Iterator[Recorded]:
    """Yield the records of one file."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH, columns=["captured_ms", "camera", "value"]):
                times = batch.column(0)
                keep = pc.and_(pc.greater_equal(times, start_ms), pc.less(times, end_ms))
                if cameras is not None:
                    keep = pc.and_(keep, pc.is_in(batch.column(1), cameras))
                kept = batch.filter(keep)
                yield from zip(kept.column(0).to_pylist(), kept.column(2).to_pylist(), strict=True)
    except (OSError, pa.ArrowException) as error:
        raise ArchiveError(f"{path}: cannot be read: {error}") from error
