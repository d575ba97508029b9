"""The tables of the admin pages: cameras as changed at the desk, tests of cameras, and the configuration last seen."""

from typing import Literal

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, Document, counter_type, json_type, ms_type

EditState = Literal["set", "removed", "file"]
"""A camera has other values than the file says, is no camera any more, or is again as the file says."""
TestState = Literal["waiting", "running", "done"]


class CameraEditRow(Base):
    """What the desk says of a camera instead of, or beside, `cameras.csv`: only the cells that differ.

    `revision` rises with every edit of any camera: who reads the table sees by the highest one that something changed.
    `fields` may hold an address with a password.
    """

    __tablename__ = "camera_edits"

    camera: Mapped[str] = mapped_column(String(80), primary_key=True)
    state: Mapped[EditState] = mapped_column(String(10))
    fields: Mapped[Document] = mapped_column(json_type)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    changed_ms: Mapped[int] = mapped_column(ms_type)
    changed_by: Mapped[str] = mapped_column(String(120))


class CameraTestRow(Base):
    """A camera that somebody at the desk wants opened; a grab process does it and writes what it found.

    `url` is forgotten when the test is done, the whole row soon after: its picture is not masked.
    """

    __tablename__ = "camera_tests"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    camera: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(Text)
    state: Mapped[TestState] = mapped_column(String(10), index=True)
    asked_by: Mapped[str] = mapped_column(String(120))
    asked_ms: Mapped[int] = mapped_column(ms_type)
    taken_ms: Mapped[int | None] = mapped_column(ms_type)
    done_ms: Mapped[int | None] = mapped_column(ms_type)
    ok: Mapped[bool | None]
    message: Mapped[str] = mapped_column(Text)
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)


class SeenRow(Base):
    """A configuration or registry as a start found it last: `keys` maps each key to its value, or to a hash of it."""

    __tablename__ = "config_seen"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    keys: Mapped[Document] = mapped_column(json_type)
    at_ms: Mapped[int] = mapped_column(ms_type)
