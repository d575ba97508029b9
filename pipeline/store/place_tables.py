"""The table of places: the other kelurahan whose desks are told of an incident."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base


class PlaceRow(Base):
    """A kelurahan that an incident concerns beside its own: near the boundary, or of a camera that sees it too."""

    __tablename__ = "incident_places"

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True)
    kelurahan: Mapped[str] = mapped_column(String(20), primary_key=True, index=True)
