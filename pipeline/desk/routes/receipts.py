"""Receipts from outside: a webhook's receiver, or a browser that took a Web Push, says what became of a notice.

No sign-in and no form: who posts here proves by a signature, or by a token that only the notice itself carried, that
they are who was told (docs/webhook.md).
"""

import os
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.desk.context import Desk, TheDesk
from pipeline.desk.identity import same
from pipeline.desk.metrics import DECISIONS, REFUSED
from pipeline.ops.alert_targets import WebhookTarget
from pipeline.ops.signature import is_signed, push_token
from pipeline.store import push, receipts
from pipeline.store.incidents import decide
from pipeline.store.receipts import Receipt

router = APIRouter()
MOST_BYTES = 4096
NO_NUL = r"^[^\x00]*$"
"""What PostgreSQL takes as a text."""


class FromWebhook(BaseModel):
    """What a receiver posts; `by` is who saw or acknowledged it there."""

    model_config = ConfigDict(extra="forbid")
    idempotency_key: str = Field(min_length=1, max_length=320, pattern=NO_NUL)
    receipt: Receipt
    by: str = Field("", max_length=60, pattern=NO_NUL)


class FromBrowser(BaseModel):
    """What a browser posts."""

    model_config = ConfigDict(extra="forbid")
    browser: int = Field(ge=1, le=2**63 - 1)
    key: str = Field(min_length=1, max_length=320, pattern=NO_NUL)
    token: str = Field(max_length=64)
    receipt: Receipt


@router.post("/kwitansi/webhook/{name}")
async def from_webhook(request: Request, desk: TheDesk, name: Annotated[str, Path(max_length=40)]) -> Response:
    """Take a receipt of a webhook's receiver, signed as notices are.

    Raises:
        HTTPException: 403 without a good and recent signature, 422 for anything but a receipt, 404 for a notice that
            this receiver was never sent.
    """
    body = await _body(request)
    target = next((one for one in desk.settings.alert.webhooks if one.name == name), None)
    secret = _secret(target.secret) if target is not None else ""
    timestamp, given = (request.headers.get(f"x-siaga-{part}", "") for part in ("timestamp", "signature"))
    if not secret or not is_signed(secret.encode(), timestamp, given, body, desk.clock()):
        raise _forged()
    assert target is not None
    try:
        said = FromWebhook.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422) from error
    return _note(desk, f"webhook:{name}", said.idempotency_key, said.receipt, _by(said.by, name), target)


@router.post("/kwitansi/push")
async def from_browser(request: Request, desk: TheDesk) -> Response:
    """Take a browser's word that it showed a notice, or that somebody clicked on it.

    Raises:
        HTTPException: 403 without the notice's own token, 422 for anything but a receipt, 404 for a browser or notice
            that is gone.
    """
    try:
        said = FromBrowser.model_validate_json(await _body(request))
    except ValidationError as error:
        raise HTTPException(422 if request.headers.get("content-type") == "application/json" else 403) from error
    secret = _secret(desk.settings.alert.webpush.key)
    if not secret or said.receipt == "acknowledged" or not same(push_token(secret, said.browser, said.key), said.token):
        raise _forged()
    with desk.database.reading() as session:
        person = push.owner(session, said.browser)
    if person is None:
        raise HTTPException(404)
    return _note(desk, "webpush:", said.key, said.receipt, person)


def _note(
    desk: Desk, target: str, key: str, receipt: Receipt, actor: str, webhook: WebhookTarget | None = None
) -> Response:
    """Write a receipt; an acknowledgement accepts the incident where this receiver may."""

    def work(session: Session) -> bool:
        row = receipts.row_of(session, key)
        if row is None or not row.target.startswith(target) or (webhook is not None and row.target != target):
            return False
        for incident_id in receipts.note(session, row, receipt, actor, desk.clock()):
            if receipt == "acknowledged" and webhook is not None and webhook.may_accept:
                now = desk.clock()
                outcome = decide(session, incident_id, "accepted", expected="waiting", actor=actor, at_ms=now)
                DECISIONS.labels("accepted", "ok" if outcome.ok else outcome.reason).inc()
        return True

    if not desk.database.transact(work):
        raise HTTPException(404)
    return Response(status_code=204)


def _by(person: str, name: str) -> str:
    """Return who it was, as the timeline names them."""
    return f"{' '.join(person.split())} ({name})" if person.strip() else name


def _secret(value: str) -> str:
    """Return the secret that a setting holds or names; empty where it is missing."""
    return os.environ.get(value.removeprefix("env:"), "") if value.startswith("env:") else value


def _forged() -> HTTPException:
    """Return the answer to who is not who they say."""
    REFUSED.labels("receipt").inc()
    return HTTPException(403)


async def _body(request: Request) -> bytes:
    """Read a short body.

    Raises:
        HTTPException: 413, when it is longer than a receipt can be.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    return body
