"""docs/privacy.md, held: no model names people, no record or table holds what would find one again."""

import re
from pathlib import Path

import pydantic
import pytest
import yaml

from pipeline.bus import records
from pipeline.store.tables import Base
from tests.shared import REPO

HARMLESS = {"fire", "smoke", "flood", "person", "brawl", "group"}
TELLING = re.compile(
    r"embed|face|feature_|descriptor|identity|reid|re_id|plate|gender|\bage\b|ethnic|biometr", re.IGNORECASE
)


def record_fields() -> list[str]:
    """Every field of every record on the bus."""
    models = [m for m in vars(records).values() if isinstance(m, type) and issubclass(m, pydantic.BaseModel)]
    return [f"{model.__name__}.{name}" for model in models for name in model.model_fields]


def columns() -> list[str]:
    """Every column of every table, those of modules of their own included."""
    for module in (REPO / "pipeline" / "store").glob("*_tables.py"):
        __import__(f"pipeline.store.{module.stem}")
    return [f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.columns]


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in (REPO / "models").glob("*/manifest.yaml")), ids=lambda p: p.name
)
def test_no_shipped_model_names_people(folder: Path) -> None:
    classes = yaml.safe_load((folder / "manifest.yaml").read_text())["classes"]
    assert set(classes) <= HARMLESS


def test_no_record_and_no_table_holds_what_finds_a_person_again() -> None:
    names = record_fields() + columns()
    assert len(names) > 100
    assert [name for name in names if TELLING.search(name)] == []


def test_the_check_can_fail() -> None:
    assert TELLING.search("people.embedding")
