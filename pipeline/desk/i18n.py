"""Two languages: the text in the templates is Bahasa Indonesia and is itself the key of `locales/en.json`.

A value is the translation, or `{"one": ..., "other": ...}` chosen by the argument `n` (Bahasa Indonesia has one form).
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal, TypeVar, get_args

from prometheus_client import Counter

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Entry = str | Mapping[str, str]
Marked = TypeVar("Marked", bound=str | Mapping[str, str] | Mapping[int, str])

UNTRANSLATED = Counter("siaga_desk_untranslated_total", "Texts shown in Bahasa Indonesia for want of a translation")


def mark(texts: Marked) -> Marked:
    """Return a text, or a mapping with texts as values, unchanged: translated later, and found here by the tests."""
    return texts


@cache
def catalogue(language: Language) -> Mapping[str, Entry]:
    """Return the translations into `language`; empty for Bahasa Indonesia, the source."""
    if language == "id":
        return {}
    file = resources.files("pipeline.desk") / "locales" / f"{language}.json"
    entries: dict[str, Entry] = json.loads(file.read_text(encoding="utf-8"))
    return entries


def translate(language: Language, text: str, **values: object) -> str:
    """Return `text` in `language` with `{name}` places filled from `values`.

    A text without a translation stays as it is and is counted; the tests hold that none is left.
    """
    entry: Entry | None = text if language == "id" else catalogue(language).get(text)
    if entry is None:
        UNTRANSLATED.inc()
        entry = text
    if isinstance(entry, Mapping):
        entry = entry["one" if values.get("n") == 1 else "other"]
    return entry.format(**values) if values else entry


def choose(wanted: str | None, default: Language) -> Language:
    """Return the language of a cookie when it is one of ours, else the default."""
    return next((language for language in LANGUAGES if language == wanted), default)
