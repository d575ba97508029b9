"""Keys of the maps on the desk and on the public page."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from pipeline.ops.section import Section

PLACES = ("{z}", "{x}", "{y}")


class MapSection(Section):
    """Maps; without tiles they are drawn from the kelurahan alone and need no internet."""

    tiles: str = Field("", description="Address of map tiles with {z}, {x} and {y}; empty = none, nothing is fetched")
    attribution: str = Field("", description="Whose tiles they are, shown on the map")

    @field_validator("tiles")
    @classmethod
    def _whole(cls, tiles: str) -> str:
        """Refuse an address that a browser could not use, or whose server the page could not name."""
        parts = urlsplit(tiles)
        own = tiles.startswith("/") and not tiles.startswith("//")
        good = own or (parts.scheme in ("http", "https") and parts.netloc and not set(parts.netloc) & set("{}*;, '\"@"))
        if tiles and not (good and all(place in tiles for place in PLACES)):
            raise ValueError("must be https://one-server/... or /..., and hold {z}, {x} and {y}")
        return tiles

    @property
    def origin(self) -> str:
        """The one server that tiles come from, as the page's policy names it; empty for none or the desk's own."""
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
