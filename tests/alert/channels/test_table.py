"""The table in docs/alerts.md says what the channels declare, and each cell of it has a test that shows it."""

import importlib
from pathlib import Path

from pipeline.alert.channels import ABILITIES
from tests.alert.channels.proof import PROVEN
from tests.shared import REPO

HERE = Path(__file__).parent
BESIDE = (
    "tests.alert.test_webhook",
    "tests.alert.test_chaos",
    "tests.alert.test_lane",
    "tests.alert.test_drill",
    "tests.alert.test_drill_trial",
    "tests.desk.test_events",
    "tests.desk.test_media",
    "tests.desk.test_signing",
    "tests.desk.test_receipts",
    "tests.desk.test_drills",
    "tests.desk.test_decisions",
)
"""Modules beside this folder whose tests prove cells."""


def rows() -> dict[str, list[str]]:
    """The cells of the table by channel."""
    text = (REPO / "docs" / "alerts.md").read_text()
    lines = text.split("<!-- abilities -->")[1].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_table_is_what_the_channels_declare() -> None:
    wanted = {
        name: [one.in_place, one.receipt, one.later, one.picture, "yes", one.signed, "yes"]
        for name, one in ABILITIES.items()
    }
    assert rows() == wanted


def test_every_cell_has_a_test() -> None:
    for module in (*(f"tests.alert.channels.{file.stem}" for file in HERE.glob("test_*.py")), *BESIDE):
        importlib.import_module(module)
    claimed = {(name, cell) for name in ABILITIES for cell in ("retry", "receipt", "marked")}
    for name, one in ABILITIES.items():
        claimed |= {(name, cell) for cell in ("in_place", "picture", "signed") if getattr(one, cell) == "yes"}
        claimed |= {(name, "later")} if one.later != "no" else set()
    assert claimed == PROVEN
