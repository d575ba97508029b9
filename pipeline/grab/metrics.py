"""The figures of the grab stage."""

from prometheus_client import Counter, Gauge

CAMERAS = Gauge("siaga_grab_cameras", "Cameras by state", ["state"], multiprocess_mode="livesum")
CAMERA_LIVE = Gauge(
    "siaga_grab_camera_live", "1 while the camera gives a living picture", ["camera"], multiprocess_mode="livemax"
)
CHANGES = Counter("siaga_grab_state_changes_total", "Camera state changes", ["state", "reason"])
OPENINGS = Counter("siaga_grab_openings_total", "Attempts to open a camera", ["outcome"])
PACKETS = Counter("siaga_grab_packets_total", "Encoded pictures read")
BYTES = Counter("siaga_grab_bytes_total", "Bytes of encoded video read")
DROPPED = Counter("siaga_grab_frames_dropped_total", "Sampled frames that did not reach the bus", ["reason"])
FRAMES = Counter("siaga_grab_frames_total", "Sampled frames acknowledged by the bus", ["cause"])
RING_BYTES = Gauge("siaga_grab_ring_bytes", "Encoded video held for clips", multiprocess_mode="livesum")
CLIPS = Counter("siaga_grab_clips_total", "Clips by outcome", ["outcome"])
TROUBLE = Counter("siaga_grab_trouble_total", "Errors that were caught and did not stop the grabber", ["where"])
