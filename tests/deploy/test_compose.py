"""The compose file: valid, complete, pinned, and in accord with the settings and the code that it starts."""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.ops.settings import Settings, load_settings
from tests.deploy.test_rules import promtool

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "configs/deploy"
FILE = DEPLOY / "compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
STAGES = {name: service for name, service in SERVICES.items() if service["image"].startswith("siaga:")}
IN_THE_IMAGE = (Path("/opt/siaga/models"), Path("/etc/siaga/kelurahan.csv"))

# What reads the environment, besides Siaga: the object store's client, libpq, and each image by its documentation.
AWS = {"AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
KNOWN = {
    "apache/kafka": r"CLUSTER_ID|KAFKA_[A-Z_]+",
    "postgres": r"POSTGRES_(USER|DB|PASSWORD_FILE)",
    "minio/minio": r"MINIO_ROOT_(USER|PASSWORD)_FILE|MC_CONFIG_DIR",
    "minio/mc": r"MC_CONFIG_DIR",
    "grafana/grafana": r"GF_(SECURITY|ANALYTICS)_[A-Z_]+",
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(DEPLOY / "siaga.yaml")


def siaga_variables() -> set[str]:
    """Return the environment variables that the code names."""
    text = "\n".join(file.read_text() for file in (ROOT / "pipeline").rglob("*.py"))
    return set(re.findall(r'"(SIAGA_[A-Z_]+)"', text)) | AWS | {"PGPASSWORD"}


def environment(service: dict) -> set[str]:
    return set(service.get("environment", {}))


def test_it_follows_the_compose_specification():
    parsed = PyCompose.from_json(json.dumps(COMPOSE)).to_spec()  # JSON: it has no `<<`, which is YAML's own
    assert parsed.name == "siaga"
    assert set(parsed.services) == set(SERVICES)


@pytest.mark.parametrize("wrong", ["services: {a: {image: x, helthcheck: {}}}", "services: {a: {ports: {b: c}}}"])
def test_the_specification_refuses_what_is_wrong(wrong):
    with pytest.raises(Exception, match=r"helthcheck|ports|variant|unknown|sequence"):
        PyCompose.from_yaml(wrong).to_spec()


def test_it_has_every_part_of_a_city():
    images = [service["image"].rpartition(":")[0] for service in SERVICES.values()]
    assert images.count("apache/kafka") == 3
    assert set(KNOWN) | {"prom/prometheus", "prom/alertmanager"} <= set(images)
    assert set(STAGES) == {"grab", "detect", "confirm", "alert", "desk"}
    assert STAGES["confirm"]["deploy"]["replicas"] == 1


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.search(r"\d+\.\d+|RELEASE\.\d{4}", tag), tag


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_watched(name):
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    if service["restart"] == "unless-stopped":
        assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_a_command_of_siaga(name):
    """With no rights beyond its own, nothing to write but its scratch, and the probe that `pipeline` has."""
    stage = STAGES[name]
    done = CliRunner().invoke(app, [*stage["command"], "--help"])
    assert (done.exit_code, stage["command"]) == (0, [name])
    assert (stage["read_only"], stage["cap_drop"]) == (True, ["ALL"])


def test_every_mentioned_file_exists(settings):
    for entry in COMPOSE["configs"].values():
        assert (DEPLOY / entry["file"]).is_file(), entry
    for stage in STAGES.values():
        context = (DEPLOY / stage["build"]["context"]).resolve()
        assert (context / stage["build"]["dockerfile"]).is_file()
    for folder in settings.detect.models:
        assert (ROOT / Path(folder).relative_to("/opt/siaga") / "manifest.yaml").is_file()
    mounted = {item["target"] for stage in STAGES.values() for item in stage["configs"]}
    assert settings.city.kelurahan in mounted
    assert all("/etc/siaga/siaga.yaml" in {item["target"] for item in stage["configs"]} for stage in STAGES.values())


def test_every_name_is_declared_and_used():
    for kind in ("configs", "secrets", "networks"):
        used = {
            item["source"] if isinstance(item, dict) else item
            for service in SERVICES.values()
            for item in service.get(kind, [])
        }
        assert used == set(COMPOSE[kind]), kind
    volumes = {item.partition(":")[0] for service in SERVICES.values() for item in service.get("volumes", [])}
    assert volumes == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_known(name):
    service = SERVICES[name]
    if name in STAGES:
        assert environment(service) <= siaga_variables()
    else:
        pattern = KNOWN.get(service["image"].rpartition(":")[0], "")
        assert all(re.fullmatch(pattern, variable) for variable in environment(service))
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY")
    shown = {v for v in environment(service) if secret.search(v) and v != "SIAGA_SECRETS" and not v.endswith("FILE")}
    assert not shown, "a secret belongs in a file"


def test_secrets_are_variables_that_something_reads(settings):
    for stage in STAGES.values():
        assert stage["environment"]["SIAGA_SECRETS"] == "/run/secrets"
        files = {name for name in stage["secrets"] if "." in name}
        assert set(stage["secrets"]) - files <= siaga_variables()
        assert f"/run/secrets/{next(iter(files))}" == settings.city.cameras


def test_ports_and_hosts_agree_with_the_settings(settings):
    assert f":{settings.desk.port}:{settings.desk.port}" in STAGES["desk"]["ports"][0]
    for stage in STAGES.values():
        assert stage["healthcheck"]["test"][-1] == f"http://127.0.0.1:{settings.ops.metrics_port}/healthz"
    brokers = {f"PLAINTEXT://{server}" for server in settings.bus.bootstrap_servers.split(",")}
    kafkas = {name: service for name, service in SERVICES.items() if name.startswith("kafka-")}
    assert brokers == {service["environment"]["KAFKA_ADVERTISED_LISTENERS"] for service in kafkas.values()}
    voters = kafkas["kafka-1"]["environment"]["KAFKA_CONTROLLER_QUORUM_VOTERS"]
    assert voters == ",".join(f"{kafka['environment']['KAFKA_NODE_ID']}@{name}:9093" for name, kafka in kafkas.items())
    assert (settings.bus.replication, settings.bus.embedded.enabled) == (len(kafkas), False)
    assert "@postgres:5432/siaga" in settings.store.url
    assert settings.store.evidence.startswith("s3://siaga/")
    assert "s3/siaga" in SERVICES["s3-bucket"]["command"][0]


def test_all_that_is_published_stays_on_this_machine():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_prometheus_finds_every_stage(settings, tmp_path):
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    found = config["scrape_configs"][0]["dns_sd_configs"][0]
    assert (set(found["names"]), found["port"]) == (set(STAGES), settings.ops.metrics_port)
    for source in (DEPLOY / "prometheus.yml", ROOT / "configs/prometheus/siaga.rules.yml"):
        shutil.copy(source, tmp_path)
    promtool("check", "config", tmp_path / "prometheus.yml")


def test_alertmanager_knows_its_receivers():
    config = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())
    assert config["route"]["receiver"] in {receiver["name"] for receiver in config["receivers"]}


def test_secrets_are_made_once_and_completely(tmp_path):
    def make() -> dict[str, str]:
        command = [DEPLOY / "secrets.sh", ROOT / "configs/cameras.csv", tmp_path / "secrets"]
        subprocess.run(command, check=True, timeout=30)
        return {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}

    first = make()
    assert set(first) == set(COMPOSE["secrets"])
    assert all(Path(entry["file"]).name == name for name, entry in COMPOSE["secrets"].items())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert len({first[name] for name in first}) == len(first)
    assert all(len(value) >= 40 for value in first.values())
    assert make() == first
