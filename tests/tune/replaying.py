"""A small recorded city for the tests of replays."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.bus.records import Observation, encode
from pipeline.city.registry import Kelurahan, Registry
from pipeline.tune.archive.writer import HourWriter
from tests.confirm.world import camera

GAMBIR = Kelurahan("31.71.01.1001", "Gambir", "Gambir", "Jakarta Pusat", -6.2, 106.8)
REGISTRY = Registry({"a": camera("a")}, {GAMBIR.code: GAMBIR}, 75)


def archive(folder: Path, observations: Iterable[Observation]) -> None:
    """Write observations as the archiver does."""
    writer = HourWriter(folder, 0, 1000)
    for number, one in enumerate(observations):
        writer.add((one.captured_ms, one.camera, number, encode(one)))
    writer.finish()


def configured(folder: Path) -> Path:
    """Write a configuration with camera `a`; return its file."""
    (folder / "cameras.csv").write_text(
        "id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks\n"
        "a,a,rtsp://127.0.0.1/a,31.71.01.1001,-6.2,106.8,jalan,Dishub,fire;smoke,\n"
    )
    (folder / "kelurahan.csv").write_text(
        "kode,nama,kecamatan,kota,lat,lng\n31.71.01.1001,Gambir,Gambir,Jakarta Pusat,-6.2,106.8\n"
    )
    file = folder / "siaga.yaml"
    file.write_text("city: {cameras: cameras.csv, kelurahan: kelurahan.csv}\n")
    return file
