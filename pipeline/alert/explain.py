"""What `siaga route` says: everybody who is told of an incident, level after level, and who is not."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.alert.routing import CITY_DESK, LEVELS, Route, Subject, Target, route
from pipeline.alert.rules import DESK, Rules
from pipeline.city.registry import KINDS, Camera
from pipeline.ops.duty import Deadlines, Level
from pipeline.ops.errors import ConfigError
from pipeline.ops.section import Kind
from pipeline.store.accounts import Account


@dataclass(frozen=True)
class Step:
    """One level: told `after_s` seconds after the first notice, when nobody accepted; it has `deadline_s` seconds."""

    level: Level
    after_s: float
    deadline_s: float
    way: Route


@dataclass(frozen=True)
class Explanation:
    """Who is told of an incident of a kind that a camera sees at an instant (epoch ms)."""

    camera: Camera
    kind: Kind
    at_ms: int
    steps: tuple[Step, ...]


def explain(camera: str, kind: str, rules: Rules, at_ms: int) -> Explanation:
    """Route one incident at every level, each at the time at which it would be told.

    Raises:
        ConfigError: The camera or the kind is unknown.
    """
    seen = rules.registry.cameras.get(camera)
    if seen is None:
        close = difflib.get_close_matches(camera, rules.registry.cameras, n=3)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        raise ConfigError(f"camera: {camera!r} is not in the registry{hint}")
    known = next((one for one in KINDS if one == kind), None)
    if known is None:
        raise ConfigError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    limits = rules.alert.escalation.deadlines.get(known, Deadlines())
    seconds: Mapping[Level, float] = {
        "post": limits.post_s, "kecamatan": limits.kecamatan_s, "kota": limits.kota_s, "city": limits.city_s,
    }  # fmt: skip
    steps: list[Step] = []
    after_s = 0.0
    for level in LEVELS:
        way = route(Subject(known, camera), rules, at_ms + int(after_s * 1000), level)
        steps.append(Step(level, after_s, seconds[level], way))
        after_s += seconds[level]
    return Explanation(seen, known, at_ms, tuple(steps))


def officers(target: Target, accounts: Sequence[Account] | None) -> list[str] | None:
    """Return who may sign in at a desk that is told, by name; None for another target, or where it is not known."""
    if accounts is None or not target.name.startswith(DESK):
        return None
    code = target.name.removeprefix(DESK)
    if code == CITY_DESK:
        return [account.name for account in accounts if "*" in account.areas]
    return [account.name for account in accounts if account.serves(code)]


def as_document(said: Explanation, rules: Rules, accounts: Sequence[Account] | None) -> dict[str, Any]:
    """Return an explanation for programs: the keys of `Target`, `Suppressed` and `Untold` as they are."""
    ward = rules.registry.kelurahan[said.camera.kelurahan]
    return {
        "camera": said.camera.id,
        "kind": said.kind,
        "watched": said.kind in said.camera.kinds,
        "kelurahan": {"code": ward.code, "name": ward.name, "kecamatan": ward.kecamatan, "kota": ward.kota},
        "at_ms": said.at_ms,
        "at": datetime.fromtimestamp(said.at_ms / 1000, rules.zone).isoformat(timespec="seconds"),
        "levels": [
            {
                "level": step.level,
                "after_s": step.after_s,
                "deadline_s": step.deadline_s,
                "targets": [
                    {"name": one.name, "channel": one.channel, "role": one.role, "reason": one.reason}
                    | ({} if (names := officers(one, accounts)) is None else {"officers": names})
                    for one in step.way.targets
                ],
                "suppressed": [
                    {"name": one.target.name, "reason": one.reason, "why": one.why} for one in step.way.suppressed
                ],
            }
            for step in said.steps
        ],
        "untold": [{"agency": one.agency, "why": one.why} for one in said.steps[0].way.untold],
    }


def as_lines(said: Explanation, rules: Rules, accounts: Sequence[Account] | None) -> Iterator[str]:
    """Yield an explanation for people: the incident, then a table of each level, then who is not told."""
    ward = rules.registry.kelurahan[said.camera.kelurahan]
    at = datetime.fromtimestamp(said.at_ms / 1000, rules.zone)
    yield f"{said.kind} at {said.camera.id} ({said.camera.name}), {at:%a %Y-%m-%d %H:%M %Z}"
    yield f"kelurahan {ward.code} {ward.name}, kecamatan {ward.kecamatan}, {ward.kota}"
    if said.kind not in said.camera.kinds:
        yield f"note: this camera is not watched for {said.kind} (it is for {', '.join(said.camera.kinds)})"
    rows = [("CHANNEL", "WHO", "ROLE", "WHY")]
    rows += [_row(one, accounts) for step in said.steps for one in step.way.targets]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]

    def table(row: tuple[str, str, str, str]) -> str:
        return "  ".join((*(cell.ljust(size) for cell, size in zip(row, wide, strict=False)), row[3]))

    yield ""
    yield f"  {table(rows[0])}"
    for step in said.steps:
        when = "at once" if not step.after_s else f"after {step.after_s:g} s without acceptance"
        yield f"{step.level}: {when}; has {step.deadline_s:g} s to accept"
        yield from (f"  {table(_row(one, accounts))}" for one in step.way.targets)
        yield from (f"  not told: {one.target.name}: {one.why}" for one in step.way.suppressed)
    if said.steps[0].way.untold:
        yield "agencies not told:"
        yield from (f"  {one.agency}: {one.why}" for one in said.steps[0].way.untold)


def _row(target: Target, accounts: Sequence[Account] | None) -> tuple[str, str, str, str]:
    """Return a target as the cells of a line."""
    names = officers(target, accounts)
    who = target.name.partition(":")[2]
    if names is not None:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        who += f" ({shown or 'no account'})"
    return target.channel, who, target.role, target.reason
