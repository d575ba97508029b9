"""Writing the files: rows go to a draft, which takes its name when its hour is over."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.tune.archive.layout import SCHEMA, hour_of, path_of

Row = tuple[int, str, int, bytes]
"""Capture time (epoch ms), camera, offset, the record as it lay on the bus."""


@dataclass
class HourWriter:
    """The open file of one partition. Not thread-safe.

    A draft that was not finished (the process ended) is written again from the bus: offsets are committed only for
    finished files, and the same records give the same file.

    Args:
        folder: The archive.
        partition: Of `siaga.observations`.
        batch_rows: Rows held in memory before they go to disk.
    """

    folder: Path
    partition: int
    batch_rows: int
    hour_ms: int | None = None
    next_offset: int = 0
    rows: list[Row] = field(default_factory=list)
    _file: pq.ParquetWriter | None = None

    def add(self, row: Row) -> bool:
        """Take a row; True when it belongs to a later hour, whose file it begins, and the one before was finished.

        Raises:
            OSError: The disk refuses.
        """
        hour, finished = hour_of(row[0]), False
        if self.hour_ms is None:
            self.hour_ms = hour
        elif hour > self.hour_ms:
            self.finish()
            self.hour_ms, finished = hour, True
        self.rows.append(row)
        self.next_offset = row[2] + 1
        if len(self.rows) >= self.batch_rows:
            self._flush()
        return finished

    @property
    def draft(self) -> Path:
        """The file that is being written."""
        return path_of(self.folder, self.hour_ms or 0, self.partition).with_suffix(".part")

    def _flush(self) -> None:
        """Write the rows in memory as one row group."""
        if not self.rows:
            return
        if self._file is None:
            self.draft.parent.mkdir(parents=True, exist_ok=True)
            self._file = pq.ParquetWriter(self.draft, SCHEMA, compression="zstd", use_dictionary=["camera"])
        columns = zip(*self.rows, strict=True)
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, SCHEMA, strict=True)]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), row_group_size=len(self.rows))
        self.rows = []

    def finish(self) -> Path | None:
        """Close the file and give it its name; None where there is nothing to keep.

        Raises:
            OSError: The disk refuses.
        """
        self._flush()
        if self._file is None:
            return None
        self._file.close()
        self._file = None
        done = self.draft.with_suffix(".parquet")
        self.draft.replace(done)
        self.hour_ms = None
        return done

    def abandon(self) -> None:
        """Leave the draft: its records are read again from the bus."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self.draft.unlink(missing_ok=True)
        self.rows = []
