import io
import json

import pytest

from pipeline.ops.errors import SourceError
from pipeline.ops.sections import ConfirmSection, DeskSection, KindRule, Schedule
from pipeline.ops.settings import Settings
from pipeline.tune import watch as watch_module
from pipeline.tune.screen import JsonLines, Table, short_name
from pipeline.tune.watch import show, sources, watch
from pipeline.tune.watching import Watched, Watching
from tests.tune.clips import ScriptedCity

ALWAYS = tuple(Schedule(kind=kind, start="00:00", end="00:00", reason="test") for kind in ("fire", "smoke"))
RULE = KindRule(threshold=0.5, min_evidence=2.0)
SETTINGS = Settings(confirm=ConfirmSection(kinds={"fire": RULE, "smoke": RULE}, quiet=ALWAYS))
CITY = {
    "fire.mp4": (40, {10: [("fire", 0.8)], 30: []}),
    "upgraded.mp4": (40, {5: [("smoke", 0.8)], 15: [("fire", 0.7), ("smoke", 0.8)]}),
    "none.mp4": (30, {0: [("person", 0.9), ("fire", 0.2)]}),
    "twice.mp4": (200, {5: [("fire", 0.8)], 15: [], 180: [("fire", 0.9)]}),
}


@pytest.fixture
def city():
    return ScriptedCity(CITY)


def look(city, name, start_s=0.0):
    return Watching(SETTINGS, [city], open_source=city.open).watch(name, start_s)


def test_a_fire_is_found_once_with_its_seconds(city):
    watched = look(city, "fire.mp4")
    (found,) = watched.incidents
    assert (found.kind, found.first_seen_s) == ("fire", 10.0)
    assert 11.5 <= found.opened_s <= 13
    assert found.score == 0.8
    assert "frames:" in found.reason
    assert found.kinds == {"fire": found.opened_s}
    assert (watched.frames, watched.video_s) == (80, 39.5)
    assert city.opened[0].asked == ["verify fire"], "the candidate asks for a burst"
    assert city.opened[0].closed


def test_nothing_is_found_where_nothing_is(city):
    assert look(city, "none.mp4").incidents == []


def test_smoke_that_becomes_fire_is_one_fire_confirmed_as_both(city):
    (found,) = look(city, "upgraded.mp4").incidents
    assert found.kind == "fire"
    assert found.kinds["smoke"] < 8 < 15 < found.kinds["fire"]
    assert found.score == 0.7
    assert "upgraded_to_fire" in found.reason


def test_two_fires_far_apart_are_two(city):
    assert len(look(city, "twice.mp4").incidents) == 2


def test_watching_can_begin_later(city):
    watched = look(city, "twice.mp4", start_s=100)
    assert [found.first_seen_s for found in watched.incidents] == [180.0]
    assert watched.video_s == pytest.approx(99.5)


def test_a_clip_that_breaks_off_keeps_what_was_seen(city):
    city.breaks_at = 20
    watched = look(city, "fire.mp4")
    assert watched.damage == "broken"
    assert len(watched.incidents) == 1


def test_json_is_a_line_an_incident_and_a_summary(city):
    out = io.StringIO()
    watch("fire.mp4", SETTINGS, detectors=[city], screen=JsonLines(out), open_source=city.open)
    first, last = map(json.loads, out.getvalue().splitlines())
    assert list(first) == ["kind", "opened_s", "first_seen_s", "score", "reason"]
    assert list(last) == ["summary"]
    assert list(last["summary"]) == ["frames", "video_s", "wall_s", "incidents"]
    assert (last["summary"]["frames"], last["summary"]["incidents"]) == (80, 1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_people_get_progress_and_a_table_in_their_language(city):
    out, err = io.StringIO(), Terminal()
    watch("fire.mp4", SETTINGS, detectors=[city], screen=Table(out, err), open_source=city.open)
    text = out.getvalue()
    assert "Jenis" in text
    assert "Api" in text
    assert "80 gambar dari 39.5 detik video" in text
    assert "kejadian" in err.getvalue()
    out = io.StringIO()
    watch("none.mp4", SETTINGS, detectors=[city], screen=Table(out, io.StringIO(), "en"), open_source=city.open)
    assert "No incident." in out.getvalue()


def test_damage_is_shown():
    out = io.StringIO()
    Table(out, io.StringIO()).done(Watched("x/clip.mp4", damage="broken"))
    assert "clip.mp4\n  Terputus: broken" in out.getvalue()


def test_passwords_are_not_shown():
    assert "secret" not in short_name("rtsp://user:secret@host/stream")
    assert short_name("/somewhere/clip.mp4") == "clip.mp4"


def test_a_folder_of_videos_is_watched_one_by_one(tmp_path, city):
    for name in ("fire.mp4", "none.MP4", "unknown.mp4", "readme.txt"):
        (tmp_path / name).touch()
    assert [one.rsplit("/", 1)[1] for one in sources(str(tmp_path))] == ["fire.mp4", "none.MP4", "unknown.mp4"]
    seen = watch(str(tmp_path), SETTINGS, detectors=[city], open_source=city.open)
    assert [len(watched.incidents) for watched in seen] == [1, 0, 0]
    assert seen[2].damage


def test_a_folder_of_pictures_and_a_url_are_one_source(tmp_path):
    assert sources(str(tmp_path)) == [str(tmp_path)]
    assert sources("rtsp://host/stream") == ["rtsp://host/stream"]


def test_a_source_that_is_not_there_is_an_error(city):
    with pytest.raises(SourceError):
        watch("absent.mp4", SETTINGS, detectors=[city], open_source=city.open)


@pytest.mark.parametrize(("as_json", "language"), [(True, "id"), (False, "en")])
def test_show_chooses_its_screen(city, monkeypatch, as_json, language):
    monkeypatch.setattr(watch_module, "load_detectors", lambda settings: [city])
    monkeypatch.setattr(watch_module.Watching.__init__, "__defaults__", (lambda _: None, city.open))
    monkeypatch.setattr(watch_module.watch, "__kwdefaults__", {**watch.__kwdefaults__, "open_source": city.open})
    out = io.StringIO()
    settings = SETTINGS.model_copy(update={"desk": DeskSection(language=language)})
    show("fire.mp4", settings, as_json=as_json, out=out, err=io.StringIO())
    assert out.getvalue().startswith("{" if as_json else "fire.mp4")
