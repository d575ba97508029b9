"""Evidence packages: what was altered is found."""

import json
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli.options import app
from pipeline.desk.app import create_app
from pipeline.desk.context import Desk
from pipeline.desk.evidence_package import Package, contents_of, read_facts
from pipeline.desk.package_check import UnreadableError, verify_package
from pipeline.store.incidents import get
from tests.desk.world import World


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A package as the desk makes it."""
    import pipeline.cli  # noqa: F401 - its commands belong to the application

    world = World.build(tmp_path_factory.mktemp("paket"))
    record = world.raise_incident()
    world.keep(record, "clip", b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8, made_from="ring")
    with world.database.reading() as session:
        row = get(session, record.id)
        assert row is not None
        contents = contents_of(desk_of(world), read_facts(session, row), "satpol_pusat")
    data = b"".join(Package(desk_of(world), contents).stream())
    world.database.close()
    return data


def desk_of(world: World) -> Desk:
    app = create_app(world.settings, world.registry, world.database, world.evidence, world.clock)
    desk: Desk = app.state.desk
    return desk


def members(data: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "baca.zip"
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", how) as archive:
        warnings.simplefilter("ignore")
        for name, content in files:
            archive.writestr(name, content)
    return path


def test_a_package_is_whole(package: bytes, tmp_path: Path) -> None:
    path = tmp_path / "paket.zip"
    path.write_bytes(package)
    assert verify_package(path) == []
    files = members(package, tmp_path)
    assert set(files) == {
        "kejadian.json", "skor.json", "saksi.json", "urutan.json", "tinjauan.json", "manifest.json",
        "stills/kejadian-1/cam-gambir-1.jpg", "clips/kejadian-1/cam-gambir-1.mp4",
    }  # fmt: skip
    model = json.loads(files["kejadian.json"])["model"]
    assert model == {"name": "fire_smoke", "version": "1", "sha8": "0123abcd", "sha256": None}
    assert [event["what"] for event in json.loads(files["urutan.json"])][:1] == ["opened"]
    assert json.loads(files["saksi.json"])[0]["camera"] == "cam-gambir-1"
    result = CliRunner().invoke(app, ["evidence", "verify", str(path)])
    assert result.exit_code == 0, result.output


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_in_any_member_is_found(package: bytes, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.zip"
        path.write_bytes(package)
        with zipfile.ZipFile(path) as archive:
            entry = data.draw(st.sampled_from(archive.infolist()))
            body = archive.read(entry)
        start = package.index(body, entry.header_offset)
        at = start + data.draw(st.integers(0, len(body) - 1))
        bits = data.draw(st.integers(1, 255))
        path.write_bytes(package[:at] + bytes([package[at] ^ bits]) + package[at + 1 :])
        assert [line for line in verify_package(path) if line.startswith(f"{entry.filename}: altered")]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_rewritten_member_is_found_though_its_checksum_holds(package: bytes, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = members(package, Path(folder))
        name = data.draw(st.sampled_from(sorted(set(files) - {"manifest.json"})))
        at = data.draw(st.integers(0, len(files[name]) - 1))
        body = bytearray(files[name])
        body[at] ^= data.draw(st.integers(1, 255))
        path = write(Path(folder) / "q.zip", list({**files, name: bytes(body)}.items()))
        assert [line.split(" (")[0] for line in verify_package(path)] == [f"{name}: altered"]


def test_missing_extra_twice_and_out_of_the_package(package: bytes, tmp_path: Path) -> None:
    files = list(members(package, tmp_path).items())
    assert verify_package(write(tmp_path / "a.zip", files[1:])) == [f"{files[0][0]}: missing"]
    extra = write(tmp_path / "b.zip", [*files, ("lain.txt", b"x")])
    assert verify_package(extra) == ["lain.txt: extra, not in the manifest"]
    assert f"{files[0][0]}: stands there more than once" in verify_package(
        write(tmp_path / "c.zip", [*files, files[0]])
    )
    for name in ("../luar.txt", "/akar.txt", "a\\b.txt", "C:/x", "a//b"):
        assert any("leads out" in line for line in verify_package(write(tmp_path / "d.zip", [*files, (name, b"x")])))
    result = CliRunner().invoke(app, ["evidence", "verify", str(extra)])
    assert (result.exit_code, result.output) == (1, "lain.txt: extra, not in the manifest\n")


def test_what_cannot_be_read(package: bytes, tmp_path: Path) -> None:
    files = members(package, tmp_path)
    bomb = write(tmp_path / "bom.zip", [*files.items(), ("bom", bytes(30 << 20))], zipfile.ZIP_DEFLATED)
    no_manifest = write(
        tmp_path / "tanpa.zip", [(name, body) for name, body in files.items() if name != "manifest.json"]
    )
    twice = write(tmp_path / "dua.zip", [*files.items(), ("manifest.json", files["manifest.json"])])
    other = write(tmp_path / "lain.zip", [("manifest.json", b'{"format": "x"}')])
    text = tmp_path / "teks.zip"
    text.write_text("bukan zip")
    cut = tmp_path / "potong.zip"
    cut.write_bytes(package[: len(package) // 2])
    for path in (bomb, no_manifest, twice, other, text, cut, tmp_path / "tidak-ada.zip"):
        with pytest.raises(UnreadableError):
            verify_package(path)
        assert CliRunner().invoke(app, ["evidence", "verify", str(path)]).exit_code == 2


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_told_to_be_no_package(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        path.write_bytes(content)
        with pytest.raises(UnreadableError):
            verify_package(path)
