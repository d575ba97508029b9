"""The Helm chart, rendered by Helm for each file of values: valid for Kubernetes, in accord with the code."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from helm_python import HelmError
from helm_python.chart import Chart, lint
from typer.testing import CliRunner

from pipeline.bus.topics import FRAMES
from pipeline.cli import app
from pipeline.detect.worker import GROUP
from pipeline.ops.settings import Settings, load_settings
from tests.deploy.test_compose import siaga_variables

ROOT = Path(__file__).parents[2]
CHART = ROOT / "configs/deploy/helm/siaga"
SCALED = json.loads((Path(__file__).parent / "scaled_object.schema.json").read_text())
STAGES = {"grab", "detect", "confirm", "alert", "desk"}
FILES = {
    "default": [],
    "minimal": ["values-minimal.yaml"],
    "city": ["values-city.yaml"],
    "gpu": ["values-gpu.yaml"],
    "city with gpu": ["values-city.yaml", "values-gpu.yaml"],
}
KUBERNETES = ["1.28", "1.31", "1.34"]
Manifest = dict[str, Any]


def merged(below: Manifest, above: Manifest) -> Manifest:
    """Lay one file of values over another, as `helm -f below -f above` does."""
    both = copy.deepcopy(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def values_of(name: str) -> Manifest:
    values: Manifest = {}
    for file in FILES[name]:
        values = merged(values, yaml.safe_load((CHART / file).read_text()))
    return values


def render(values: Manifest) -> list[Manifest]:
    with Chart.load(CHART) as chart:
        chart.validate_schema(values)
        texts = chart.render(values, name="siaga", namespace="siaga")
    documents = [text for path, text in texts.items() if path.endswith(".yaml")]
    return [manifest for text in documents for manifest in yaml.safe_load_all(text) if manifest]


@pytest.fixture(scope="module", params=FILES)
def manifests(request) -> list[Manifest]:
    return render(values_of(request.param))


def of_kind(manifests: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    """Return manifests by the stage that they belong to."""
    found = [manifest for manifest in manifests if manifest["kind"] in kinds]
    return {manifest["metadata"]["labels"]["app.kubernetes.io/component"]: manifest for manifest in found}


def workloads(manifests: list[Manifest]) -> dict[str, Manifest]:
    return of_kind(manifests, "Deployment", "StatefulSet")


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {stage: workload["spec"]["template"]["spec"] for stage, workload in workloads(manifests).items()}


def settings_in(manifests: list[Manifest], folder: Path) -> Settings:
    file = folder / "siaga.yaml"
    file.write_text(of_kind(manifests, "ConfigMap")["config"]["data"]["siaga.yaml"])
    return load_settings(file)


@pytest.mark.parametrize("name", FILES)
def test_helm_finds_nothing_to_say(name):
    report = lint(CHART, values_of(name), strict=True)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(manifests, version):
    core = [manifest for manifest in manifests if manifest["kind"] != "ScaledObject"]
    assert len(core) >= 10
    for manifest in core:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validation_refuses_an_unknown_key():
    deployment = workloads(render({}))["desk"]
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES[-1], strict=True)


def test_no_two_manifests_have_one_name(manifests):
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(names) == len(set(names))


def test_every_stage_runs_as_its_command(manifests):
    assert set(workloads(manifests)) == STAGES
    for stage, pod in pods(manifests).items():
        (container,) = pod["containers"]
        assert container["args"][0] == stage
        assert CliRunner().invoke(app, [stage, "--help"]).exit_code == 0
        assert container["image"].rpartition(":")[2] not in ("", "latest")
    assert workloads(manifests)["confirm"]["spec"]["replicas"] == 1


def test_settings_load_and_ports_agree(manifests, tmp_path):
    settings = settings_in(manifests, tmp_path)
    for stage, pod in pods(manifests).items():
        ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
        assert ports.pop("metrics") == settings.ops.metrics_port
        assert ports == ({"http": settings.desk.port} if stage == "desk" else {})
    for folder in settings.detect.models:
        assert (ROOT / Path(folder).relative_to("/opt/siaga") / "manifest.yaml").is_file()


def test_probes_ask_what_a_stage_answers(manifests):
    for pod in pods(manifests).values():
        (container,) = pod["containers"]
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "metrics"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}


def test_every_variable_is_known_and_no_secret_is_shown(manifests):
    assert not of_kind(manifests, "Secret")
    for pod in pods(manifests).values():
        (container,) = pod["containers"]
        names = {variable["name"] for variable in container["env"]}
        assert names - {"POD_INDEX"} <= siaga_variables()
        assert not names & {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert {"name": "SIAGA_SECRETS", "value": mounts["secrets"]} in container["env"]
        assert {"name": "SIAGA_CONFIG", "value": f"{mounts['config']}/siaga.yaml"} in container["env"]
        assert "secret" in next(volume for volume in pod["volumes"] if volume["name"] == "secrets")


def test_a_pod_has_no_rights_beyond_its_own(manifests):
    for pod in pods(manifests).values():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_readers_share_all_cameras(manifests):
    grab = workloads(manifests)["grab"]["spec"]
    command = grab["template"]["spec"]["containers"][0]["args"]
    assert command == ["grab", "--index", "$(POD_INDEX)", "--count", str(grab["replicas"])]


def test_selectors_meet_their_pods(manifests):
    labels = {stage: w["spec"]["template"]["metadata"]["labels"] for stage, w in workloads(manifests).items()}
    for kind in ("Service", "PodDisruptionBudget"):
        for stage, manifest in of_kind(manifests, kind).items():
            selector = manifest["spec"]["selector"]
            assert selector.get("matchLabels", selector).items() <= labels[stage].items()
    for stage, policy in of_kind(manifests, "NetworkPolicy").items():
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels[stage].items()


def test_detectors_follow_the_lag_that_the_code_makes(manifests, tmp_path):
    scaled = of_kind(manifests, "ScaledObject")
    detect = workloads(manifests)["detect"]
    assert ("replicas" in detect["spec"]) == (not scaled)
    if not scaled:
        return
    settings, rule = settings_in(manifests, tmp_path), scaled["detect"]
    jsonschema.validate(rule, SCALED)
    target = rule["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (detect["kind"], detect["metadata"]["name"])
    trigger = rule["spec"]["triggers"][0]["metadata"]
    assert (trigger["consumerGroup"], trigger["topic"]) == (GROUP, FRAMES)
    assert trigger["bootstrapServers"] == settings.bus.bootstrap_servers
    assert rule["spec"]["minReplicaCount"] <= rule["spec"]["fallback"]["replicas"]
    assert rule["spec"]["fallback"]["replicas"] <= rule["spec"]["maxReplicaCount"] <= settings.bus.partitions


def test_a_city_is_guarded():
    city = render(values_of("city"))
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        assert set(of_kind(city, kind)) == STAGES
    assert set(of_kind(city, "ScaledObject")) == {"detect"}
    assert set(of_kind(city, "Ingress")) == {"desk"}


def test_the_gpu_is_the_detectors_alone():
    for stage, pod in pods(render(values_of("city with gpu"))).items():
        (container,) = pod["containers"]
        assert ("nvidia.com/gpu" in container["resources"]["limits"]) == (stage == "detect")
        assert container["image"].endswith("-gpu") == (stage == "detect")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"detekt": {}}, "detekt"),
        ({"grab": {"replicas": 0}}, "replicas"),
        ({"confirm": {"replicas": 2}}, "replicas"),
        ({"image": {"tag": "latest"}}, "tag"),
        ({"settings": {"store": {"url": "sqlite:///siaga.db"}}}, "url"),
        ({"settings": {"store": {"url": "postgresql://siaga:hunter2@db/siaga"}}}, "url"),
        ({"settings": {"bus": {"embedded": {"enabled": True}}}}, "enabled"),
        ({"desk": {"ingress": {"enabled": True}}}, "host"),
        ({"detect": {"autoscaling": {"enabled": True, "max": 25}}}, "25 detectors cannot share 24 partitions"),
    ],
)
def test_wrong_values_are_refused_by_name(wrong, named):
    with pytest.raises(HelmError, match=named):
        render(wrong)
