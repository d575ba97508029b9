"""The shipped rules: Prometheus takes them; each alert fires, keeps still, is explained, and uses known metrics."""

import importlib
import os
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

import pipeline
from pipeline.ops.vitals import DiskCollector, ProcessCollector

ROOT = Path(__file__).parents[2]
RULES = ROOT / "configs/prometheus/siaga.rules.yml"
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
EVERY = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}
CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())


def promtool(*arguments: object) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        if os.environ.get("SIAGA_REQUIRE_ALL") == "1":
            pytest.fail("promtool is not installed")
        pytest.skip("promtool is not installed")
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def names_in(node: object) -> set[str]:
    """Return the metric names of a parsed expression."""
    return set(re.findall(r"\b(siaga[a-z0-9_:]*)", str(node))) - {""}


def known_metrics() -> set[str]:
    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if "metrics" in module.name.rpartition(".")[2] or module.name in USED_BESIDE:
            importlib.import_module(module.name)
    names = set(REGISTRY._names_to_collectors)
    for collector in (DiskCollector(ROOT), ProcessCollector(lambda: [("s", "i", os.getpid())])):
        for family in collector.collect():
            names |= {family.name, *(sample.name for sample in family.samples)}
    return names | {rule["record"] for rule in EVERY if "record" in rule}


USED_BESIDE = {"pipeline.bus.dead", "pipeline.store.quota", "pipeline.ops.vitals"}


def test_prometheus_accepts_rules_and_configuration():
    promtool("check", "rules", RULES)
    promtool("check", "config", RULES.with_name("prometheus.yml"))


def test_every_metric_of_a_rule_exists_in_the_code():
    known = known_metrics()
    for rule in EVERY:
        used = names_in(promql_parser.parse(rule["expr"]))
        assert used, rule
        assert used <= known, f"{rule.get('alert') or rule['record']}: {used - known}"


def test_every_alert_is_explained():
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"


def test_every_alert_has_both_cases():
    assert {(case["alert"], case["fires"]) for case in CASES} == {(n, f) for n in ALERTS for f in (True, False)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['alert']}-{'fires' if case['fires'] else 'still'}")
def test_an_alert_fires_and_keeps_still(case, tmp_path):
    """`count` over ALERTS, so that a case does not repeat every label and annotation of its alert."""
    expected = [{"labels": "{}", "value": 1}] if case["fires"] else []
    query = f'count(ALERTS{{alertname="{case["alert"]}",alertstate="firing"}})'
    unit = {
        "rule_files": [str(RULES)],
        "evaluation_interval": case["interval"],
        "tests": [
            {
                "interval": case["interval"],
                "input_series": case["series"],
                "promql_expr_test": [{"expr": query, "eval_time": case["at"], "exp_samples": expected}],
            }
        ],
    }
    file = tmp_path / "unit.yml"
    file.write_text(yaml.safe_dump(unit))
    promtool("test", "rules", file)
