"""What the alert stage counts."""

from prometheus_client import Counter, Gauge, Histogram

CAMERA_TO_ALERT = Histogram(
    "siaga_camera_to_alert_seconds",
    "From the first frame of an incident's evidence to its first notice sent, once per incident",
    ["kind"],
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 30, 60),
)
SENT_TO_ACCEPTED = Histogram(
    "siaga_alert_sent_to_accepted_seconds",
    "From an incident's first notice sent to a person's first decision",
    ["kind", "kota"],
    buckets=(5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800, 3600),
)
UNACCEPTED = Gauge(
    "siaga_alert_unaccepted_incidents",
    "Incidents that nobody has accepted and whose deadline at this level is over",
    ["level"],
    multiprocess_mode="mostrecent",
)
POSTS_UNREACHABLE = Gauge(
    "siaga_alert_posts_unreachable",
    "Kelurahan with an undecided incident of which no notice outside the desk got through",
    multiprocess_mode="mostrecent",
)
OUTBOX_ROWS = Gauge(
    "siaga_alert_outbox_rows", "Outbox rows by state", ["channel", "state"], multiprocess_mode="mostrecent"
)
INCIDENTS = Counter("siaga_alert_incidents_total", "Incident records by what they did", ["effect"])
IGNORED = Counter("siaga_alert_ignored_total", "Incident records that changed nothing, by reason", ["reason"])
QUEUED = Counter("siaga_alert_queued_total", "Outbox rows written", ["channel", "notice"])
SENT = Counter("siaga_alert_sent_total", "Deliveries taken by their target", ["channel", "notice"])
RETRIES = Counter("siaga_alert_retries_total", "Deliveries put off, by reason", ["channel", "reason"])
DEAD = Counter("siaga_alert_dead_total", "Deliveries given up, by reason", ["channel", "reason"])
SUPERSEDED = Counter("siaga_alert_superseded_total", "Waiting notices replaced by a newer one", ["reason"])
LEASES_LOST = Counter(
    "siaga_alert_leases_lost_total", "Deliveries that another worker took over meanwhile", ["channel"]
)
TROUBLE = Counter("siaga_alert_trouble_total", "Times the stage had to wait, by what refused", ["reason"])
WAITING = Gauge(
    "siaga_alert_outbox_waiting", "Outbox rows not yet finished", ["channel"], multiprocess_mode="mostrecent"
)
OLDEST = Gauge(
    "siaga_alert_outbox_oldest_seconds", "Age of the oldest of them", ["channel"], multiprocess_mode="mostrecent"
)
CIRCUIT_OPEN = Gauge(
    "siaga_alert_circuit_open", "1 while a target is left alone after outages", ["target"], multiprocess_mode="livemax"
)
