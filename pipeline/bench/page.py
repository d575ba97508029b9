"""The figures as Markdown: the bench renews what lies between its marks and leaves the rest of the page alone."""

from pathlib import Path
from typing import Any

from pipeline.bench.growth import STAGES, series
from pipeline.bench.plot import plot

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"

Row = tuple[object, ...]


def write_page(page: Path, result: dict[str, Any]) -> None:
    """Put the figures between the marks of `page`; a page without marks gets them at its end."""
    text = page.read_text(encoding="utf-8") if page.exists() else "# Performance\n"
    if BEGIN not in text or END not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    head, _, rest = text.partition(BEGIN)
    page.parent.mkdir(parents=True, exist_ok=True)
    growth = result.get("line", {}).get("growth")
    if growth:
        drawing = plot(series(growth), "cameras", "cores of work")
        page.with_suffix(".svg").write_text(drawing, encoding="utf-8")
    page.write_text(f"{head}{BEGIN}\n{render(result)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def render(result: dict[str, Any]) -> str:
    """Return all sections of a result as Markdown."""
    ways = {"grab": _grab, "detect": _detect, "line": _line, "confirm": _confirm, "bus": _bus}
    parts = [_machine(result["machine"]), _targets(result)]
    parts += [way(result[name]) for name, way in ways.items() if name in result]
    if "growth" in result.get("line", {}):
        parts.append(_growth(result["line"]["growth"]))
    return "\n\n".join(parts)


def table(header: Row, rows: list[Row]) -> str:
    """Return a Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _machine(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"Measured on {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}; {packages}. Load before the run: {machine['load_before']}. "
        f"{'Quick' if machine['quick'] else 'Full'} run, {machine['wall_s']} s."
    )


def _targets(result: dict[str, Any]) -> str:
    """Return what was aimed at and what was found."""
    aims = [
        ("detect", "ratio_vs_bare", "Detect: worker against bare onnxruntime", ">= 0.85"),
        ("line", "cameras_per_core", "Line: cameras a core", ">= 47"),
        ("line", "ratio_vs_loop", "Line: times the cameras of the loop that everybody writes", ">= 4"),
        ("line", "camera_to_alert_p95_s", "Line: camera to alert, p95, s", "< 5"),
        ("confirm", "observations_per_s_per_core", "Confirm: observations a second and core", ">= 50000"),
        ("grab", "ratio_vs_opencv", "Grab: times cheaper than OpenCV", ""),
        ("grab", "ratio_vs_pyav", "Grab: times cheaper than PyAV decoding everything", ""),
    ]
    rows: list[Row] = [
        (what, aim, result[section][key]) for section, key, what, aim in aims if section in result and key
    ]
    return table(("Figure", "Target", "Measured"), rows)


def _grab(grab: dict[str, Any]) -> str:
    rows: list[Row] = []
    for row in grab["streams"]:
        cost, memory = row["cpu_s_per_stream_s"], row["memory_mb"]
        rows.append(
            (
                f"{row['codec']} {row['size']}",
                f"{row['gop_s']:g} s",
                f"{row['pictures_per_s']:g}",
                *(cost[kind] for kind in ("siaga", "opencv", "pyav")),
                row["ratio_vs_opencv"],
                row["ratio_vs_pyav"],
                row["streams_per_core"],
                "/".join(str(memory[kind]) for kind in ("siaga", "opencv", "pyav")),
            )
        )
    header: Row = (
        "Stream",
        "Keyframes",
        "Pictures/s",
        "Siaga",
        "OpenCV",
        "PyAV",
        "vs OpenCV",
        "vs PyAV",
        "Streams/core",
    )
    text = "### Grab\n\nCPU seconds a second of stream: demultiplexing, decoding, scaling to 640 px, JPEG.\n\n"
    text += table((*header, "Memory of a process, MB"), rows)
    full = grab["streams"][0].get("siaga_at_1_fps")
    if full is not None:
        text += f"\n\nAsked for one picture a second where keyframes come every two, Siaga decodes everything: {full}."
    if "one_process" in grab:
        keys = ("streams", "cpu_s_per_stream_s", "pictures_per_stream_s", "memory_mb", "memory_mb_per_further_stream")
        crowd = [tuple(row[key] for key in keys) for row in grab["one_process"]]
        header = (
            "Streams in one process",
            "CPU s per stream second",
            "Pictures/s",
            "Memory, MB",
            "MB a further stream",
        )
        text += "\n\n" + table(header, crowd)
    return text


def _detect(detect: dict[str, Any]) -> str:
    ms = detect["cpu_ms_per_frame"]
    rows: list[Row] = [(name.replace("_", " "), value) for name, value in ms.items()]
    speed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in detect["frames_per_cpu_s"].items())
    text = f"### Detect\n\n{detect['model']}, {detect['input']}, one thread. Frames a CPU second: {speed}. "
    text += f"Against bare onnxruntime: {detect['ratio_vs_bare']}; with JPEG decoding {detect['ratio_with_jpeg']}.\n\n"
    text += table(("Step", "CPU ms a frame"), rows)
    return text + (_networks(detect["networks"]) if detect.get("networks") else "")


def _networks(networks: dict[str, Any]) -> str:
    """Return the network in other ways."""
    rows: list[Row] = [
        (name, f"left out: {row['left_out']}", "", "")
        if "left_out" in row
        else (name, row["cpu_ms_per_picture"], row.get("speed", ""), row.get("pictures_per_s", ""))
        for name, row in networks.items()
    ]
    return "\n\n" + table(("The network alone", "CPU ms a picture", "Times batch 1", "Pictures/s"), rows)


def _growth(growth: dict[str, Any]) -> str:
    """Return how the costs grow with cameras, and the plot beside the page."""
    rows: list[Row] = [
        (
            f"{row['cameras']}{'' if row['measured'] else ' (reckoned)'}",
            *(row["cores"][stage] for stage in STAGES),
            round(sum(row["cores"].values()), 3),
            row["confirm_observations_per_s_per_core"],
        )
        for row in growth["rows"]
    ]
    header = ("Cameras", *STAGES, "All", "Confirm, observations/s and core (measured)")
    text = "### How it grows\n\nCores of work by cameras, one picture a second each. Measured where the line was; "
    text += (
        "beyond, each camera more costs what one cost between the measured sizes. Confirm's rules were measured with "
    )
    return text + "every number.\n\n" + table(header, rows) + "\n\n![Cores of work by cameras](performance.svg)"


def _line(line: dict[str, Any]) -> str:
    text = "### The line\n\n720p H.264, a keyframe and a picture a second. "
    text += f"The loop costs {line['loop_cpu_s_per_camera_s']} CPU s per camera second.\n\n"
    rows: list[Row] = [
        (
            size["cameras"],
            size["cpu_s_per_camera_s"],
            size["cameras_per_core"],
            size["pictures_per_camera_s"],
            size["lag_frames"],
            ", ".join(f"{name} {part}" for name, part in size["cpu_s_per_s"].items()),
            ", ".join(f"{name} {mb}" for name, mb in size["memory_mb"].items()),
        )
        for size in line["sizes"]
    ]
    header = ("Cameras", "CPU s per camera s", "Cameras/core", "Pictures/s", "Lag", "CPU s a second", "Memory, MB")
    text += table(header, rows)
    last = line["sizes"][-1]
    if line["marginal_cameras_per_core"]:
        text += f"\n\nBy what one more camera costs: {line['marginal_cameras_per_core']} cameras a core."
    if last.get("fires"):
        text += f"\n\nFires: {last['fires']}, alerted {last['alerted']}, other alerts {last['alerted_without_fire']}; "
        parts = [", ".join(map(str, last[k])) for k in ("camera_to_alert_s", "evidence_s", "frame_to_notice_s")]
        text += f"seconds from the first evidence to the notice: {parts[0]}; of these, until the rules were sure: "
        text += f"{parts[1]}; from the deciding frame's capture to the notice: {parts[2]}."
    return text


def _confirm(confirm: dict[str, Any]) -> str:
    return (
        f"### Confirm\n\n{confirm['observations_per_s_per_core']:.0f} observations a CPU second by the rules alone, "
        f"{confirm['observations_read_per_s_per_core']:.0f} read from JSON, {confirm['both_per_s_per_core']:.0f} "
        f"both; {confirm['cameras']} cameras, {confirm['observations']} observations."
    )


def _bus(bus: dict[str, Any]) -> str:
    rows: list[Row] = []
    for broker, found in bus.items():
        if "left_out" in found:
            rows.append((broker, f"left out: {found['left_out']}", "", "", ""))
            continue
        for name in ("produce", "produce_plain", "consume", "consume_plain"):
            one = found[name]
            share = found.get(f"{name}_ratio_vs_plain", "")
            speed = (one["mb_per_s"], one["records_per_s"], one["client_cpu_ms_per_mb"])
            rows.append((f"{broker.replace('_', ' ')}: {name.replace('_', ', ')}", *speed, share))
    header = ("Frames of 60 KB", "MB/s", "Records/s", "Client CPU ms a MB", "Speed against plain")
    return "### Bus\n\n" + table(header, rows)
