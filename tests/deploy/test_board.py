"""The Grafana board: every panel asks for what the code measures, through the data source one chooses."""

import json
from pathlib import Path

import promql_parser
import pytest
import yaml

from tests.deploy.test_rules import known_metrics, names_in

GRAFANA = Path(__file__).parents[2] / "configs/grafana"
BOARD = json.loads((GRAFANA / "siaga.json").read_text())
PANELS = BOARD["panels"]
CHOSEN = {"type": "prometheus", "uid": "${datasource}"}


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    assert len({panel["id"] for panel in PANELS}) == len(PANELS) > 0
    taken = [
        (column, row)
        for place in (panel["gridPos"] for panel in PANELS)
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(column for column, _ in taken) < 24


def test_the_data_source_is_a_variable_that_every_panel_uses():
    (variable,) = BOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    for panel in PANELS:
        assert panel["datasource"] == CHOSEN
        assert all(target["datasource"] == CHOSEN for target in panel["targets"])


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_expressions_parse_and_use_metrics_of_the_code(panel):
    known = known_metrics()
    assert panel["targets"]
    for target in panel["targets"]:
        used = names_in(promql_parser.parse(target["expr"]))
        assert used, target
        assert used <= known, used - known


def test_provisioning_names_a_prometheus_and_a_folder():
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/siaga.yaml").read_text())["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/siaga.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")
