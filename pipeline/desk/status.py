"""The lines at the top and bottom of every page: where, how many, and whether the system itself is whole."""

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.desk.areas import EVERYWHERE, scope
from pipeline.desk.context import Desk
from pipeline.desk.health import STAGE_WORDS, STAGES, judge
from pipeline.desk.i18n import mark
from pipeline.desk.identity import Person, Right
from pipeline.store.cameras import brief_states
from pipeline.store.decisions import FINAL
from pipeline.store.health import list_health
from pipeline.store.places import visible
from pipeline.store.tables import IncidentRow

STOPPED = mark("{stage} tidak bekerja (kabar terakhir {since}). Awasi kamera dengan mata.")
NEVER_RAN = mark("{stage} belum berjalan. Awasi kamera dengan mata.")
OVERLOADED = mark("{stage} kelebihan beban: sebagian gambar tambahan dilewati, gambar rutin tetap diperiksa.")
CITY = mark("{name}")
AREAS = mark("{name} wilayah")
WARD = mark("Kel. {name}")
DISTRICT = mark("Kec. {name}")
UNWATCHED = frozenset({"frozen", "dark", "covered", "lost"})
"""Camera states in which a fire would not be seen."""


@dataclass(frozen=True)
class Trouble:
    """A stage that does not work, as a text of the catalogue with `{stage}` and `{since}`."""

    text: str
    stage: str
    since_ms: int


@dataclass(frozen=True)
class State:
    """What the top and bottom line say. `sound` lists what rings: `kind:opened_ms` by spaces.

    `strain` are stages that work, and say that they leave something out.
    """

    where: str
    where_name: str
    waiting: int
    accepted: int
    cameras: int
    down: int
    sound: str
    may_decide: bool
    trouble: tuple[Trouble, ...]
    strain: tuple[Trouble, ...] = ()

    @property
    def blind(self) -> bool:
        """Whether nothing would be told even if something burned: then quiet means nothing."""
        return bool(self.trouble) or self.down == self.cameras > 0

    @property
    def version(self) -> str:
        """A hash of all it says."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def read_state(desk: Desk, person: Person, session: Session) -> State:
    """Read the state line of one person."""
    query = sa.select(IncidentRow.decision, IncidentRow.kind, IncidentRow.opened_ms)
    query = query.where(IncidentRow.decision.not_in(FINAL))
    areas = scope(person.areas)
    if areas is not None:
        query = query.where(visible(areas))
    rows = session.execute(query.order_by(IncidentRow.opened_ms)).all()
    states = brief_states(session)
    cameras = desk.cameras_of(person)
    where, name = _where(desk, person)
    decides = person.may(Right.DECIDE)
    trouble, strain = _trouble(desk, session)
    waiting = [(kind, opened) for decision, kind, opened in rows if decision == "waiting"]
    return State(
        where=where,
        where_name=name,
        waiting=len(waiting),
        accepted=len(rows) - len(waiting),
        cameras=len(cameras),
        down=sum(1 for camera in cameras if camera.id in states and states[camera.id][0] in UNWATCHED),
        sound=" ".join(f"{kind}:{opened}" for kind, opened in waiting) if decides else "",
        may_decide=decides,
        trouble=trouble,
        strain=strain,
    )


def _trouble(desk: Desk, session: Session) -> tuple[tuple[Trouble, ...], tuple[Trouble, ...]]:
    """Return the stages that do not work, and those that work and leave something out, in words."""
    views = judge(list_health(session), desk.clock(), int(desk.settings.ops.stale_after_s * 1000), STAGES)
    bad = [Trouble(STOPPED if v.since_ms else NEVER_RAN, STAGE_WORDS[v.stage], v.since_ms) for v in views if not v.ok]
    # No time in it: the page would change with every report.
    strained = [Trouble(OVERLOADED, STAGE_WORDS[v.stage], 0) for v in views if v.ok and v.overload]
    return tuple(bad), tuple(strained)


def _where(desk: Desk, person: Person) -> tuple[str, str]:
    """Return the name of a person's area as a text of the catalogue and its `{name}`."""
    if EVERYWHERE in person.areas:
        return CITY, desk.settings.city.name
    if len(person.areas) != 1:
        return AREAS, str(len(person.areas))
    area = person.areas[0]
    wards = desk.registry.kelurahan
    if area in wards:
        return WARD, wards[area].name
    inside = next((ward for code, ward in wards.items() if code.startswith(area + ".")), None)
    if inside is None:
        return CITY, area
    return (DISTRICT, inside.kecamatan) if area.count(".") == 2 else (CITY, inside.kota)
