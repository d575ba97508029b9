import io
import json

import pytest

from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import ConfirmSection, KindRule
from pipeline.ops.settings import Settings
from pipeline.tune.incident_labels import Label, read_labels
from pipeline.tune.incidents import evaluate_incidents
from pipeline.tune.matching import Tally, answered_s, percentile
from pipeline.tune.watching import Found
from tests.tune.clips import ScriptedCity

RULE = KindRule(threshold=0.5, min_evidence=2.0)
SETTINGS = Settings(confirm=ConfirmSection(kinds={"fire": RULE, "smoke": RULE}))


def table(folder, text, files=("a.mp4", "b.mp4")):
    for name in files:
        (folder / name).touch()
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def found(kind="fire", opened=10.0, **kinds):
    return Found(kind, opened, opened - 2, 0.8, "", kinds or {kind: opened})


def test_labels_are_read_relative_to_the_table(tmp_path):
    labels = read_labels(table(tmp_path, "file,kind,start_s,end_s\na.mp4,fire,,\na.mp4,brawl,2.5,9\nb.mp4,,,\n"))
    assert labels == {
        tmp_path / "a.mp4": [
            Label(tmp_path / "a.mp4", "fire", 0, None),
            Label(tmp_path / "a.mp4", "brawl", 2.5, 9),
        ],
        tmp_path / "b.mp4": [Label(tmp_path / "b.mp4", None, 0, None)],
    }


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("absent.mp4,fire,,", "labels.csv:2: file: 'absent.mp4' does not exist"),
        (",fire,,", "labels.csv:2: file: is empty"),
        ("a.mp4,flames,,", "labels.csv:2: kind: 'flames' is not one of"),
        ("a.mp4,fire,soon,", "labels.csv:2: start_s: 'soon' is not a number"),
        ("a.mp4,fire,-1,", "labels.csv:2: start_s"),
        ("a.mp4,fire,,nan", "labels.csv:2: end_s"),
        ("a.mp4,fire,9,5", "labels.csv:2: end_s: 5 is not after the start"),
        ("a.mp4,fire,,,,", "labels.csv:2"),
        ("", "labels.csv:1: no row"),
    ],
)
def test_a_wrong_table_names_the_line(tmp_path, row, says):
    with pytest.raises(ConfigError) as error:
        read_labels(table(tmp_path, f"file,kind,start_s,end_s\n{row}\n"))
    assert says in str(error.value)


def test_a_table_without_its_columns_or_file(tmp_path):
    with pytest.raises(ConfigError, match="missing column kind"):
        read_labels(table(tmp_path, "file,start_s,end_s\n"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_labels(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("label", "incident", "expected"),
    [
        (("fire", 0, None), found(opened=10), 10),
        (("fire", 9, 20), found(opened=10), 10),
        (("fire", 10.8, 20), found(opened=10), 10),
        (("fire", 12, 20), found(opened=10), None),
        (("fire", 0, 6), found(opened=10), 10),
        (("fire", 0, 4), found(opened=10), None),
        (("smoke", 0, None), found(opened=10), None),
        (("smoke", 0, None), found(opened=10, smoke=10.0, fire=14.0), 10),
        (("fire", 0, None), found(opened=10, smoke=10.0, fire=14.0), 14),
        ((None, 0, None), found(opened=10), None),
    ],
)
def test_what_answers_an_event(tmp_path, label, incident, expected):
    assert answered_s(Label(tmp_path, *label), incident) == expected


def test_a_split_event_and_a_wrong_kind_are_false_alarms(tmp_path):
    tally = Tally()
    event = Label(tmp_path, "fire", 5, None)
    missed, false = tally.add([event], [found(opened=12), found(opened=9), found("smoke", 30)], 1800)
    assert missed == []
    assert [f.opened_s for f in false] == [12, 30]
    missed, false = tally.add([event, Label(tmp_path, "brawl", 0, None)], [], 1800)
    assert [label.kind for label in missed] == ["fire", "brawl"]
    assert tally.figures() == {
        "kinds": {
            "brawl": {"events": 1, "found": 0, "recall": 0.0, "delay_p50_s": None, "delay_p95_s": None},
            "fire": {"events": 2, "found": 1, "recall": 0.5, "delay_p50_s": 4.0, "delay_p95_s": 4.0},
        },
        "false_alarms": 2,
        "hours": 1.0,
        "false_alarms_per_camera_day": 48.0,
    }


def test_one_incident_answers_the_fire_and_its_smoke(tmp_path):
    labels = [Label(tmp_path, "fire", 0, None), Label(tmp_path, "smoke", 0, None)]
    missed, false = Tally().add(labels, [found(opened=3, smoke=3.0, fire=6.0)], 60)
    assert (missed, false) == ([], [])


def test_percentiles_are_nearest_rank():
    assert percentile([], 0.5) is None
    assert percentile([1, 2, 3, 4], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([7], 0.95) == 7
    assert Tally().figures()["false_alarms_per_camera_day"] is None


def test_the_figures_of_a_table(tmp_path):
    city = ScriptedCity(
        {
            "a.mp4": (40, {10: [("fire", 0.8), ("smoke", 0.8)], 30: []}),
            "b.mp4": (20, {5: [("fire", 0.9)]}),
        }
    )
    path = table(
        tmp_path,
        "file,kind,start_s,end_s\na.mp4,fire,10,30\na.mp4,smoke,10,30\nb.mp4,,,\ngone.mp4,fire,,\na.mp4,flood,,\n",
        ("a.mp4", "b.mp4", "gone.mp4"),
    )
    out, err = tmp_path / "deep" / "out.json", io.StringIO()
    figures = evaluate_incidents(path, out, SETTINGS, detectors=[city], err=err, open_source=city.open)
    assert json.loads(out.read_text()) == figures
    assert list(figures) == ["kinds", "false_alarms", "hours", "false_alarms_per_camera_day"]
    kinds = figures["kinds"]
    assert (kinds["fire"]["events"], kinds["fire"]["found"]) == (2, 1)
    assert kinds["smoke"]["recall"] == 1
    assert kinds["flood"]["found"] == 0
    assert figures["false_alarms"] == 1
    assert figures["hours"] == round(59 / 3600, 4)
    lines = err.getvalue().splitlines()
    assert lines[0].startswith("[1/3] a.mp4: fire")
    assert "MISSED flood" in lines[0]
    assert "FALSE fire" in lines[1]
    assert "broke off" in lines[2]
