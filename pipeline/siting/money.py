"""Budgets as people write them: a number of cameras, or rupiah in figures or words."""

import re
from dataclasses import dataclass

from pipeline.ops.errors import ConfigError

FACTORS = {"": 1, "ribu": 10**3, "rb": 10**3, "juta": 10**6, "jt": 10**6, "miliar": 10**9, "milyar": 10**9, "m": 10**9,
           "triliun": 10**12, "t": 10**12}  # fmt: skip
_COUNT = re.compile(r"^\d{1,7}(\s*(kamera|cctv|lokasi))?$", re.IGNORECASE)
_MONEY = re.compile(r"^(?:rp|idr)\.?\s*(\d[\d.,]*)\s*([a-z]*)$|^(\d[\d.,]*)\s*([a-z]+)$", re.IGNORECASE)
MOST = 10**15
"""More rupiah than this is a slip of the pen: a city's whole budget is below a tenth of it."""


@dataclass(frozen=True)
class Budget:
    """What may be spent: whole rupiah, or a number of cameras."""

    amount: int
    money: bool

    def __str__(self) -> str:
        return rupiah(self.amount) if self.money else f"{self.amount} kamera"


def parse_budget(text: str) -> Budget:
    """Read `50`, `50 kamera`, `Rp 2.500.000.000`, `Rp 2,5 miliar`, `Rp 2.5 miliar` or `750 juta`.

    Points and commas group thousands where three figures follow each; one that does not is the decimal mark.

    Raises:
        ConfigError: It is none of these, or not above zero, or absurdly large.
    """
    told = " ".join(text.split())
    if _COUNT.match(told):
        return Budget(_positive(int(re.sub(r"\D", "", told)), text), money=False)
    match = _MONEY.match(told)
    if match is None:
        raise ConfigError(f"anggaran {text!r}: bukan jumlah kamera seperti 50, bukan rupiah seperti 'Rp 2,5 miliar'")
    figures, word = match[1] or match[3], (match[2] or match[4] or "").lower()
    if word not in FACTORS:
        raise ConfigError(f"anggaran {text!r}: satuan {word!r} bukan ribu, juta, miliar atau triliun")
    amount = _positive(round(_figures(figures, text, grouped=not word) * FACTORS[word]), text)
    if amount > MOST:
        raise ConfigError(f"anggaran {text!r}: lebih dari {rupiah(MOST)}")
    return Budget(amount, money=True)


def _figures(text: str, whole: str, *, grouped: bool) -> float:
    """Read figures with points or commas, Indonesian or English style; before a word like miliar `2.500` is 2.5."""
    text = text.rstrip(".,")
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", text) and (grouped or len(re.split("[.,]", text)) > 2):
        return float(re.sub("[.,]", "", text))
    if re.fullmatch(r"\d+([.,]\d+)?", text):
        return float(text.replace(",", "."))
    both = re.fullmatch(r"(\d{1,3}(?:([.,])\d{3})+)([.,])(\d+)", text)
    if both and both[2] != both[3]:
        return float(f"{re.sub('[.,]', '', both[1])}.{both[4]}")
    raise ConfigError(f"anggaran {whole!r}: {text!r} bukan angka")


def _positive(amount: int, text: str) -> int:
    """Refuse nothing and less."""
    if amount <= 0:
        raise ConfigError(f"anggaran {text!r}: harus lebih dari nol")
    return amount


def rupiah(amount: int) -> str:
    """Return money as it is written in Indonesia, like `Rp 2.500.000.000`."""
    return f"Rp {amount:,}".replace(",", ".")
