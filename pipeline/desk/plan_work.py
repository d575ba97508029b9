"""What a planning process does: read the study of somebody's areas, work out coverage or a plan, send it back.

It runs beside the desk, never in it: a plan of a whole city takes a core for minutes, and the desk must answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Literal

from pipeline.city.registry import Registry
from pipeline.desk.areas import sees
from pipeline.ops.errors import ConfigError, StoreError
from pipeline.ops.settings import Settings
from pipeline.siting.document import coverage_document, plan_document
from pipeline.siting.gather import Files, gather
from pipeline.siting.money import Budget
from pipeline.siting.places import City
from pipeline.siting.plan import Ask, Method, make_plan
from pipeline.siting.study import Inputs, Study
from pipeline.siting.tables import Candidate
from pipeline.store.database import open_database
from pipeline.store.tables import Document

Step = Literal["reading", "coverage", "plan", "done", "failed"]
CURVE = (10, 50, 100, 500)


@dataclass(frozen=True)
class Place:
    """A place that somebody has put on the map by hand, as a candidate; degrees."""

    id: str
    lat: float
    lng: float
    kelurahan: str


@dataclass(frozen=True)
class Task:
    """What to work out, for which areas, at which moment (epoch ms); without a budget: coverage alone.

    `stamp` says what the database held when it was asked for.
    """

    areas: tuple[str, ...]
    now_ms: int
    stamp: tuple[Any, ...] = ()
    budget: Budget | None = None
    name: str = ""
    author: str = ""
    method: Method = "exact"
    floors: Mapping[str, int] = field(default_factory=dict)
    force_in: tuple[str, ...] = ()
    force_out: tuple[str, ...] = ()
    moves: int = 0
    grid: bool = False
    places: tuple[Place, ...] = ()
    parent: int | None = None


def within_areas(inputs: Inputs, areas: tuple[str, ...]) -> Inputs:
    """Return the part of a study's inputs that lies in areas."""
    city = inputs.city
    part = City(
        {code: place for code, place in city.kelurahan.items() if sees(areas, code)},
        {code: outline for code, outline in city.boundaries.items() if sees(areas, code)},
        city.outside_m,
    )
    views = tuple(view for view in inputs.views if sees(areas, view.kelurahan))
    spots = tuple(spot for spot in inputs.spots if sees(areas, spot.kelurahan))
    return replace(inputs, city=part, views=views, spots=spots)


def ask_of(task: Task, budget: Budget, settings: Settings) -> Ask:
    """Return the question of a task."""
    siting = settings.siting
    kind = siting.site_types[siting.default_type]
    listed = tuple(
        Candidate(place.id, place.id, place.lat, place.lng, place.kelurahan, siting.default_type, kind.cost,
                  kind.range_m, None, kind.angle if kind.angle < 360 else None)
        for place in task.places
    )  # fmt: skip
    return Ask(
        budget, task.method, task.floors, task.force_in, task.force_out, task.moves, (), listed, True, task.grid,
        CURVE,
    )  # fmt: skip


def work_out(settings: Settings, registry: Registry, task: Task, say: Connection) -> None:
    """Work a task out and send `(step, what)`; the last is `done` with the document, or `failed` with one sentence."""
    try:
        say.send(("reading", None))
        say.send(("done", _document(settings, registry, task, say)))
    except (ConfigError, StoreError) as error:
        say.send(("failed", str(error)))
    finally:
        say.close()


def _document(settings: Settings, registry: Registry, task: Task, say: Connection) -> Document:
    """Return the document of a task."""
    database = open_database(settings)
    try:
        with database.reading() as session:
            inputs = gather(settings, registry, session, Files(), task.now_ms)
    finally:
        database.close()
    study = Study(within_areas(inputs, task.areas))
    if not study.inputs.city.kelurahan:
        raise ConfigError("tidak ada kelurahan di wilayah Anda")
    say.send(("coverage", None))
    if task.budget is None:
        return coverage_document(study)
    say.send(("plan", None))
    plan = make_plan(study, ask_of(task, task.budget, settings))
    return plan_document(study, plan, task.name, task.author)
