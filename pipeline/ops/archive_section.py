"""The archive of observations: what replays and curves are made from."""

from pydantic import Field

from pipeline.ops.section import Section


class ArchiveSection(Section):
    """Observations kept for longer than the bus keeps them, as hourly Parquet files."""

    enabled: bool = Field(True, description="Write the archive with `siaga run`")
    dir: str = Field("archive", description="Where the files lie, relative to the data folder")
    keep_days: float = Field(60, gt=0, description="Older files are removed")
    batch_rows: int = Field(20_000, ge=100, le=1_000_000, description="Rows held in memory before they go to disk")
