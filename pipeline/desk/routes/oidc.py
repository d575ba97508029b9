"""Signing in at the city's provider: the way there, the way back, and the way out."""

import hashlib
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk import oidc
from pipeline.desk.context import Desk, TheDesk
from pipeline.desk.forms import VISIT_COOKIE
from pipeline.desk.i18n import mark
from pipeline.desk.identity import new_token
from pipeline.desk.metrics import SIGN_INS
from pipeline.desk.oidc_accounts import NoAccessError, admit
from pipeline.desk.oidc_mapping import Identity, identify
from pipeline.desk.pages import render
from pipeline.desk.routes.signin import begin_session, keep_visit, safe_path, sign_in_form
from pipeline.store import sign_ins
from pipeline.store.audit import audit_once

log = structlog.get_logger(__name__)
router = APIRouter()
AWAY = mark("{provider} tidak menjawab. Coba lagi sebentar, atau masuk dengan akun lokal.")
DOUBT = mark("Jawaban {provider} tidak bisa dipercaya. Anda tidak dimasukkan.")
OVER = mark("Percobaan masuk ini sudah dipakai, atau dimulai di peramban lain, atau terlalu lama. Mulai lagi.")
CANCELLED = mark("Anda tidak jadi masuk di {provider}.")
MANY = mark("Terlalu banyak percobaan masuk dari tempat ini. Coba lagi dalam sepuluh menit.")
Given = Annotated[str, Query(max_length=4000)]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _required(desk: Desk) -> None:
    """Raise 404 where single sign-on is not configured."""
    if not desk.settings.desk.oidc.issuer:
        raise HTTPException(404)


def _secrets(desk: Desk, verifier: str, nonce: str) -> oidc.Secrets:
    """Return what binds a sign-in; the redirect address is the configured one, whatever host was asked."""
    return oidc.Secrets(desk.settings.desk.public_url + oidc.BACK, verifier, nonce)


@router.get("/masuk/sso")
def begin(request: Request, desk: TheDesk, ke: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Send a visitor to the provider; where they wanted to go is remembered here, not in the address."""
    _required(desk)
    if request.state.person is not None:
        return RedirectResponse(safe_path(ke), 303)
    section = desk.settings.desk.oidc
    try:
        with oidc.open_client(section) as client:
            provider = oidc.discover(section, client)
    except oidc.OidcError as error:
        return _refuse(request, desk, AWAY, str(error), 503)
    visit, state = request.cookies.get(VISIT_COOKIE) or new_token(), new_token()
    secrets = _secrets(desk, new_token(), new_token())
    attempt = sign_ins.Attempt(
        _sha(state), _sha(visit), _sha(_address(request)), secrets.nonce, secrets.verifier, safe_path(ke)
    )
    if not desk.database.transact(lambda session: sign_ins.begin_attempt(session, attempt, desk.clock())):
        return _refuse(request, desk, MANY, "too many sign-ins under way from this address", 429)
    response = RedirectResponse(oidc.way_there(section, provider, state, secrets), 303)
    keep_visit(desk, response, visit)
    return response


@router.get(oidc.BACK)
def come_back(
    request: Request, desk: TheDesk, code: Given = "", state: Given = "", error: Given = "", iss: Given = ""
) -> Response:
    """Let somebody in who comes back from the provider, if everything about it holds."""
    _required(desk)
    section = desk.settings.desk.oidc
    taken = desk.database.transact(lambda session: sign_ins.take_attempt(session, _sha(state), desk.clock()))
    visit = request.cookies.get(VISIT_COOKIE, "")
    if taken is None or not visit or taken.visit != _sha(visit):
        return _refuse(request, desk, OVER, "state: unknown, used before, or of another browser", 400)
    if iss not in ("", section.issuer):  # RFC 9207: an answer of another provider
        return _refuse(request, desk, DOUBT, "iss: another issuer answers", 401)
    if error or not code:
        return _refuse(request, desk, CANCELLED, f"provider: {error[:60] or 'no code'}", 401)
    try:
        claims = oidc.come_back(section, code, _secrets(desk, taken.verifier, taken.nonce), desk.clock() / 1000)
        identity = identify(section, claims)
    except oidc.ProviderAwayError as fault:
        return _refuse(request, desk, AWAY, str(fault), 503)
    except oidc.OidcError as fault:
        return _refuse(request, desk, DOUBT, str(fault), 401)
    try:
        name = _admit(desk, identity)
    except NoAccessError as fault:
        return _refuse(request, desk, str(fault), f"no access: {identity.subject}", 403, identity.name)
    SIGN_INS.labels("sso").inc()
    return begin_session(request, desk, name, safe_path(taken.goes_to), "sso")


def _admit(desk: Desk, identity: Identity) -> str:
    """Return the name of the account.

    Raises:
        NoAccessError: There is none, or it may not come in. What the refusal itself changed is kept.
    """

    def work(session: Session) -> str | NoAccessError:
        try:
            return admit(session, desk.settings.desk.oidc, identity, desk.clock()).name
        except NoAccessError as fault:
            return fault

    outcome = desk.database.transact(work)
    if isinstance(outcome, NoAccessError):
        raise outcome
    return outcome


def _refuse(request: Request, desk: Desk, text: str, reason: str, status: int, name: str = "") -> Response:
    """Say in words why somebody is not let in, with the form of local accounts; the reason itself goes to the audit."""
    SIGN_INS.labels("sso_refused").inc()
    log.warning("desk.sso_refused", reason=reason)
    detail = {"address": _address(request), "reason": reason[:300], "by": "sso"}
    desk.database.transact(
        lambda session: audit_once(session, name or "-", "sign_in.refused", name or "-", detail, desk.clock(), 1000)
    )
    places = {"name": name, "provider": desk.settings.desk.oidc.name}
    return sign_in_form(request, desk, to="/", fault=text, places=places, status=status)


@router.get("/keluar/sso")
def sign_out_there(request: Request, desk: TheDesk) -> Response:
    """Lead on to the provider's own sign-out: on a shared machine the next person must not come in by it.

    It is a page, not a redirect, because browsers hold the redirect of a form to the policy of the form.
    """
    _required(desk)
    section = desk.settings.desk.oidc
    try:
        with oidc.open_client(section) as client:
            out = oidc.way_out(section, oidc.discover(section, client), desk.settings.desk.public_url)
    except oidc.OidcError as error:
        log.warning("desk.sso_sign_out", reason=str(error))
        out = ""
    return render(request, "signedout.html", out=out, provider=section.name)
