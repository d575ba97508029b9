"""The memory of what is always there, on disk: too long-lived to be read back from the bus at every start.

A snapshot names the offsets up to which it was learned, so that a restart goes on from exactly there. It may be lost:
then what is always there is learned again, and speaks until it is.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from pipeline.bus.consumer import Place
from pipeline.confirm.memory import Memory
from pipeline.confirm.street import Streets

log = structlog.get_logger(__name__)

SCHEMA = 1


def save(file: Path, memory: Memory, streets: Streets, next_offsets: Mapping[Place, int]) -> None:
    """Write memory, streets and the offsets they were learned up to; the old snapshot stays until it is whole."""
    content = {
        "schema": SCHEMA,
        "offsets": {f"{topic}/{partition}": offset for (topic, partition), offset in next_offsets.items()},
        "places": memory.dump(),
        "streets": streets.dump(),
    }
    draft = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as out:
            json.dump(content, out, separators=(",", ":"))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:
        log.warning("confirm.snapshot_not_saved", file=str(file), error=str(error))


def load(file: Path, memory: Memory, streets: Streets) -> dict[Place, int]:
    """Read memory and streets back; return the offsets it was learned up to, none when there is no usable snapshot."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']} is not {SCHEMA}")
        offsets = {_place(name): int(offset) for name, offset in content["offsets"].items()}
        memory.load(content["places"])
        streets.load(content.get("streets", {}))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("confirm.snapshot_unusable", file=str(file), error=str(error) or type(error).__name__)
        return {}
    return offsets


def _place(name: str) -> Place:
    topic, _, partition = name.rpartition("/")
    return topic, int(partition)
