"""Budgets as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops.errors import ConfigError
from pipeline.siting.money import Budget, parse_budget, rupiah


@pytest.mark.parametrize(
    ("text", "amount", "money"),
    [
        ("50", 50, False), ("50 kamera", 50, False), (" 7 CCTV ", 7, False), ("Rp 2,5 miliar", 2_500_000_000, True),
        ("Rp 2.5 miliar", 2_500_000_000, True), ("rp2.500.000.000", 2_500_000_000, True),
        ("750 juta", 750_000_000, True),
        ("Rp 1.250,5 juta", 1_250_500_000, True), ("Rp 1,250,000", 1_250_000, True), ("IDR 900000", 900_000, True),
        ("Rp 2.500 miliar", 2_500_000_000, True), ("Rp 1 M", 10**9, True), ("Rp. 3 triliun", 3 * 10**12, True),
    ],
)  # fmt: skip
def test_what_is_meant(text: str, amount: int, money: bool) -> None:
    assert parse_budget(text) == Budget(amount, money)


@pytest.mark.parametrize(
    "text", ["", "0", "Rp 0", "-5", "lima", "Rp", "Rp 2.5.1", "5 karung", "Rp 9000 triliun", "1e9", "Rp 2,5,0 juta"]
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="anggaran"):
        parse_budget(text)


@given(st.integers(1, 10**15))
def test_rupiah_is_read_as_it_is_written(amount: int) -> None:
    assert parse_budget(rupiah(amount)) == Budget(amount, money=True)
    assert str(Budget(amount, money=True)) == rupiah(amount)


@given(st.text(max_size=20))
def test_no_text_brings_anything_but_a_clear_error(text: str) -> None:
    try:
        assert parse_budget(text).amount > 0
    except ConfigError as error:
        assert "anggaran" in str(error)
