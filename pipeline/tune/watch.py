"""`siaga watch`: a clip, a stream or a folder, as fast as it can be read."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pipeline.detect.worker import load_detectors
from pipeline.ops.errors import SourceError
from pipeline.ops.settings import Settings
from pipeline.tune.screen import JsonLines, Screen, Table
from pipeline.tune.watching import Looks, OpenSource, Watched, Watching, open_sampled

VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".m4v", ".ts", ".webm", ".mpg", ".mpeg", ".flv", ".wmv")


def sources(source: str) -> list[str]:
    """Return what to watch: the videos of a folder that holds videos, in order of name, else the source itself."""
    folder = Path(source)
    if not folder.is_dir():
        return [source]
    videos = sorted(str(file) for file in folder.iterdir() if file.suffix.lower() in VIDEOS and file.is_file())
    return videos or [source]


def watch(
    source: str,
    settings: Settings,
    *,
    start_s: float = 0.0,
    detectors: Iterable[Looks] | None = None,
    screen: Screen | None = None,
    open_source: OpenSource = open_sampled,
) -> list[Watched]:
    """Watch a file, a URL, a folder of pictures or each video of a folder.

    Args:
        source: What to watch.
        settings: Sampling, models and rules.
        start_s: Begin at this second; times in the result count from the source's beginning all the same.
        detectors: The models; by default those of the settings are loaded.
        screen: Told what happens.
        open_source: Opens a source.

    Raises:
        SourceError: The source cannot be read (one video of a folder is passed over, with the reason in its result).
        ModelError: A model cannot be used.
    """
    screen = screen or Screen()
    watching = Watching(settings, detectors or load_detectors(settings), screen.progress, open_source)
    listed, seen = sources(source), []
    for one in listed:
        try:
            watched = watching.watch(one, start_s)
        except SourceError as error:
            if len(listed) == 1:
                raise
            watched = Watched(one, damage=str(error))
        seen.append(watched)
        screen.done(watched)
    screen.summary(seen)
    return seen


def show(
    source: str,
    settings: Settings,
    *,
    as_json: bool = False,
    start_s: float = 0.0,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> None:
    """Run `siaga watch`: with `as_json` nothing but JSON lines on `out`, else a table in the desk's language.

    Raises:
        SourceError: The source cannot be read.
        ModelError: A model cannot be used.
    """
    out, err = out or sys.stdout, err or sys.stderr
    screen = JsonLines(out) if as_json else Table(out, err, settings.desk.language)
    watch(source, settings, start_s=start_s, screen=screen)
