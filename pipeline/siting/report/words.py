"""How figures and names are written in the report, in Bahasa Indonesia."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.siting.problem import MICRO

MONTHS = ("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
          "November", "Desember")  # fmt: skip
CATEGORIES = {
    "rawan_kebakaran": "rawan kebakaran", "rawan_banjir": "rawan banjir", "rawan_tawuran": "rawan tawuran",
    "taman_24_jam": "taman 24 jam", "rt_rw": "RT/RW", "jalan": "jalan", "fasilitas": "fasilitas",
}  # fmt: skip
KINDS = {"request": "permintaan", "hotspot": "titik rawan", "incident": "kejadian Siaga"}
SUMMED = ("need", "seen", "cameras", "seen_m2", "hotspots", "hotspots_seen", "incidents", "incidents_seen")
METHODS = {"exact": "eksak (HiGHS)", "greedy": "greedy dengan pertukaran"}
STATUSES = {
    "dipilih": "dijawab rencana", "sudah_terlihat": "sudah terlihat kamera", "tidak_terpilih": "tidak terpilih",
    "tanpa_calon": "tanpa calon lokasi",
}  # fmt: skip


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with a decimal comma and points between thousands; `-` for none."""
    if value is None:
        return "-"
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,"))


def need(micro: int, digits: int = 2) -> str:
    """Return millionths of a need as needs."""
    return number(micro / MICRO, digits)


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as per cent."""
    return "-" if share is None else f"{number(share * 100, digits)} %"


def money(amount: int | None) -> str:
    """Return whole rupiah."""
    return "-" if amount is None else f"Rp\u00a0{number(amount, 0)}"


def day(at_ms: int, zone: str = "Asia/Jakarta") -> str:
    """Return a day like `24 November 2026`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def category(name: str) -> str:
    """Return a category's name."""
    return CATEGORIES.get(name, name)


def changed(what: str) -> str:
    """Return the name of a scenario with its category in words."""
    name, mark, factor = what.partition(" ×")
    return f"{category(name)}{mark}{factor}"


def share_of(part: float, whole: float) -> float | None:
    """Return a share, None where there is no whole."""
    return part / whole if whole > 0 else None


def by_kota(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum the rows of kelurahan by their kota."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        kota = found.setdefault(row["kota"], {"name": row["kota"], "whole_m2": 0.0, **dict.fromkeys(SUMMED, 0.0)})
        for key in SUMMED:
            kota[key] += row[key]
        kota["whole_m2"] += row["whole_m2"] or 0.0
    return [
        {**kota, "share": share_of(kota["seen"], kota["need"]),
         "area_share": share_of(kota["seen_m2"], kota["whole_m2"])}
        for _, kota in sorted(found.items())
    ]  # fmt: skip


def displaced(request: Mapping[str, Any]) -> str:
    """Say what a request that was not chosen would have displaced."""
    if request["status"] == "tanpa_calon":
        return "tidak ada calon lokasi yang dapat melihatnya"
    if request["change_micro"] is None:
        return f"{request['best_site']} tidak muat: jumlah minimum dan lokasi wajib tidak menyisakan ruang"
    gone = ", ".join(f"{one['id']} (-{need(one['loss_micro'])})" for one in request["displaced"])
    change = need(request["change_micro"])
    if not gone:
        return f"{request['best_site']} masih muat dalam anggaran: nilai +{need(request['gain_micro'])}"
    return f"{request['best_site']} (+{need(request['gain_micro'])}) menggeser {gone}: nilai rencana {change}"


def floors(asked: Mapping[str, int]) -> str:
    """Say the least numbers of sites."""
    return ", ".join(f"{area}: {least}" for area, least in sorted(asked.items())) or "tidak ada"


def method_text(told: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs on the method and its limits."""
    weights, assumed = told["weights"], told["assumptions"]
    return [
        "Setiap permintaan, titik rawan, dan kejadian adalah satu titik kebutuhan berbobot. Permintaan: "
        f"{number(weights['request'])} x prioritas / 3; titik rawan: {number(weights['hotspot'])} x bobot x "
        f"0,5^(umur / {number(weights['half_life_days'], 0)} hari); kejadian: {number(weights['incident'])} x "
        "peluruhan yang "
        f"sama. Permintaan sejenis dalam {number(assumed['merge_radius_m'], 0)} m dihitung satu kali.",
        "Sebuah titik terlihat sebesar bagian waktu kamera terbaik yang memandangnya benar-benar hidup dan tidak "
        "gelap atau "
        "tertutup, menurut catatan keadaan kamera per jam. Kamera tanpa arah di registri dianggap melihat lingkaran "
        "sejauh "
        f"{number(assumed['range_m'], 0)} m; bangunan dan pohon tidak diperhitungkan. Kamera baru dianggap hidup "
        f"{percent(assumed['new_availability'], 0)} dari waktu.",
        "Rencana memaksimalkan kebutuhan yang terlihat dalam anggaran dan jumlah minimum wilayah (maximal covering "
        "location problem, Church dan ReVelle 1974). Batas atas membuktikan bahwa tidak ada rencana lain dalam "
        "anggaran "
        f"yang bernilai lebih dari {need(told['bound_micro'])}.",
        "Nilai tambah setiap lokasi dihitung terhadap lokasi di atasnya dalam tabel, sehingga jumlahnya tepat sama "
        "dengan "
        "nilai rencana. 'Hanya lokasi ini' adalah yang hilang bila lokasi itu dihapus dari rencana.",
        "Kejadian Siaga hanya diketahui di tempat yang sudah berkamera. Karena itu titik rawan dari 112, JAKI, BPBD, "
        "dan "
        "pemadam yang belum terlihat mewakili juga kejadian yang seharusnya terlihat di sana, menurut perbandingan "
        "kejadian dan titik rawan di tempat yang terlihat. Sumber laporan punya biasnya sendiri: warga yang lebih "
        "sering "
        "melapor lebih terdengar; jumlah minimum wilayah menjaga agar tidak ada yang terlupakan.",
    ]
