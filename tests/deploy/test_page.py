"""docs/deploy.md names files, services and commands that exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.deploy.test_chart import CHART, FILES
from tests.deploy.test_compose import COMPOSE, SERVICES, siaga_variables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deploy.md").read_text()


def test_every_file_exists():
    files = set(re.findall(r"\bconfigs/[\w./-]+\w", PAGE)) - {"configs/deploy/secrets"}  # made by secrets.sh
    assert len(files) > 5
    assert [file for file in files if not (ROOT / file).exists()] == []
    links = re.findall(r"\]\(([\w.]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_every_file_of_values_is_described():
    assert {file.name for file in CHART.glob("values-*.yaml")} == set(re.findall(r"values-[a-z]+\.yaml", PAGE))
    assert {file.name for file in CHART.glob("values-*.yaml")} == {file for files in FILES.values() for file in files}


def test_every_service_exists():
    named = re.findall(r"docker compose exec(?: -T)? ([a-z0-9-]+)", PAGE)
    named += re.findall(r"--scale ([a-z]+)=", PAGE)
    for names in re.findall(r"docker compose (?:stop|up -d --force-recreate) ([a-z ]+)", PAGE):
        named += names.split()
    named += re.findall(r'(?:/backup"|--no-deps) ([a-z0-9-]+) ', PAGE)
    assert len(set(named)) >= 6
    assert set(named) <= set(SERVICES)


@pytest.mark.parametrize("command", ["people add", "audit verify", "vapid", "run"])
def test_every_command_exists(command):
    assert f"siaga {command}" in PAGE
    assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


def test_every_secret_of_compose_is_explained():
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", PAGE.split("## Secrets")[1].split("\n## ")[0]))
    assert named - {"NAME"} <= siaga_variables()
    assert all(secret in PAGE for secret in COMPOSE["secrets"])
