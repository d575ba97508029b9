"""What the receiver of a notice gets: the incident as it stood, with the names of its camera and kelurahan."""

from pipeline.bus.records import Incident
from pipeline.city.registry import Registry
from pipeline.store.revisions import cameras_of
from pipeline.store.tables import Document, Notice

SCHEMA = 1


def payload_of(
    incident: Incident, place: str, notice: Notice, key: str, registry: Registry, target: str, why: str
) -> Document:
    """Return the payload of an outbox row.

    Args:
        incident: The record.
        place: Code of the kelurahan that decides who is told; '' where there is none.
        notice: What is told.
        key: The idempotency key.
        registry: Names of cameras and kelurahan.
        target: Whom it is for.
        why: Why they are told, in one line.
    """
    camera = registry.cameras.get(incident.camera)
    return {
        "schema": SCHEMA,
        "notice": notice,
        "idempotency_key": key,
        "target": target,
        "why": why,
        "incident": incident.model_dump(mode="json", by_alias=True, exclude={"frame"}),
        "cameras": list(cameras_of(incident)),
        "camera": {"id": incident.camera}
        if camera is None
        else {
            "id": camera.id,
            "name": camera.name,
            "lat": camera.lat,
            "lng": camera.lng,
            "categories": list(camera.categories),
        },
        "kelurahan": place_document(registry, place),
    }


def place_document(registry: Registry, code: str) -> Document:
    """Return the part of a payload that names a kelurahan; only its code where the registry does not know it."""
    ward = registry.kelurahan.get(code)
    if ward is None:
        return {"code": code}
    return {"code": ward.code, "name": ward.name, "kecamatan": ward.kecamatan, "kota": ward.kota}
