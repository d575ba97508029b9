"""What the planning pages hold while the desk runs: the city's ground, the jobs, the newest coverage of each area."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.city.boundaries import Boundary
from pipeline.city.registry import Registry
from pipeline.desk.plan_jobs import PlanJobs
from pipeline.desk.plan_work import Task
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.siting.places import City
from pipeline.store.database import Database
from pipeline.store.siting import save_plan
from pipeline.store.siting_tables import HotspotRow, InstalledSiteRow, NeedRow
from pipeline.store.tables import Document

HOUR_MS = 3_600_000
Stamp = tuple[Any, ...]


def stamp_of(session: Session, cameras: int, now_ms: int) -> Stamp:
    """Return what coverage depends on; a new hour counts too, for cameras that went and came."""
    needs = session.execute(sa.select(sa.func.count(), sa.func.max(NeedRow.updated_ms)).select_from(NeedRow)).one()
    built = sa.select(sa.func.max(InstalledSiteRow.id), sa.func.count(InstalledSiteRow.camera))
    spots = session.scalar(sa.select(sa.func.max(HotspotRow.id)))
    return (*needs, spots, *session.execute(built).one(), cameras, now_ms // HOUR_MS)


class PlanningRoom:
    """Holds jobs and coverage.

    Args:
        settings: The configuration.
        registry: Cameras and kelurahan.
        boundaries: Outlines of the kelurahan, by code; may be empty.
        database: Where plans are kept.
        clock: Time now, epoch ms.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        boundaries: Mapping[str, Boundary],
        database: Database,
        clock: Clock,
    ) -> None:
        self.city = City(registry.kelurahan, boundaries, settings.siting.outside_m)
        self.jobs = PlanJobs(settings, registry, clock, self._finish)
        self._registry, self._database = registry, database
        self._coverage: dict[tuple[str, ...], tuple[Stamp, Document]] = {}

    def stamp(self, session: Session, now_ms: int) -> Stamp:
        """Return what coverage depends on now."""
        return stamp_of(session, len(self._registry.cameras), now_ms)

    def coverage(self, areas: tuple[str, ...], stamp: Stamp) -> Document | None:
        """Return coverage as it was worked out for areas; None when something has changed since."""
        found = self._coverage.get(areas)
        return found[1] if found is not None and found[0] == stamp else None

    def _finish(self, task: Task, told: Document) -> int:
        """Keep what a job has found; a plan as a draft."""
        if task.budget is None:
            self._coverage[task.areas] = (task.stamp, told)
            return 0
        kept = {"areas": list(task.areas), "places": [asdict(place) for place in task.places], "parent": task.parent}
        budget = task.budget

        def work(session: Session) -> int:
            row = save_plan(session, task.name, task.author, str(budget), kept, told, task.now_ms)
            return row.id

        return self._database.transact(work)
