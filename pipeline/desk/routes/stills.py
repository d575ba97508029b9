"""Live stills of a person's cameras."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from pipeline.desk.context import TheDesk, Watcher
from pipeline.desk.stills import LiveStills

router = APIRouter()


@router.get("/kamera/{camera_id}/gambar")
def show_still(request: Request, desk: TheDesk, person: Watcher, camera_id: str) -> Response:
    """Return a camera's newest picture, masks burned in; 204 while there is none: the desk works, the camera may not.

    Raises:
        HTTPException: 404, when the camera is not in the person's areas.
    """
    camera = desk.registry.cameras.get(camera_id)
    if camera is None or not person.sees(camera.kelurahan):
        raise HTTPException(404)
    stills: LiveStills = request.app.state.stills
    still = stills.look(camera.id)
    if still is None:
        return Response(status_code=204, headers={"retry-after": "3"})
    return Response(still.jpeg, media_type="image/jpeg", headers={"x-siaga-captured-ms": str(still.captured_ms)})
