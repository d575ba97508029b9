"""What the alert stage counts."""

from prometheus_client import Counter, Gauge, Histogram

CAMERA_TO_ALERT = Histogram(
    "siaga_camera_to_alert_seconds",
    "From the first frame of an incident's evidence to its first notice sent, once per incident",
    ["kind"],
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 30, 60),
)
CAMERA_TO_SENT = Histogram(
    "siaga_alert_camera_to_sent_seconds",
    "From the first frame of an incident's evidence to the sending of each opening that its target took",
    ["kind", "kota"],
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 30, 60, 120, 300, 600, 1800),
)
SENT_TO_DELIVERED = Histogram(
    "siaga_alert_sent_to_delivered_seconds",
    "From the sending of an opening to the word of its receiver that it is there",
    ["kind", "kota"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
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
SUPPRESSED = Counter(
    "siaga_alert_suppressed_total", "Targets that were not told, by what kept it from them", ["reason"]
)
REPEATED = Counter(
    "siaga_alert_repeated_total",
    "Deliveries tried again although the target may have taken them: same idempotency key, by reason",
    ["channel", "reason"],
)
DRILL_SECONDS = Histogram(
    "siaga_alert_drill_seconds",
    "From a drill's first notice sent to a person's acceptance at its post",
    ["kota"],
    buckets=(5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900),
)
DRILLS = Counter("siaga_alert_drills_total", "Drills of posts by how they ended", ["outcome"])
PRUNED = Counter("siaga_alert_pruned_total", "Old rows removed, by table and what they were", ["table", "state"])
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
ESCALATIONS = Counter(
    "siaga_alert_escalations_total", "Incidents that nobody accepted in time, by the level told next", ["level", "kind"]
)
DIGESTS = Counter("siaga_alert_digests_total", "Digests written in a storm of incidents", ["channel"])
