"""What detection counts and times."""

from prometheus_client import Counter, Gauge, Histogram

FRAMES = Counter("siaga_detect_frames_total", "Frames taken from the bus, by what became of them", ["outcome"])
SECONDS = Histogram(
    "siaga_detect_seconds",
    "Time of one step on one batch, s",
    ["step"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
AGE = Histogram(
    "siaga_detect_frame_age_seconds",
    "Age of a frame (now - capture) when its observation was made, s",
    ["cause"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600),
)
LAG = Gauge("siaga_detect_lag_frames", "Frames that wait on the bus", multiprocess_mode="livesum")
SHED = Counter(
    "siaga_detect_shed_total",
    "Frames left out unseen: activity_overload, burst_overload (too much waits), too_old; floor frames never are",
    ["reason"],
)
OVERLOAD = Gauge(
    "siaga_detect_overload_level",
    "0: all frames are looked at; 1: activity frames are left out; 2: bursts too",
    multiprocess_mode="livemax",
)
WAITED = Gauge("siaga_detect_oldest_frame_seconds", "How long the oldest frame has waited", multiprocess_mode="livemax")
BATCH = Histogram("siaga_detect_batch_frames", "Frames in one pass", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
RESENT = Counter("siaga_detect_resent_total", "Records sent again because the bus did not acknowledge them", ["topic"])
TOP_SCORE = Histogram(
    "siaga_detect_top_score",
    "Highest score of a class in one frame; its distribution drifts when model or cameras change",
    ["model", "label"],
    buckets=(0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
