"""Tables from files: every bad row is told with file, line and column, and nothing is kept unless all are good."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings
from pipeline.ops.siting_section import SitingSection
from pipeline.siting.intake import take_hotspots, take_needs
from pipeline.siting.tables import read_candidates, read_hotspots, read_needs
from pipeline.store.database import open_database
from pipeline.store.needs import list_needs
from pipeline.store.siting import list_hotspots
from tests.shared import REPO
from tests.siting.world import NOW, city, write

NEED_HEAD = "lat,lng,category,asked_by_kind,asked_by,reason,priority,kelurahan"
NEED = "-6.2135,106.8511,rt_rw,RT/RW,RT 05/RW 02,gelap,4,31.74.01.1007"
HOT_HEAD = "source,category,lat,lng,at,weight"
HOT = "112,rawan_banjir,-6.2135,106.8511,2026-03-01T21:30,2"
ZONE = "Asia/Jakarta"


def here(tmp_path: Path) -> Settings:
    return Settings.model_validate({"base": REPO / "configs", "data_dir": tmp_path / "var"})


def test_good_rows(tmp_path: Path) -> None:
    short = NEED.rsplit(",", 2)[0] + ",,"
    one, two = read_needs(write(tmp_path, "n.csv", [NEED_HEAD, NEED, short]), city())
    assert (one.priority, one.asked_by_kind, one.kelurahan) == (4, "rt_rw", "31.74.01.1007")
    assert two.priority == 3
    assert two.kelurahan in city().kelurahan
    timed, day = read_hotspots(
        write(tmp_path, "h.csv", [HOT_HEAD, HOT, HOT.replace("T21:30,2", ",")]), city(), ZONE, NOW
    )  # fmt: skip
    assert (timed.timed, timed.weight) == (True, 2.0)
    assert (day.timed, day.weight) == (False, 1.0)
    assert timed.at_ms - day.at_ms == 21.5 * 3_600_000
    head = "id,lat,lng,type,cost,angle,bearing"
    rows = ["a,-6.2,106.85,tiang_baru,,90,", "b,-6.2,106.85,,7000000,,"]
    pole, cheap = read_candidates(write(tmp_path, "c.csv", [head, *rows]), city(), SitingSection())
    assert (pole.cost, pole.turn, cheap.cost, cheap.turn) == (45_000_000, True, 7_000_000, False)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-6.2135", "-6,2", "lebih|more cells"),
        ("-6.2135", "x", "lat: 'x' bukan angka"),
        ("-6.2135", "nan", "lat: nan tidak"),
        ("-6.2135", "-7.5", "lat: -7.5, 106.8511 di luar wilayah kota"),
        ("rt_rw", "taman", "category: 'taman' bukan"),
        ("RT/RW,", "warga,", "asked_by_kind: 'warga' bukan OPD atau RT/RW"),
        ("RT 05/RW 02", "", "asked_by: kosong"),
        ("gelap", "", "reason: kosong"),
        (",4,", ",6,", "priority: 6 tidak di antara 1 dan 5"),
        (",4,", ",1.5,", "priority: 1.5 bukan bilangan bulat"),
        ("31.74.01.1007", "31.99.01.1007", "kelurahan: '31.99.01.1007' bukan kode"),
    ],
)
def test_a_bad_request_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=rf"n\.csv:3: ?.*({problem})"):
        read_needs(write(tmp_path, "n.csv", [NEED_HEAD, NEED, NEED.replace(old, new, 1)]), city())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("2026-03-01T21:30", "1 Maret", "at: '1 Maret' bukan tanggal"),
        ("2026-03-01T21:30", "2030-01-01", "at: 2030-01-01 ada di masa depan"),
        ("2026-03-01T21:30", "1912-01-01", "at: 1912-01-01 terlalu lama"),
        ("112,", ",", "source: kosong"),
        (",2", ",-1", "weight: -1 tidak"),
    ],
)
def test_a_bad_hotspot_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    row = HOT.replace(old, new, 1) if old != ",2" else HOT[: -len(old)] + new
    with pytest.raises(ConfigError, match=rf"h\.csv:2: {problem}"):
        read_hotspots(write(tmp_path, "h.csv", [HOT_HEAD, row]), city(), ZONE, NOW)


@pytest.mark.parametrize(
    ("row", "problem"),
    [("a,-6.2,106.85,menara,", "type: 'menara'"), (",-6.2,106.85,,", "id: kosong"), ("a,-6.2,106.85,,0", "cost: 0")],
)
def test_a_bad_candidate_is_named(tmp_path: Path, row: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_candidates(write(tmp_path, "c.csv", ["id,lat,lng,type,cost", row]), city(), SitingSection())


def test_all_that_is_wrong_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    rows = [NEED, NEED.replace("rt_rw", "x", 1), NEED, NEED.replace("-6.2135", "-9")]
    with pytest.raises(ConfigError) as told:
        take_needs(here(tmp_path), write(tmp_path, "n.csv", [NEED_HEAD, *rows]))
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in str(told.value).splitlines()] == ["3", "5"]
    assert not (tmp_path / "var").exists()


def test_a_table_without_rows_or_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tidak ada baris"):
        read_needs(write(tmp_path, "n.csv", [NEED_HEAD]), city())
    with pytest.raises(ConfigError, match="missing column reason"):
        read_needs(write(tmp_path, "n.csv", [NEED_HEAD.replace("reason", "sebab"), NEED]), city())
    with pytest.raises(ConfigError, match="cannot be read"):
        take_needs(here(tmp_path), tmp_path / "none.csv")


def test_files_are_kept_once_and_duplicates_are_offered(tmp_path: Path) -> None:
    settings_ = here(tmp_path)
    needs = write(tmp_path, "n.csv", [NEED_HEAD, NEED, NEED.replace("RT 05", "RT 06")])
    assert "2 permintaan diterima; 1 kelompok" in take_needs(settings_, needs, clock=lambda: NOW)
    assert "sudah pernah diimpor (2" in take_needs(settings_, needs, clock=lambda: NOW)
    hotspots = write(tmp_path, "h.csv", [HOT_HEAD, HOT, HOT])
    assert "2 titik rawan diterima" in take_hotspots(settings_, hotspots, clock=lambda: NOW)
    assert "sudah pernah" in take_hotspots(settings_, hotspots, clock=lambda: NOW)
    database = open_database(settings_)
    with database.reading() as session:
        assert len(list_needs(session)) == 2
        assert len(list_hotspots(session)) == 2
    database.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cells=st.lists(st.text(max_size=12), min_size=8, max_size=8))
def test_no_row_brings_anything_but_a_clear_error(tmp_path: Path, cells: list[str]) -> None:
    row = ",".join('"' + cell.replace('"', "").replace("\0", "") + '"' for cell in cells)
    try:
        read_needs(write(tmp_path, "n.csv", [NEED_HEAD, row.encode("utf-8", "replace").decode()]), city())
    except ConfigError as error:
        assert "n.csv" in str(error)
