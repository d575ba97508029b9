"""What confirmation counts. Everything held back has a kind and a reason."""

from prometheus_client import Counter, Gauge, Histogram

from pipeline.bus.records import Incident
from pipeline.confirm.state import Outcome

OBSERVATIONS_READ = Counter("siaga_confirm_observations_total", "Observations by what became of them", ["outcome"])
SUPPRESSED = Counter("siaga_confirm_suppressed_total", "What was held back, and why", ["kind", "reason"])
INCIDENTS_SAID = Counter("siaga_confirm_incidents_total", "Incident records published", ["kind", "state"])
BURSTS = Counter("siaga_confirm_bursts_asked_total", "Bursts asked for")
RESENT = Counter("siaga_confirm_resent_total", "Rounds sent again because the bus did not acknowledge them")
OPEN = Gauge("siaga_confirm_open_incidents", "Incidents that are open", multiprocess_mode="mostrecent")
PLACES = Gauge("siaga_confirm_memory_places", "Places kept in memory", multiprocess_mode="mostrecent")
LAG = Gauge("siaga_confirm_lag_records", "Observations that wait", multiprocess_mode="mostrecent")
DELAY = Histogram(
    "siaga_confirm_seen_to_opened_seconds",
    "From the capture of the first frame of the evidence to the decision to open",
    ["kind"],
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 30, 60),
)


def count(outcome: Outcome) -> None:
    """Count one step's decisions and what it held back."""
    for kind, reason in outcome.reasons:
        SUPPRESSED.labels(kind, reason).inc()
    for incident in outcome.incidents:
        _count_incident(incident)
    BURSTS.inc(len(outcome.requests))


def _count_incident(incident: Incident) -> None:
    INCIDENTS_SAID.labels(incident.kind, incident.state).inc()
    if incident.state == "opened":
        DELAY.labels(incident.kind).observe(max(0, incident.decided_ms - incident.first_seen_ms) / 1000)
