"""Signing in and out, the own password, the language."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk.context import Desk, TheDesk, ThePerson
from pipeline.desk.forms import VISIT_COOKIE
from pipeline.desk.gate import COOKIE
from pipeline.desk.i18n import choose, mark
from pipeline.desk.identity import csrf_of, new_token, token_hash
from pipeline.desk.metrics import SIGN_INS
from pipeline.desk.pages import LANGUAGE_COOKIE, render
from pipeline.desk.passwords import hash_password, verify_password, weakness
from pipeline.store import people
from pipeline.store.audit import audit, audit_once

router = APIRouter()
YEAR_S = 365 * 86400
WRONG = mark("Nama atau kata sandi salah.")
LOCKED = mark("Terlalu banyak percobaan. Coba lagi dalam {n} detik.")
OLD_WRONG = mark("Kata sandi sekarang salah.")
NOT_SAME = mark("Kedua kata sandi baru tidak sama.")
UNCHANGED = mark("Kata sandi baru harus berbeda dari yang sekarang.")


def safe_path(path: str) -> str:
    """Return where to go after signing in: a path of this desk, nothing else."""
    parts = urlsplit(path)
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and "\\" not in path
    return path if plain and parts.path.split("/")[1] not in ("masuk", "keluar") else "/"


def _set_cookie(desk: Desk, response: Response, name: str, value: str, max_age_s: float) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not carry."""
    response.set_cookie(
        name, value, max_age=int(max_age_s), httponly=True, samesite="lax", secure=desk.settings.desk.behind_tls
    )


@router.get("/masuk")
def show_sign_in(request: Request, desk: TheDesk, ke: str = "/") -> Response:
    """Show the sign-in form; a visitor without a cookie gets one, whose token the form carries."""
    if request.state.person is not None:
        return RedirectResponse(safe_path(ke), 303)
    return sign_in_form(request, desk, to=safe_path(ke))


def keep_visit(desk: Desk, response: Response, visit: str) -> None:
    """Set the cookie that a visitor's form, or sign-in at the provider, is bound to."""
    _set_cookie(desk, response, VISIT_COOKIE, visit, 86400)


def sign_in_form(
    request: Request,
    desk: Desk,
    *,
    to: str,
    name: str = "",
    fault: str = "",
    wait_s: int = 0,
    status: int = 200,
    places: Mapping[str, str] | None = None,
) -> Response:
    """Render the sign-in form with what went wrong; `places` fill those of the fault's text."""
    visit = request.cookies.get(VISIT_COOKIE) or new_token()
    oidc = desk.settings.desk.oidc
    values = {
        "to": to, "name": name, "fault": fault, "places": {"n": wait_s, **(places or {})}, "csrf": csrf_of(visit),
        "sso": oidc.name if oidc.issuer else "",
    }  # fmt: skip
    response = render(request, "signin.html", status, **values)
    keep_visit(desk, response, visit)
    if wait_s:
        response.headers["retry-after"] = str(wait_s)
    return response


@router.post("/masuk")
def sign_in(
    request: Request,
    desk: TheDesk,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    to: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Check name and password; runs in a worker thread, because a check takes 0.2 s of a core."""
    name, address = name.strip().lower(), request.client.host if request.client else ""
    one = desk.throttle.begin(name, address)
    if one.wait_s:
        SIGN_INS.labels("locked").inc()
        record_failure(desk, "sign_in.locked", name, address)
        return sign_in_form(request, desk, to=safe_path(to), name=name, fault=LOCKED, wait_s=one.wait_s, status=429)
    with desk.database.reading() as session:
        row = people.get_user(session, name)
    good = verify_password(row.password_hash if row is not None else None, password)
    if row is None or not good or row.disabled:
        SIGN_INS.labels("wrong").inc()
        record_failure(desk, "sign_in.failed", name, address)
        return sign_in_form(request, desk, to=safe_path(to), name=name, fault=WRONG, status=401)
    desk.throttle.succeeded(name, address, one)
    SIGN_INS.labels("ok").inc()
    return begin_session(request, desk, row.name, safe_path(to), "password")


def record_failure(desk: Desk, what: str, name: str, address: str) -> None:
    """Write a failed sign-in into the audit.

    A name that nobody has is left out (people type passwords there), and a locked door is told once in ten minutes.
    """

    def work(session: Session) -> None:
        known = name if people.get_user(session, name) is not None else "-"
        within_ms = 600_000 if what == "sign_in.locked" else 0
        audit_once(session, known, what, known, {"address": address}, desk.clock(), within_ms)

    desk.database.transact(work)


def begin_session(request: Request, desk: Desk, name: str, to: str, by: str) -> Response:
    """Open a new session for a person and send them on; the one that this browser had, and old ones, end."""
    token, now, before = new_token(), desk.clock(), request.cookies.get(COOKIE)
    address = request.client.host if request.client else ""
    lasts_s = desk.settings.desk.session_hours * 3600

    def work(session: Session) -> None:
        people.forget_sessions(session, now, desk.idle_ms)
        if before:
            people.close_session(session, token_hash(before))
        people.open_session(session, token_hash(token), name, now, now + int(lasts_s * 1000))
        audit(session, name, "sign_in.ok", name, {"address": address, "by": by}, now)

    desk.database.transact(work)
    response = RedirectResponse(to, 303)
    _set_cookie(desk, response, COOKIE, token, lasts_s)
    response.delete_cookie(VISIT_COOKIE)
    return response


@router.post("/keluar")
def sign_out(desk: TheDesk, person: ThePerson) -> Response:
    """End this session; who came from the city's provider is led on to sign out there too."""

    def work(session: Session) -> bool:
        people.close_session(session, person.session)
        audit(session, person.name, "sign_out", person.name, None, desk.clock())
        row = people.get_user(session, person.name)
        return row is not None and row.subject is not None

    there = desk.database.transact(work) and bool(desk.settings.desk.oidc.issuer)
    response = RedirectResponse("/keluar/sso" if there else "/masuk", 303)
    response.delete_cookie(COOKIE)
    return response


@router.get("/sandi")
def show_password(request: Request, desk: TheDesk, person: ThePerson) -> Response:
    """Show the form for a new password; who signs in at the city's provider has none here."""
    with desk.database.reading() as session:
        row = people.get_user(session, person.name)
    elsewhere = row is not None and row.password_hash == people.SSO_ONLY
    return render(request, "password.html", fault="", sso=desk.settings.desk.oidc.name if elsewhere else "")


@router.post("/sandi")
def change_password(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    new: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
    old: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Change the own password; all sessions of this person end, and a new one begins here.

    Who has just come in with a one-time password is not asked for it again.
    """
    address = request.client.host if request.client else ""
    one = desk.throttle.begin(person.name, address)
    if one.wait_s:
        return render(request, "password.html", 429, fault=OLD_WRONG, sso="")
    with desk.database.reading() as session:
        row = people.get_user(session, person.name)
    if row is None or not (person.must_change or verify_password(row.password_hash, old)):
        return render(request, "password.html", 400, fault=OLD_WRONG, sso="")
    desk.throttle.succeeded(person.name, address, one)
    fault = (
        NOT_SAME
        if new != again
        else UNCHANGED
        if verify_password(row.password_hash, new)
        else weakness(new, person.name)
    )
    if fault:
        return render(request, "password.html", 400, fault=fault, sso="")
    stored = hash_password(new)

    def work(session: Session) -> None:
        people.set_password(session, person.name, stored)
        audit(session, person.name, "password.changed", person.name, None, desk.clock())

    desk.database.transact(work)
    return begin_session(request, desk, person.name, "/", "password")


@router.post("/bahasa")
def set_language(
    desk: TheDesk, language: Annotated[str, Form(max_length=10)], back: Annotated[str, Form(max_length=500)] = "/"
) -> Response:
    """Keep the chosen language in a cookie."""
    to = back if back == "/masuk" else safe_path(back)
    response = RedirectResponse(to, 303)
    chosen = choose(language, desk.settings.desk.language)
    response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=YEAR_S, samesite="lax", secure=desk.settings.desk.behind_tls)
    return response
