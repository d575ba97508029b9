"""Units of work that other sections do not measure alone: each beside a plain way of the same, in turns."""

from pathlib import Path
from typing import Any

import av
import cv2

from pipeline.bench.films import KBITS, Film, film
from pipeline.bench.measure import in_turns, middle, own_cpu_s, ratio
from pipeline.bench.plan import Plan
from pipeline.grab.sampler import sample_source
from pipeline.ops.sections import GrabSection

CROWD_MB = "memory_mb_per_further_stream"


def measure_picture(plan: Plan, folder: Path) -> dict[str, float]:
    """Return CPU seconds a sampled picture from a file (keyframe to JPEG), and of decoding the same keyframes alone."""
    cv2.setNumThreads(1)
    path = str(film(Film(), folder))
    grab = GrabSection(floor_fps=1, activity_fps=1)

    def sampled() -> float:
        used, count = own_cpu_s(), 0
        for sample in sample_source(path, grab):
            sample.jpeg()
            count += 1
        return (own_cpu_s() - used) / count

    def plain() -> float:
        used = own_cpu_s()
        with av.open(path) as container:
            video = container.streams.video[0]
            video.codec_context.thread_count = 1
            video.codec_context.skip_frame = "NONKEY"
            count = sum(1 for _ in container.decode(video))
        return (own_cpu_s() - used) / count

    found = in_turns({"sampled": sampled, "plain": plain}, max(3, plan.detect_rounds))
    return {
        "cpu_s": middle(found["sampled"], 6),
        "reference_cpu_s": middle(found["plain"], 6),
        "ratio": ratio(found["sampled"], found["plain"]),
    }


def measure_units(plan: Plan, folder: Path, sizes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a profile needs beside the other sections.

    Args:
        plan: How often it is measured.
        folder: Where films lie.
        sizes: The sizes of the line that were measured: what one more camera costs in memory is seen from two.
    """
    first, last = sizes[0], sizes[-1]
    more = last["cameras"] - first["cameras"]
    each = (last["memory_mb"]["grab"] - first["memory_mb"]["grab"]) / more if more else last["memory_mb"]["grab"]
    return {
        "grab_picture": measure_picture(plan, folder),
        "grab_camera_mb": round(max(0.1, each / (1 if more else last["cameras"])), 2),
        "stream_mbit": KBITS["720p"] / 1000,
    }
