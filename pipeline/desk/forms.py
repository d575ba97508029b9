"""Forms that change something: each carries the token of its page, and nothing else is believed."""

from fastapi import HTTPException, Request

from pipeline.desk.identity import Person, csrf_of, same
from pipeline.desk.metrics import REFUSED

RECEIPTS_PREFIX = "/kwitansi/"
"""Receipts from outside prove themselves by signature or token (`pipeline.desk.routes.receipts`)."""
VISIT_COOKIE = "siaga_visit"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def form_token(request: Request) -> str:
    """Return the token that this visitor's forms must carry; empty when they have no cookie yet."""
    person = getattr(request.state, "person", None)
    if isinstance(person, Person):
        return person.csrf
    visit = request.cookies.get(VISIT_COOKIE, "")
    return csrf_of(visit) if visit else ""


async def check_csrf(request: Request) -> None:
    """Dependency of the whole application: a request that changes something must carry its page's token.

    Raises:
        HTTPException: 403.
    """
    if request.method in SAFE_METHODS or request.url.path.startswith(RECEIPTS_PREFIX):
        return  # a receipt is no form: it is signed, and no cookie makes it valid
    expected = form_token(request)
    given = str((await request.form()).get("csrf", ""))
    if not expected or not same(expected, given):
        REFUSED.labels("csrf").inc()
        raise HTTPException(403, "csrf")
