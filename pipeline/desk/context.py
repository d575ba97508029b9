"""What every route needs, held once in the application's state."""

from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, HTTPException, Request

from pipeline.city.registry import Camera, Registry
from pipeline.desk.hub import Hub
from pipeline.desk.identity import Person, Right
from pipeline.desk.metrics import REFUSED
from pipeline.desk.signing import Signer
from pipeline.desk.throttle import Throttle
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.store.database import Database
from pipeline.store.evidence import EvidenceStore

SIMULATED = "SIMULASI"


@dataclass(frozen=True)
class Desk:
    """The desk's surroundings; `zone` is the city's time zone."""

    settings: Settings
    registry: Registry
    database: Database
    evidence: EvidenceStore
    clock: Clock
    zone: ZoneInfo
    throttle: Throttle
    hub: Hub
    signer: Signer

    @property
    def idle_ms(self) -> int:
        """How long a sign-in may lie unused, ms."""
        return int(self.settings.desk.session_idle_minutes * 60_000)

    def cameras_of(self, person: Person) -> list[Camera]:
        """Return the cameras that a person may see, by name."""
        seen = (camera for camera in self.registry.cameras.values() if person.sees(camera.kelurahan))
        return sorted(seen, key=lambda camera: (camera.name, camera.id))


def is_simulated(camera: Camera | None) -> bool:
    """Say whether a camera is one of the simulation; its pictures are marked wherever they are shown."""
    return camera is not None and SIMULATED in f"{camera.owner} {camera.name}".upper()


def place_of(camera: Camera) -> str:
    """Return a camera's place as its name says it; the mark of a simulation stands apart from it."""
    return camera.name.removeprefix(SIMULATED).lstrip(" ·:-") or camera.id


def get_desk(request: Request) -> Desk:
    """Return the desk that serves this request."""
    desk: Desk = request.app.state.desk
    return desk


def get_person(request: Request) -> Person:
    """Return who sent this request; the gate has put them there.

    Raises:
        HTTPException: 401, if a route is reached past the gate.
    """
    person = getattr(request.state, "person", None)
    if not isinstance(person, Person):
        raise HTTPException(401)
    return person


class Allowed:
    """Dependency: the person has a right, otherwise 403."""

    def __init__(self, right: Right) -> None:
        self._right = right

    def __call__(self, request: Request) -> Person:
        """Return the person.

        Raises:
            HTTPException: 401 or 403.
        """
        person = get_person(request)
        if not person.may(self._right):
            REFUSED.labels("right").inc()
            raise HTTPException(403)
        return person


TheDesk = Annotated[Desk, Depends(get_desk)]
ThePerson = Annotated[Person, Depends(get_person)]
Reader = Annotated[Person, Depends(Allowed(Right.SEE_INCIDENTS))]
Decider = Annotated[Person, Depends(Allowed(Right.DECIDE))]
Watcher = Annotated[Person, Depends(Allowed(Right.SEE_CAMERAS))]
Resender = Annotated[Person, Depends(Allowed(Right.RESEND))]
Reviewer = Annotated[Person, Depends(Allowed(Right.REVIEW))]
Planner = Annotated[Person, Depends(Allowed(Right.PLAN))]
CameraAdmin = Annotated[Person, Depends(Allowed(Right.MANAGE_CAMERAS))]
PeopleAdmin = Annotated[Person, Depends(Allowed(Right.MANAGE_PEOPLE))]
AuditReader = Annotated[Person, Depends(Allowed(Right.READ_AUDIT))]
