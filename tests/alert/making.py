"""Settings, registry and incidents of the alert tests."""

from pathlib import Path
from typing import Any

from pipeline.city.registry import Camera, Kelurahan, Registry
from pipeline.ops.settings import Settings
from tests.alert.receiver import SECRET
from tests.store.making import T0, incident

__all__ = ["GAMBIR", "SENEN", "T0", "incident", "registry", "settings_at", "webhook"]

GAMBIR = "31.71.01.1001"
SENEN = "31.71.04.1001"


def registry() -> Registry:
    """Two kelurahan of one kota, three cameras."""
    places = {
        GAMBIR: Kelurahan(GAMBIR, "Gambir", "Gambir", "Kota Administrasi Jakarta Pusat", -6.17, 106.82),
        SENEN: Kelurahan(SENEN, "Senen", "Senen", "Kota Administrasi Jakarta Pusat", -6.18, 106.85),
    }
    cameras = {
        id_: Camera(id_, f"Kamera {id_}", f"rtsp://u:p@10.0.0.1/{id_}", code, -6.17, 106.82, ("jalan",))
        for id_, code in (("cam-1", GAMBIR), ("cam-2", GAMBIR), ("cam-3", SENEN))
    }
    return Registry(cameras, places)


def webhook(name: str, url: str, **more: Any) -> dict[str, Any]:
    """One webhook target."""
    return {"name": name, "url": url, "secret": SECRET, "timeout_s": 30, **more}


def settings_at(folder: Path, *webhooks: dict[str, Any], **sections: Any) -> Settings:
    """Settings whose data lies under `folder`, with short waits; nothing is a storm unless a test says so."""
    calm = {"retry_min_s": 0.05, "retry_max_s": 0.4, "lease_s": 1, "update_every_s": 0, "storm": {"incidents": 100_000}}
    alert = {"webhooks": webhooks, **calm, **sections.pop("alert", {})}
    return Settings.model_validate({"data_dir": folder, "alert": alert, **sections})
