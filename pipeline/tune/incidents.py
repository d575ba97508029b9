"""`siaga eval incidents`: the path of `siaga watch` on labelled clips, as figures."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pipeline.detect.worker import load_detectors
from pipeline.ops.errors import SourceError
from pipeline.ops.settings import Settings
from pipeline.tune.incident_labels import Label, read_labels
from pipeline.tune.matching import Tally
from pipeline.tune.watching import Found, Looks, OpenSource, Watched, Watching, open_sampled


def evaluate_incidents(
    table: Path,
    out: Path,
    settings: Settings,
    *,
    detectors: Iterable[Looks] | None = None,
    err: TextIO | None = None,
    open_source: OpenSource = open_sampled,
) -> dict[str, object]:
    """Watch every clip of a table and write the figures; progress goes to `err`, a line a clip.

    Args:
        table: Labelled clips, see `incident_labels`.
        out: JSON file to write.
        settings: Sampling, models and rules.
        detectors: The models; by default those of the settings are loaded.
        err: Where progress goes; stderr by default.
        open_source: Opens a clip.

    Returns:
        What was written, see `matching.Tally.figures`: recall 0..1, delays in s of video by nearest rank, None where
        nothing was found; `hours` of video watched; false alarms over these hours, per 24 of them.

    Raises:
        ConfigError: The table is wrong (it is read before anything is watched).
        ModelError: A model cannot be used.
    """
    err = err or sys.stderr
    labels = read_labels(table)
    watching = Watching(settings, detectors or load_detectors(settings), open_source=open_source)
    tally = Tally()
    for number, (file, rows) in enumerate(labels.items(), 1):
        watched = _watch(watching, file)
        missed, false = tally.add(rows, watched.incidents, watched.video_s)
        print(f"[{number}/{len(labels)}] {_line(file.name, watched, missed, false)}", file=err, flush=True)
    figures = tally.figures()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


def _watch(watching: Watching, file: Path) -> Watched:
    """Watch a clip; one that cannot be read gives nothing, so that its events are missed and its name is told."""
    try:
        return watching.watch(str(file))
    except SourceError as error:
        return Watched(str(file), damage=str(error))


def _line(name: str, watched: Watched, missed: list[Label], false: list[Found]) -> str:
    """Say what became of one clip."""
    parts = [f"{found.kind} {found.opened_s:.1f}s ({found.score:.2f})" for found in watched.incidents]
    parts += [f"MISSED {label.kind} from {label.start_s:g}s" for label in missed]
    parts += [f"FALSE {found.kind} {found.opened_s:.1f}s" for found in false]
    parts += [f"broke off: {watched.damage}"] if watched.damage else []
    return f"{name}: {'; '.join(parts) or 'nothing'}"
