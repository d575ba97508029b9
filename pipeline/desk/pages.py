"""Rendering: one strict Jinja environment, the reader's language, and what every page needs."""

from functools import cache, partial
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from pipeline.desk import flooding, words
from pipeline.desk.assets import asset
from pipeline.desk.context import get_desk
from pipeline.desk.forms import form_token
from pipeline.desk.i18n import LANGUAGES, Language, choose, translate
from pipeline.desk.identity import Right
from pipeline.desk.signing import media_url

LANGUAGE_COOKIE = "siaga_language"


@cache
def environment() -> Environment:
    """Return the templates; an undefined name is an error, every value is escaped."""
    made = Environment(
        loader=PackageLoader("pipeline.desk", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(Right=Right, asset=asset, running=words.running, decimal=words.decimal)
    return made


def language_of(request: Request) -> Language:
    """Return the reader's language."""
    return choose(request.cookies.get(LANGUAGE_COOKIE), get_desk(request).settings.desk.language)


def is_part(request: Request) -> bool:
    """Say whether the page's own script asks, and wants a part of a page instead of a whole one."""
    return request.headers.get("x-siaga") == "part"


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template.

    Args:
        request: Decides on the language, the person and the form token.
        template: File name under `templates/`.
        status: HTTP status.
        values: Names that the template uses.
    """
    desk, language = get_desk(request), language_of(request)
    now = desk.clock()
    shared: dict[str, Any] = {
        "t": partial(translate, language),
        "clock": partial(_clock, request, now),
        "language": language,
        "languages": LANGUAGES,
        "person": getattr(request.state, "person", None),
        "csrf": form_token(request),
        "now_ms": now,
        "night": words.is_night(now, desk.zone),
        "zone": desk.zone.key,
        "here": request.url.path,
        "city": desk.settings.city.name,
        "words": words,
        "flooding_words": flooding,
        "tiles": desk.settings.desk.map,
        "media": partial(media_url, request),
    }
    return HTMLResponse(environment().get_template(template).render({**shared, **values}), status)


def _clock(request: Request, now: int, at_ms: int, seconds: bool = False) -> str:
    """Return a time of day in the city, for templates."""
    return words.clock_text(at_ms, get_desk(request).zone, now, seconds)
