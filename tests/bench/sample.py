"""A result as the bench makes it, with made-up figures."""

from typing import Any

WAYS = {"siaga": 0.01, "opencv": 0.06, "pyav": 0.05}
SPEED = {"mb_per_s": 100.0, "records_per_s": 1600, "client_cpu_ms_per_mb": 3.0}
BROKER: dict[str, Any] = dict.fromkeys(("produce", "produce_plain", "consume", "consume_plain"), SPEED)
STREAM = {
    "codec": "h264",
    "size": "720p",
    "gop_s": 2,
    "pictures_per_s": 0.5,
    "cpu_s_per_stream_s": WAYS,
    "memory_mb": {"siaga": 100, "opencv": 90, "pyav": 80},
    "ratio_vs_opencv": 6.0,
    "ratio_vs_pyav": 5.0,
    "streams_per_core": 100,
    "siaga_at_1_fps": 0.05,
}
CROWD = {
    "streams": 20,
    "cpu_s_per_stream_s": 0.01,
    "pictures_per_stream_s": 1.0,
    "memory_mb": 200,
    "memory_mb_per_further_stream": 4.0,
}
SIZE = {
    "cameras": 20,
    "cpu_s_per_camera_s": 0.04,
    "cameras_per_core": 25.0,
    "pictures_per_camera_s": 1.0,
    "lag_frames": 0.0,
    "cpu_s_per_s": {"grab": 0.4, "detect-0": 0.4},
    "memory_mb": {"grab": 300, "detect-0": 150},
    "camera_to_alert_p95_s": 2.5,
    "camera_to_alert_s": [1.9, 2.1],
    "evidence_s": [1.5, 1.6],
    "frame_to_notice_s": [0.4, 0.5],
    "fires": 2,
    "alerted": 2,
    "alerted_without_fire": 0,
}
RESULT: dict[str, Any] = {
    "machine": {
        "cpu": "A processor",
        "cores": 2,
        "memory_gb": 8.0,
        "system": "Linux 6",
        "python": "3.11.7",
        "packages": {"av": "1"},
        "load_before": 0.1,
        "quick": True,
        "wall_s": 200,
    },
    "grab": {
        "ratio_vs_opencv": 6.0,
        "ratio_vs_pyav": 5.0,
        "streams_per_core": 100,
        "streams": [STREAM],
        "one_process": [CROWD],
    },
    "detect": {
        "ratio_vs_bare": 0.9,
        "ratio_with_jpeg": 0.8,
        "frames_per_cpu_s": {"bare": 100.0, "worker": 90.0, "worker_with_jpeg": 80.0},
        "cpu_ms_per_frame": {"bare": 10.0, "worker": 11.1, "worker_with_jpeg": 12.5},
        "jpeg_bytes": 40_000,
        "model": "fire_smoke 1",
        "input": "320x320",
    },
    "line": {
        "cameras_per_core": 25.0,
        "ratio_vs_loop": 4.0,
        "camera_to_alert_p95_s": 2.5,
        "loop_cpu_s_per_camera_s": 0.16,
        "marginal_cameras_per_core": 30.0,
        "sizes": [SIZE],
    },
    "confirm": {
        "observations_per_s_per_core": 100_000.0,
        "observations_read_per_s_per_core": 200_000.0,
        "both_per_s_per_core": 66_667,
        "cameras": 1500,
        "observations": 30_000,
        "incident_records": 30,
    },
    "bus": {
        "embedded": {**BROKER, "produce_ratio_vs_plain": 2.0, "consume_ratio_vs_plain": 1.0},
        "apache_kafka": {"left_out": "java not installed"},
    },
}
