"""What the alert stage counts."""

from prometheus_client import Counter, Gauge, Histogram

CAMERA_TO_ALERT = Histogram(
    "siaga_camera_to_alert_seconds",
    "From the first frame of an incident's evidence to its first notice sent, once per incident",
    ["kind"],
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 30, 60),
)
SECONDS = (0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 30, 60, 120, 300, 600, 1800)
CAMERA_TO_SENT = Histogram(
    "siaga_alert_camera_to_sent_seconds",
    "From the first frame of an incident's evidence to each target's opening sent",
    ["kind", "kota"],
    buckets=SECONDS,
)
SENT_TO_DELIVERED = Histogram(
    "siaga_alert_sent_to_delivered_seconds",
    "From sending to the receiver's word that it has the notice (a channel without such a word: its answer)",
    ["kind", "kota"],
    buckets=SECONDS,
)
SENT_TO_ACCEPTED = Histogram(
    "siaga_alert_sent_to_accepted_seconds",
    "From an incident's first notice sent to a person's first decision",
    ["kind", "kota"],
    buckets=(5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800, 3600),
)
SUPPRESSED = Counter("siaga_alert_suppressed_total", "Notices not sent one by one, by reason", ["reason"])
DIGESTS = Counter("siaga_alert_digests_total", "Digest notices written, by reason (storm, storm_over)", ["reason"])
DIGESTED = Counter("siaga_alert_digested_total", "Openings told in a digest instead of alone, by reason", ["reason"])
ESCALATIONS = Counter("siaga_alert_escalations_total", "Escalation steps taken, by level reached", ["level", "kind"])
UNACCEPTED = Gauge(
    "siaga_alert_unaccepted_incidents",
    "Incidents that nobody has accepted and whose deadline at this level is over",
    ["level"],
    multiprocess_mode="mostrecent",
)
POSTS_UNREACHABLE = Gauge(
    "siaga_alert_posts_unreachable",
    "Duty posts none of whose channels can be reached now (every target's circuit is open, or none is configured)",
    multiprocess_mode="mostrecent",
)
POST_UNREACHABLE = Gauge(
    "siaga_alert_post_unreachable", "1 while this duty post cannot be reached", ["post"], multiprocess_mode="mostrecent"
)
OUTBOX_ROWS = Gauge(
    "siaga_alert_outbox_rows", "Outbox rows by state", ["channel", "state"], multiprocess_mode="mostrecent"
)
OUTBOX_AGE = Gauge(
    "siaga_alert_outbox_oldest_age_seconds",
    "Age of the oldest outbox row of this state (pending, leased, dead)",
    ["channel", "state"],
    multiprocess_mode="mostrecent",
)
PRUNED = Counter("siaga_alert_pruned_total", "Rows removed because of their age, by table", ["table"])
DRILLS = Counter("siaga_alert_drills_total", "Drills by how they ended", ["outcome"])
RECEIPTS = Counter("siaga_alert_receipts_total", "Receipts written into timelines", ["receipt"])
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
