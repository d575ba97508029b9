"""`/langganan`: a signed-in person's browser begins or ends to take notices (Web Push)."""

import os
from fnmatch import fnmatchcase
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import Response

from pipeline.desk.context import Desk, Reader, TheDesk
from pipeline.desk.pages import render
from pipeline.ops.errors import ConfigError
from pipeline.ops.vapid import load_key, public_text, unb64
from pipeline.store import push

router = APIRouter()
Address = Annotated[str, Form(max_length=1000)]


def application_key(desk: Desk) -> str:
    """Return the public key that a browser subscribes with; empty where Web Push is off or its key is missing."""
    section = desk.settings.alert.webpush
    if not section.enabled:
        return ""
    try:
        return public_text(load_key(os.environ.get(section.key.removeprefix("env:"), ""), "alert.webpush.key"))
    except ConfigError:
        return ""


@router.get("/langganan")
def show_subscription(request: Request, desk: TheDesk, person: Reader) -> Response:
    """Show the switch of this browser."""
    return render(request, "push.html", key=application_key(desk))


@router.post("/langganan")
def subscribe(
    desk: TheDesk,
    person: Reader,
    address: Address,
    p256dh: Annotated[str, Form(max_length=120)],
    auth: Annotated[str, Form(max_length=40)],
) -> Response:
    """Keep this browser.

    Raises:
        HTTPException: 404 where Web Push is off; 422 if the address is of no known push service, or a key is none.
    """
    if not application_key(desk):
        raise HTTPException(404)
    origin = "/".join(address.split("/")[:3])
    if not any(fnmatchcase(origin, allowed) for allowed in desk.settings.alert.webpush.services):
        raise HTTPException(422)
    if not good_keys(p256dh, auth):
        raise HTTPException(422)
    now = desk.clock()
    desk.database.transact(lambda session: push.subscribe(session, person.name, address, (p256dh, auth), now))
    return Response(status_code=204)


@router.delete("/langganan")
def unsubscribe(desk: TheDesk, person: Reader, address: Address) -> Response:
    """Forget this browser; one that is not known is forgotten already."""
    desk.database.transact(lambda session: push.unsubscribe(session, person.name, address))
    return Response(status_code=204)


def good_keys(p256dh: str, auth: str) -> bool:
    """Say whether a browser's keys can be used: a point of P-256, and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(p256dh))
        return len(unb64(auth)) == 16
    except ValueError:
        return False
