"""Every route of the desk, read from the application itself, so that a new one is walked without anybody adding it."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from pipeline.desk.app import create_app
from pipeline.desk.identity import ROLES as EVERY_ROLE
from tests.desk.world import PEOPLE, World

ROLES = {role: next(name for name, (held, _) in PEOPLE.items() if held == role) for role in EVERY_ROLE}
"""A person of every role."""


def app_of(world: World) -> FastAPI:
    """Return the desk's application, not served."""
    return create_app(world.settings, world.registry, world.database, world.evidence, world.clock)


def api_routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yield the routes that a person or program may ask for."""
    for router in app.routes:
        for route in getattr(getattr(router, "original_router", None), "routes", [router]):
            if isinstance(route, APIRoute):
                yield route


def examples(record: Any) -> Mapping[str, str]:
    """Return a value for each place in a path: what exists in the world after `record` was raised there."""
    return {
        "incident_id": record.id, "camera_id": record.camera, "number": "1", "identifier": "x", "name": "piket_gambir",
        "user": "piket_gambir", "code": record.kelurahan, "kelurahan": record.kelurahan, "drill_id": "x",
    }  # fmt: skip


def get_paths(app: FastAPI, known: Mapping[str, str]) -> list[str]:
    """Return the address of every GET route, its places filled.

    Raises:
        AssertionError: A place has no example; give `examples` one, so that the page is walked too.
    """
    paths = []
    for route in api_routes(app):
        if "GET" not in (route.methods or ()):
            continue
        places = set(route.param_convertors)
        assert places <= set(known), f"{route.path}: no example for {places - set(known)} in tests/desk/walking.py"
        paths.append(route.path.replace(":path}", "}").format(**known))
    return sorted(paths)
