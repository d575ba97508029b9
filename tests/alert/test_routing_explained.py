"""`siaga route`: who, why, by which channel, at which level and when; what is wrong is one clear line."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from typer.testing import CliRunner

import pipeline.cli.checks
import pipeline.cli.route  # noqa: F401 - they add their commands to the application
from pipeline.cli.options import app
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import AlertSection
from pipeline.ops.settings import load_settings
from pipeline.ops.when import read_time
from pipeline.store import people
from pipeline.store.database import open_database
from tests.shared import REPO
from tests.test_cli import siaga

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = int(datetime(2026, 11, 25, 12, 30, tzinfo=JAKARTA).timestamp() * 1000)
SECRET = "a-secret-of-sixteen"
HOOKS = ("posko", "malam", "damkar", "camat")
ALERT = {
    "webhooks": [{"name": name, "url": "http://127.0.0.1:9/", "secret": SECRET} for name in HOOKS],
    "duty": {
        "posts": [
            {
                "name": "posko-manggarai",
                "kelurahan": ["31.74.01"],
                "roster": [
                    {"shift": "siang", "start": "07:00", "end": "19:00", "targets": ["webhook:posko"]},
                    {"shift": "malam", "start": "19:00", "end": "07:00", "targets": ["webhook:malam"]},
                ],
            }
        ],
        "agencies": [{"agency": "Damkar", "kinds": ["fire"], "targets": ["webhook:damkar"]}],
        "quiet": [
            {"name": "sampah", "kinds": ["smoke"], "start": "16:00", "end": "18:00", "reason": "waste is burned"},
        ],
    },
    "escalation": {"targets": {"kecamatan": ["webhook:camat"]}},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped registry of one camera in Manggarai, with a post, an agency, a quiet rule and officers."""
    for name in ("cameras.csv", "kelurahan.csv"):
        (tmp_path / name).write_bytes((REPO / "configs" / name).read_bytes())
    file = tmp_path / "siaga.yaml"
    file.write_text(yaml.safe_dump({"data_dir": str(tmp_path / "var"), "alert": ALERT}))
    return file


def run(config: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--config", str(config)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_people_read_who_why_and_by_which_channel(config: Path) -> None:
    database = open_database(load_settings(config))
    database.migrate()
    with database.session() as session:
        people.add_user(session, "budi", "x", "piket", ["31.74.01.1007"], NOW)
        people.add_user(session, "camat", "x", "piket", ["31.74.01"], NOW)
    database.close()
    assert run(config, "route", "manggarai-01", "fire", "--at", "2026-12-25T03:00").splitlines() == [
        "fire at manggarai-01 (Jl. Dr. Saharjo depan pasar), Fri 2026-12-25 03:00 WIB",
        "kelurahan 31.74.01.1007 Manggarai, kecamatan Tebet, Kota Administrasi Jakarta Selatan",
        "",
        "  CHANNEL  WHO                          ROLE    WHY",
        "post: at once; has 60 s to accept",
        "  desk     31.74.01.1007 (budi, camat)  post    kelurahan of camera manggarai-01",
        "  webhook  malam                        post    post posko-manggarai, shift malam of thu 2026-12-24, "
        "19:00-07:00",
        "  webhook  damkar                       agency  copy for Damkar, kind fire",
        "kecamatan: after 60 s without acceptance; has 60 s to accept",
        "  desk     31.74.01 (camat)             level   escalation to Kecamatan Tebet",
        "  webhook  camat                        level   escalation to Kecamatan Tebet, all kinds, all kelurahan",
        "kota: after 120 s without acceptance; has 60 s to accept",
        "  desk     31.74 (no account)           level   escalation to Kota Administrasi Jakarta Selatan",
        "city: after 180 s without acceptance; has 120 s to accept",
        "  desk     kota (no account)            level   escalation to Jakarta Siaga 112",
    ]


def test_what_is_kept_quiet_is_said(config: Path) -> None:
    said = run(config, "route", "manggarai-01", "smoke", "--at", "2026-11-25T17:00")
    assert "  not told: webhook:posko: quiet rule sampah, 16:00-18:00: waste is burned" in said
    assert "agencies not told:\n  Damkar: no target configured" in said


def test_programs_read_json(config: Path) -> None:
    said = json.loads(run(config, "route", "manggarai-01", "flood", "--at", "2026-11-25T06:30+07:00", "--json"))
    assert (said["camera"], said["kind"], said["watched"]) == ("manggarai-01", "flood", False)
    assert said["at"] == "2026-11-25T06:30:00+07:00"
    assert [(one["level"], one["after_s"], one["deadline_s"]) for one in said["levels"]] == [
        ("post", 0, 300), ("kecamatan", 300, 300), ("kota", 600, 300), ("city", 900, 600),
    ]  # fmt: skip
    assert [one["name"] for one in said["levels"][0]["targets"]] == ["desk:31.74.01.1007", "webhook:malam"]
    assert said["levels"][0]["targets"][0]["officers"] == ["admin"]
    assert [one["agency"] for one in said["untold"]] == ["Dinas SDA", "BPBD"]


def test_each_level_is_routed_at_its_own_time(config: Path) -> None:
    """Quiet hours begin between the first notice and the next level, 90 s later."""
    steps = json.loads(run(config, "route", "manggarai-01", "smoke", "--at", "2026-11-25T15:59", "--json"))["levels"]
    assert [[one["name"] for one in step["suppressed"]] for step in steps] == [[], ["webhook:camat"], [], []]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("manggarai-1", "fire"), "camera: 'manggarai-1' is not in the registry; did you mean manggarai-01?"),
        (("x", "fire"), "camera: 'x' is not in the registry"),
        (("manggarai-01", "api"), "kind: 'api' is not one of fire, smoke, flood, brawl"),
        (("manggarai-01", "fire", "--at", "25:00"), "--at: '25:00' is no time like 2026-12-25T03:00 or 03:00"),
    ],
)
def test_what_is_unknown_is_one_clear_error(config: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        run(config, "route", *arguments)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", "2026-11-25T12:30"), ("now", "2026-11-25T12:30"), ("03:00", "2026-11-25T03:00"),
        ("2026-12-25T03:00", "2026-12-25T03:00"), ("2026-12-25 03:00", "2026-12-25T03:00"),
        ("2026-12-25", "2026-12-25T00:00"), ("2026-12-24T20:00Z", "2026-12-25T03:00"),
    ],
)  # fmt: skip
def test_times_are_the_citys(text: str, at: str) -> None:
    assert read_time(text, JAKARTA, NOW) == int(datetime.fromisoformat(f"{at}+07:00").timestamp() * 1000)


def test_config_check_and_start_name_a_kelurahan_that_reaches_nobody(config: Path) -> None:
    text = config.read_text()
    assert "good. 1 cameras, 267 kelurahan." in run(config, "config", "check")
    config.write_text(text.replace("'31.74.01'", "'31.71'").replace("31.74.01\n", "'31.71'\n"))
    with pytest.raises(ConfigError, match=r"kelurahan 31\.74\.01\.1007 Manggarai \(1 camera: manggarai-01\) has no"):
        run(config, "config", "check")
    refused = siaga("run", "--config", str(config))
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0].startswith("alert.duty.require_post: kelurahan 31.74.01.1007 Manggarai")
    config.write_text(config.read_text().replace("  duty:\n", "  duty:\n    require_post: false\n"))
    assert "note: kelurahan 31.74.01.1007 Manggarai" in run(config, "config", "check")


def test_the_documented_example_is_a_good_configuration() -> None:
    text = (REPO / "docs" / "alerts.md").read_text().partition("## Routing")[2]
    example = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    duty = AlertSection.model_validate(example["alert"]).duty
    assert [post.name for post in duty.posts] == ["posko-tebet"]
    assert [shift.start for shift in duty.posts[0].roster] == ["07:00", "07:00", "19:00"]
