"""What changed since the last start: configuration and registries are compared with how they were seen, and audited.

Secrets do not get into the audit: of a key that holds one stays a mark of four hex digits, which tells that it changed
and nothing else.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from pipeline.city.edits import cells_of
from pipeline.city.registry import Registry
from pipeline.ops.redact import redact_url
from pipeline.ops.settings import Settings
from pipeline.store.access import take_turns
from pipeline.store.admin_tables import SeenRow
from pipeline.store.audit import audit

ACTOR = "siaga"
MOST = 60
"""Changes that one row of the audit lists; of more it says how many."""
_SECRET = re.compile(r"(?i)secret|password|token|(^|_)key$|credential")
_MARK_CHARS = 4


def mark_of(value: object) -> str:
    """Return a mark that changes with a value and does not tell it."""
    return "*** " + hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:_MARK_CHARS]


def _shown(name: str, value: object) -> object:
    """Return a value as it may be kept: names of environment variables as they are, secrets and passwords as marks."""
    if not isinstance(value, str) or not value or value.startswith("env:"):
        return value
    if _SECRET.search(name):
        return mark_of(value)
    plain = redact_url(value) if "://" in value else value
    return plain if plain == value else f"{plain} {mark_of(value)}"


def flat(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, object]]:
    """Yield each leaf of a configuration as `section.key` or `section.list[0].key`, its value as it may be kept."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key), str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{path}[{number}]", name)
    elif isinstance(value, list):
        yield path, [_shown(name, item) for item in value]
    else:
        yield path, _shown(name, value)


def configuration(settings: Settings) -> dict[str, object]:
    """Return the whole configuration by key, without where its file and its data lie."""
    return dict(flat(settings.model_dump(mode="json", exclude={"base", "data_dir"})))


def cameras(registry: Registry) -> dict[str, object]:
    """Return the cells of each camera, its address as a mark behind what may be shown."""
    return {
        id_: {**cells_of(camera), "url": _shown("url", camera.url)} for id_, camera in sorted(registry.cameras.items())
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs by key, as [before, after]; inner mappings only with the cells that differ. Pure."""
    found: dict[str, Any] = {}
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            names = (name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
            found[key] = {name: [old.get(name), new.get(name)] for name in names}
        elif key not in before and isinstance(new, Mapping):
            found[key] = "added"
        elif key not in after and isinstance(old, Mapping):
            found[key] = "removed"
        else:
            found[key] = [old, new]
    return found


def note(session: Session, name: str, keys: dict[str, object], stage: str, at_ms: int) -> bool:
    """Compare with what was seen last; when it differs, audit what does and keep it. Says whether it did.

    The first look is a row of its own, without the values.
    """
    digest = hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()
    take_turns(session)
    row = session.get(SeenRow, name)
    if row is not None and row.sha256 == digest:
        return False
    detail: dict[str, Any] = {"sha256": digest, "stage": stage}
    if row is None:
        audit(session, ACTOR, f"{name}.seen", name, {**detail, "keys": len(keys)}, at_ms)
        session.add(SeenRow(name=name, sha256=digest, keys=keys, at_ms=at_ms))
        return True
    found = changes(row.keys, json.loads(json.dumps(keys)))
    shown = dict(list(found.items())[:MOST])
    more = {"more": len(found) - MOST} if len(found) > MOST else {}
    audit(session, ACTOR, f"{name}.changed", name, {**detail, "before": row.sha256, "changed": shown, **more}, at_ms)
    row.sha256, row.keys, row.at_ms = digest, keys, at_ms
    return True


def note_start(session: Session, settings: Settings, registry: Registry, stage: str, at_ms: int) -> None:
    """Audit what changed in the configuration and in the files of cameras and kelurahan since the last start.

    Stages that start together write it once. Cameras changed at the desk are audited when they are changed.
    """
    note(session, "config", configuration(settings), stage, at_ms)
    note(session, "cameras", cameras(registry), stage, at_ms)
    wards = {code: f"{w.name}, {w.kecamatan}, {w.kota} {w.lat} {w.lng}" for code, w in registry.kelurahan.items()}
    note(session, "kelurahan", dict(sorted(wards.items())), stage, at_ms)
