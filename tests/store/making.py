"""Short ways to make what the store takes."""

from pathlib import Path
from typing import Any

from pipeline.bus.records import Incident
from pipeline.ops.settings import Settings

T0 = 1_790_000_000_000


def settings_at(folder: Path, url: str = "sqlite:///var/siaga.db", **store: Any) -> Settings:
    """Settings whose data lies under `folder`."""
    return Settings.model_validate({"data_dir": folder, "store": {"url": url, "evidence": "evidence", **store}})


def incident(id_: str = "i1", **changes: Any) -> Incident:
    """A fire seen by one camera."""
    values: dict[str, Any] = {
        "id": id_, "kind": "fire", "camera": "cam-1", "kelurahan": "31.71.01.1001", "state": "opened", "revision": 1,
        "trace": f"trace-{id_}", "first_seen_ms": T0, "opened_ms": T0 + 1500, "updated_ms": T0 + 1500,
        "decided_ms": T0 + 1600, "score": 0.8,
    }  # fmt: skip
    values.update(changes)
    if values["state"] == "closed":
        values.setdefault("closed_ms", values["updated_ms"])
    return Incident.model_validate(values)
