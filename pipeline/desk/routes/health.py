"""`/healthz`: whether an incident would reach a desk, for load balancers and monitors. No sign-in, no secrets."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from pipeline.desk.context import Desk, TheDesk
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.health import StageView, camera_counts, judge, report
from pipeline.ops.redact import redact_text
from pipeline.store.cameras import list_states
from pipeline.store.health import list_health

router = APIRouter()


@router.get("/healthz")
def healthz(desk: TheDesk) -> JSONResponse:
    """Return 200 when every stage works, else 503; the body gives each stage's reason."""
    try:
        views, counts = _look(desk)
        reads = desk.hub.fresh(int(desk.settings.ops.stale_after_s * 1000))
    except STORE_FAULTS:
        views, counts, reads = [], {}, False
    ok, body = report(views, counts, reads)
    return JSONResponse(body, 200 if ok else 503)


def _look(desk: Desk) -> tuple[list[StageView], dict[str, int]]:
    """Read the stages and the counts of cameras by state."""
    with desk.database.reading() as session:
        rows, states = list_health(session), list_states(session)
    views = judge(rows, desk.clock(), int(desk.settings.ops.stale_after_s * 1000))
    views = [StageView(**{**view.__dict__, "reason": redact_text(view.reason)}) for view in views]
    return views, camera_counts(desk.registry.cameras, states)
