"""What the embedded broker counts; the process that serves it exposes these with everything else."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Counter("siaga_bus_broker_connections_total", "Connections accepted by the embedded broker")
OPEN_CONNECTIONS = Gauge(
    "siaga_bus_broker_open_connections", "Connections open now at the embedded broker", multiprocess_mode="livesum"
)
CLOSED = Counter(
    "siaga_bus_broker_connections_closed_total",
    "Connections the embedded broker closed because of what they sent, by reason",
    ["reason"],
)
REQUESTS = Counter("siaga_bus_broker_requests_total", "Requests answered by the embedded broker", ["api"])
REQUEST_ERRORS = Counter(
    "siaga_bus_broker_request_errors_total", "Refusals inside answered requests, by protocol code", ["api", "code"]
)
BYTES_IN = Counter("siaga_bus_broker_bytes_in_total", "Bytes of requests read by the embedded broker")
BYTES_OUT = Counter("siaga_bus_broker_bytes_out_total", "Bytes of responses written by the embedded broker")
LOG_BYTES = Gauge("siaga_bus_broker_log_bytes", "Bytes of records kept on disk", ["topic"], multiprocess_mode="livesum")
DUPLICATES = Counter(
    "siaga_bus_broker_duplicate_batches_total", "Batches sent again by a producer and not written twice"
)
SEGMENTS_DROPPED = Counter(
    "siaga_bus_broker_segments_dropped_total", "Segments removed by the embedded broker", ["reason"]
)
MEMBERS_LOST = Counter("siaga_bus_broker_members_lost_total", "Group members that stopped sending heartbeats")
