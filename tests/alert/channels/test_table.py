"""The table in docs/alerts.md says what the channels declare, and each yes in it has a test that shows it."""

import importlib
from pathlib import Path

from pipeline.alert.channels import ABILITIES
from tests.alert.channels.proof import PROVEN
from tests.shared import REPO

HERE = Path(__file__).parent
SHOWN_ELSEWHERE = {
    ("desk", "in_place"), ("desk", "receipt"), ("desk", "picture"), ("desk", "signed"), ("desk", "retry"),
    ("webhook", "in_place"), ("webhook", "receipt"), ("webhook", "signed"), ("webhook", "retry"),
}  # fmt: skip
"""By tests/desk and tests/alert/test_webhook.py."""


def rows() -> dict[str, list[str]]:
    """The cells of the table by channel."""
    text = (REPO / "docs" / "alerts.md").read_text()
    lines = text.split("<!-- abilities -->")[1].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_table_is_what_the_channels_declare() -> None:
    wanted = {name: [one.in_place, one.receipt, one.picture, "yes", one.signed] for name, one in ABILITIES.items()}
    assert rows() == wanted


def test_every_yes_has_a_test() -> None:
    for file in HERE.glob("test_*.py"):
        importlib.import_module(f"tests.alert.channels.{file.stem}")
    claimed = {(name, "retry") for name in ABILITIES} | {(name, "receipt") for name in ABILITIES}
    for name, one in ABILITIES.items():
        claimed |= {(name, cell) for cell in ("in_place", "picture", "signed") if getattr(one, cell) == "yes"}
    assert claimed == PROVEN | SHOWN_ELSEWHERE
