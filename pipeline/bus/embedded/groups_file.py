"""Settled groups on disk, so that a restart of the broker costs no rebalance: members just go on with their heartbeats.

Only stable groups are written. One that was changing when the broker died is not there, or has an older generation: its
members are told so and join again.
"""

import base64
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.bus.embedded import storage
from pipeline.bus.embedded.groups import Group, State
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.members import Member

logger = logging.getLogger(__name__)


def save(path: Path, groups: dict[str, Group]) -> None:
    """Write all stable groups, atomically.

    Raises:
        OSError: the file system refuses.
    """
    stable = {name: _group(group) for name, group in groups.items() if group.state is State.STABLE}
    storage.write_atomically(path, json.dumps(stable))


def load(path: Path, limits: Limits, clock: Callable[[], int]) -> dict[str, Group]:
    """Return the groups as they were; their members have their whole session timeout to be heard of again."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return {name: _restored(state, limits, clock) for name, state in saved.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s: not readable (%s), all members have to join again", path, error)
        return {}


def _group(group: Group) -> dict[str, Any]:
    return {
        "generation": group.generation,
        "protocol_type": group.protocol_type,
        "protocol": group.protocol,
        "leader": group.leader,
        "members": [_member(member) for member in group.members.values()],
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "member_id": member.member_id,
        "instance": member.instance,
        "client_id": member.client_id,
        "host": member.host,
        "session_ms": member.session_ms,
        "rebalance_ms": member.rebalance_ms,
        "protocols": {name: base64.b64encode(data).decode() for name, data in member.protocols.items()},
        "assignment": base64.b64encode(member.assignment).decode(),
    }


def _restored(state: dict[str, Any], limits: Limits, clock: Callable[[], int]) -> Group:
    members = []
    for saved in state["members"]:
        protocols = {name: base64.b64decode(data) for name, data in saved.pop("protocols").items()}
        assignment = base64.b64decode(saved.pop("assignment"))
        members.append(Member(**saved, protocols=protocols, assignment=assignment, seen_ms=clock(), settled=True))
    group = Group(limits, clock)
    group.restore(state["generation"], state["protocol_type"], state["protocol"], state["leader"], members)
    return group
