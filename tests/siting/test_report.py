"""The report: it is whole, it is the document's, it renders; and the command that writes it."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from lxml import etree
from typer.testing import CliRunner

import pipeline.cli  # noqa: F401 - its parts add the commands
from pipeline.city.boundaries import load_boundaries
from pipeline.cli.options import app
from pipeline.ops.errors import ConfigError
from pipeline.siting.document import plan_document
from pipeline.siting.money import Budget
from pipeline.siting.places import City
from pipeline.siting.plan import Ask, make_plan
from pipeline.siting.report.files import report_files, table
from pipeline.siting.study import Study
from pipeline.siting.whole import write_folder, write_whole
from tests.shared import REPO
from tests.siting.world import city, poles, study, write

FILES = {
    "laporan.html", "laporan.pdf", "rencana.json", "rencana.geojson", "lokasi.csv", "permintaan.csv", "kelurahan.csv",
    "kurva.csv", "kepekaan.csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def here() -> Study:
    return study(9, places=60)


@pytest.fixture(scope="module")
def told(here: Study) -> dict[str, Any]:
    ask = Ask(Budget(600_000_000, money=True), floors={"kota": 1, "31.01": 0}, moves=2, listed=poles(here))
    return plan_document(here, make_plan(here, ask), "Rencana <2027> → RT", "sari")


@contextmanager
def opened(pdf: bytes) -> Iterator[Any]:
    document = pypdfium2.PdfDocument(pdf)
    yield document
    document.close()


def text_of(pdf: bytes) -> str:
    with opened(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def test_every_table_and_figure_of_the_document_stands_in_the_pdf(told: dict[str, Any], here: Study) -> None:
    pdf = report_files(told, here.inputs.city, here.inputs.views)["laporan.pdf"]
    text = text_of(pdf)
    assert "Rencana <2027> ? RT" in text
    for title in ("Lokasi terpilih", "Permintaan yang tidak terpilih", "Kurva anggaran", "Kelurahan buta", "Kepekaan"):
        assert title in text
    assert "Jumlah = nilai rencana" in text.replace("\r\n", " ")
    assert f"{told['value_micro'] / 1e6:.2f}".replace(".", ",") in text
    for site in told["sites"]:
        assert site["kelurahan_name"].split()[0] in text


def test_the_map_on_the_first_page_has_ink(told: dict[str, Any], here: Study, shared_data: Path) -> None:
    names = {code: place.name for code, place in here.inputs.city.kelurahan.items()}
    whole = City(city().kelurahan, load_boundaries(shared_data / "data" / "geo" / "kelurahan.geojson", names))
    assert len(whole.kelurahan) == 267
    for place in (whole, here.inputs.city):
        with opened(report_files(told, place, here.inputs.views)["laporan.pdf"]) as document:
            picture = document[0].render(scale=2).to_numpy().copy()
        orange = (picture[..., ::-1] == (0xD9, 0x48, 0x0F)).all(axis=-1).sum()
        blue = (picture[..., ::-1] == (0x3B, 0x6E, 0xA5)).all(axis=-1).sum()
        assert orange > 20 * len(told["sites"]), "each chosen site is a dot"
        assert blue > 30, "cameras and the legend"


def test_the_page_needs_nothing_else_and_is_well_formed(told: dict[str, Any], here: Study) -> None:
    page = report_files(told, here.inputs.city, here.inputs.views)["laporan.html"].decode()
    tree = etree.fromstring(page.encode(), etree.HTMLParser(encoding="utf-8"))
    assert tree.get("lang") == "id"
    assert tree.findtext(".//title") == "Rencana <2027> → RT"
    assert not tree.xpath("//script|//link|//img|//*[@src]|//a[@href]")
    assert len(tree.xpath("//svg[@role='img'][@aria-label]")) == 3
    rows = tree.xpath("//h2[.='Lokasi terpilih']/following::table[1]/tbody/tr")
    assert len(rows) == len(told["sites"]) + len(told["losses"]) + 1


def test_tables_and_map_data_are_the_documents(told: dict[str, Any], here: Study) -> None:
    files = report_files(told, here.inputs.city, here.inputs.views)
    assert set(files) == FILES
    sites = list(csv.DictReader(io.StringIO(files["lokasi.csv"].decode())))
    losses = sum(loss["loss_micro"] for loss in told["losses"])
    assert sum(int(row["marginal_micro"]) for row in sites) + losses == told["value_micro"]
    layers: dict[str, int] = {}
    for feature in json.loads(files["rencana.geojson"])["features"]:
        layer = feature["properties"]["layer"]
        layers[layer] = layers.get(layer, 0) + 1
        ring = feature["geometry"]["coordinates"][0] if feature["geometry"]["type"] == "Polygon" else None
        assert ring is None or ring[0] == ring[-1]
    assert layers == {
        "kamera": len(here.inputs.views), "pandangan": len(told["sites"]), "lokasi": len(told["sites"]),
        "permintaan": len(told["requests"]),
    }  # fmt: skip
    assert json.loads(files["rencana.json"])["value_micro"] == told["value_micro"]


def test_the_same_document_makes_the_same_bytes(told: dict[str, Any], here: Study) -> None:
    one, two = (report_files(told, here.inputs.city, here.inputs.views) for _ in range(2))
    assert one == two


def test_no_cell_is_run_by_a_spreadsheet() -> None:
    assert table([{"a": "=1+1", "b": None, "c": -5, "d": "@x"}], "abcd") == b"a,b,c,d\n'=1+1,,-5,'@x\n"


def test_folders_are_whole_or_not_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_folder(out, {"a": b"1"})
    assert (out / "a").read_bytes() == b"1"
    with pytest.raises(ConfigError, match="tidak kosong"):
        write_folder(out, {"a": b"2"})
    with pytest.raises(ConfigError, match="cannot be written"):
        write_folder(tmp_path / "new", {"a": b"1", "no/such/b": b"2"})
    with pytest.raises(ConfigError, match="cannot be written"):
        write_whole(out / "a" / "b", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def config(tmp_path: Path) -> Path:
    names = {name: REPO / "configs" / f"{name}.csv" for name in ("cameras", "kelurahan")}
    return write(tmp_path, "siaga.yaml", [f"city: {{cameras: {names['cameras']}, kelurahan: {names['kelurahan']}}}"])


def run(tmp_path: Path, *extra: str) -> Any:
    head = "lat,lng,category,asked_by_kind,asked_by,reason,priority"
    needs = write(
        tmp_path, "needs.csv", [head, "-6.2200,106.8600,rt_rw,RT/RW,RT 05,gelap,5", "-6.25,106.9,jalan,OPD,Dishub,x,1"]
    )
    hotspots = write(
        tmp_path, "hot.csv", ["source,category,lat,lng,at", "112,rawan_kebakaran,-6.2201,106.8601,2026-01-05"]
    )
    options = ["--config", str(config(tmp_path)), "--data", str(tmp_path / "var"), "--out", str(tmp_path / "out")]
    files = ["--needs", str(needs), "--hotspots", str(hotspots)]
    return CliRunner().invoke(app, ["plan-sites", *options, *files, *extra])


@pytest.mark.parametrize("how", ["--exact", "--greedy"])
def test_the_command_writes_the_whole_folder(tmp_path: Path, how: str) -> None:
    done = run(tmp_path, "--budget", "1", how)
    assert done.exit_code == 0, done.output
    assert "1 lokasi" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    told = json.loads((tmp_path / "out" / "rencana.json").read_text())
    assert told["method"] == how[2:]
    assert [site["requests"] for site in told["sites"]] == [["1"]]
    (other,) = [request for request in told["requests"] if request["status"] == "tidak_terpilih"]
    assert [one["id"] for one in other["displaced"]] == ["permintaan-1"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--budget", "lima"], "anggaran 'lima'"),
        (["--budget", "Rp 5 juta"], "tidak cukup untuk satu lokasi"),
        (["--budget", "5", "--no-requests"], "tidak ada calon lokasi"),
        (["--budget", "5", "--floor", "kota"], "jumlah minimum 'kota'"),
        (["--budget", "5", "--floor", "kota=1"], "calon lokasi kurang di"),
        (["--budget", "5", "--candidates", "nowhere.csv"], "nowhere.csv: cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(tmp_path: Path, extra: list[str], message: str) -> None:
    done = run(tmp_path, *extra)
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
