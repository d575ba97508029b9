"""The table of the scores that belong to an incident; they outlive the observations on the bus."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, json_type, ms_type


class ScoresRow(Base):
    """The scores of one camera around an incident: `points` is `[[captured_ms, score], ...]`, oldest first.

    `through_ms` says up to when they were read (epoch ms): from there on more may be added.
    """

    __tablename__ = "incident_scores"

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True)
    camera: Mapped[str] = mapped_column(String(120), primary_key=True)
    through_ms: Mapped[int] = mapped_column(ms_type)
    points: Mapped[list[list[float]]] = mapped_column(json_type)
