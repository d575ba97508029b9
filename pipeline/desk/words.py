"""Words before numbers: what the desk says for kinds, decisions, camera states, scores and times.

Every text is a key of the catalogue and is translated where it is shown (`context.Page.t`).
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.desk.i18n import mark

KIND_WORDS: Final[dict[str, str]] = mark(
    {
        "fire": "Kebakaran",
        "smoke": "Asap",
        "flood": "Banjir",
        "brawl": "Tawuran",
    }
)
DECISION_WORDS: Final[dict[str, str]] = mark(
    {
        "waiting": "Menunggu",
        "coordination": "Koordinasi",
        "disposition": "Disposisi",
        "accepted": "Proses",
        "done": "Selesai",
        "false_alarm": "Bukan kejadian",
    }
)
FALSE_REASONS: Final[dict[str, str]] = mark(
    {
        "lampu": "Lampu",
        "uap": "Uap",
        "pantulan": "Pantulan",
        "hujan": "Hujan",
        "latihan": "Latihan",
        "lain": "Lain-lain",
    }
)
AGENCIES: Final[dict[str, str]] = mark(
    {
        "damkar": "Damkar",
        "bpbd": "BPBD",
        "sda": "Dinas SDA",
        "satpol": "Satpol PP",
        "polisi": "Polisi",
        "dishub": "Dishub",
    }
)
FIRST_AGENCIES: Final[dict[str, tuple[str, ...]]] = {
    "fire": ("damkar", "bpbd"),
    "smoke": ("damkar", "bpbd"),
    "flood": ("bpbd", "sda", "dishub"),
    "brawl": ("polisi", "satpol"),
}
"""Who is usually called for a kind; the others stand behind them."""
CAMERA_WORDS: Final[dict[str, str]] = mark(
    {
        "live": "Hidup",
        "connecting": "Menyambung",
        "frozen": "Gambar beku",
        "dark": "Gelap",
        "covered": "Tertutup",
        "lost": "Putus",
        "unknown": "Belum ada kabar",
    }
)
WEEKDAYS: Final[dict[str, str]] = mark(
    {
        "monday": "Senin",
        "tuesday": "Selasa",
        "wednesday": "Rabu",
        "thursday": "Kamis",
        "friday": "Jumat",
        "saturday": "Sabtu",
        "sunday": "Minggu",
    }
)
ROLE_WORDS: Final[dict[str, str]] = mark(
    {
        "piket": "Petugas piket",
        "satpol": "Satpol PP",
        "engineer": "Teknisi",
        "planner": "Perencana",
        "auditor": "Auditor",
        "admin": "Admin",
    }
)
KEYS: Final[dict[str, str]] = mark(
    {
        "J": "Kejadian berikut",
        "K": "Kejadian sebelumnya",
        "T": "Terima, atau kembali ke Proses",
        "O": "Koordinasi",
        "F": "Teruskan: pilih dinas",
        "B": "Bukan kejadian: pilih alasan",
        "N": "Tulis catatan",
        "S": "Selesai",
        "U": "Batalkan keputusan sendiri",
        "Enter": "Buka kejadian yang dipilih",
        ", .": "Klip: satu bingkai mundur, maju",
        "M": "Bunyi hidup atau mati",
        "?": "Daftar tombol ini",
    }
)
SURE_HIGH = mark("tinggi")
SURE_MIDDLE = mark("sedang")
SURE_LOW = mark("rendah")


def agencies_for(kind: str) -> list[str]:
    """Return all agencies an incident can be forwarded to, those that are usual for its kind first."""
    first = FIRST_AGENCIES.get(kind, ())
    return [*first, *(agency for agency in AGENCIES if agency not in first)]


def sureness(score: float, threshold: float, witnesses: int = 1) -> str:
    """Say how sure the system is, in a word.

    The span between the threshold that raises an incident and a perfect score is cut in three (at 30 % and 60 %);
    a second camera that sees the same lifts the word by one.

    Args:
        score: 0..1, the highest of the incident.
        threshold: 0..1, the score from which a frame counts for this kind.
        witnesses: Cameras that saw it.
    """
    share = (score - threshold) / max(1e-6, 1.0 - threshold)
    level = (share >= 0.3) + (share >= 0.6) + (witnesses >= 2)
    return (SURE_LOW, SURE_MIDDLE, SURE_HIGH)[min(level, 2)]


def running(elapsed_ms: int) -> str:
    """Return a duration as a stop-watch shows it: `0:41`, `12:05`, `1:02:30`; below zero is `0:00`."""
    seconds = max(0, elapsed_ms) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return an epoch ms as the city's local time."""
    return datetime.fromtimestamp(at_ms / 1000, zone)


def clock_text(at_ms: int, zone: ZoneInfo, now_ms: int, seconds: bool = False) -> str:
    """Return a time of day; with the date in front when it is not today in the city."""
    at = local(at_ms, zone)
    text = at.strftime("%H:%M:%S" if seconds else "%H:%M")
    return text if at.date() == local(now_ms, zone).date() else f"{at:%d-%m-%Y} {text}"


def is_night(at_ms: int, zone: ZoneInfo) -> bool:
    """Say whether the desk goes dark by itself: from 18:00 to 06:00 local time."""
    return not 6 <= local(at_ms, zone).hour < 18


def decimal(value: float, language: str, digits: int = 1) -> str:
    """Return a number as the language writes it: `3,1` in Bahasa Indonesia, `3.1` in English."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "id" else text
