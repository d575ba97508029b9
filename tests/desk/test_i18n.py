"""A text that is shown and has no translation fails here: in the templates, in the code, and on the rendered pages."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pipeline.desk
from pipeline.desk.i18n import UNTRANSLATED, catalogue, choose, translate
from tests.desk.world import Visitor, World

ROOT = Path(pipeline.desk.__file__).parent
CALL = re.compile(r"""\bt\(\s*("((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
PLACES = re.compile(r"{(\w+)}")
UNTRANSLATABLE = {"Siaga", "SIMULASI", "English", "Bahasa Indonesia"}


def in_templates() -> Iterator[str]:
    for file in sorted((ROOT / "templates").glob("*.html")):
        for match in CALL.finditer(file.read_text(encoding="utf-8")):
            yield match.group(2) or match.group(3)


def strings(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Dict):
        for value in node.values:
            yield from strings(value)


def in_code() -> Iterator[str]:
    for file in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "mark":
                yield from strings(node.args[0])


def test_every_text_has_a_translation_and_every_translation_a_text() -> None:
    shown = {*in_templates(), *in_code()}
    assert len(shown) > 100
    assert shown == set(catalogue("en"))


@pytest.mark.parametrize(("text", "entry"), list(catalogue("en").items()))
def test_places_are_the_same_in_both_languages(text: str, entry: object) -> None:
    forms = [entry] if isinstance(entry, str) else list(dict(entry).values())  # type: ignore[call-overload]
    assert all(form.strip() and set(PLACES.findall(form)) == set(PLACES.findall(text)) for form in forms)


@pytest.mark.parametrize("file", sorted((ROOT / "templates").glob("*.html")), ids=lambda file: file.name)
def test_no_template_holds_bare_words(file: Path) -> None:
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", file.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r'data-[\w-]+="[^"]*"', " ", text)
    spoken = re.findall(r'(?:alt|title|placeholder|aria-label)="([^"]*)"', text)
    bare = " ".join([*spoken, re.sub(r"<[^>]*>", " ", text)])
    for allowed in UNTRANSLATABLE:
        bare = bare.replace(allowed, " ")
    assert re.findall(r"[A-Za-z]{2,}", bare) == []


def test_no_script_holds_words_for_people() -> None:
    for file in (ROOT / "static").glob("*.js"):
        found = re.findall(r'textContent = "|alert\(|confirm\(|innerText', file.read_text(encoding="utf-8"))
        assert found == [], file.name


def test_numbers_choose_the_form() -> None:
    assert translate("en", "{n} kamera diawasi.", n=1) == "1 camera is watched."
    assert translate("en", "{n} kamera diawasi.", n=2) == "2 cameras are watched."
    assert translate("id", "{n} kamera diawasi.", n=2) == "2 kamera diawasi."


def test_a_missing_translation_stays_and_is_counted() -> None:
    before = UNTRANSLATED._value.get()
    assert translate("en", "Belum diterjemahkan") == "Belum diterjemahkan"
    assert UNTRANSLATED._value.get() == before + 1


def test_an_unknown_language_is_the_default() -> None:
    assert choose("xx", "id") == "id"
    assert choose(None, "en") == "en"
    assert choose("en", "id") == "en"


def test_every_page_renders_in_english_without_a_missing_text(world: World, visit: Callable[[str], Visitor]) -> None:
    first = world.raise_incident(1)
    world.raise_incident(2, kind="smoke")
    world.camera("cam-gambir-2", "lost", "timeout")
    visitor = visit("piket_gambir")
    answer = visitor.submit("/bahasa", part=False, language="en", back="/kamera")
    assert answer.headers["location"] == "/kamera"
    before = UNTRANSLATED._value.get()
    for page in ("/", f"/kejadian/{first.id}", "/kamera", "/sandi", "/keadaan", "/isi", "/kamera/isi", "/tidak-ada"):
        assert visitor.get(page).status_code in (200, 404)
    assert "ACCEPT" in visitor.get("/").text
    for decision, fields in (("accepted", {}), ("false_alarm", {"reason": "uap"})):
        assert visitor.submit(f"/kejadian/{first.id}/putusan", decision=decision, expected="waiting", **fields).text
    assert UNTRANSLATED._value.get() == before
