"""What `siaga watch` shows: JSON lines for programs; progress and a table for people, Bahasa Indonesia first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from pipeline.ops.redact import redact_url
from pipeline.ops.sections import Kind
from pipeline.tune.watching import Found, Watched

Language = Literal["id", "en"]
REDRAW_S = 0.2


@dataclass(frozen=True)
class Texts:
    """The words of one language."""

    kinds: Mapping[Kind, str]
    head: tuple[str, ...]
    progress: str
    none: str
    summary: str
    damage: str


TEXTS: Mapping[Language, Texts] = {
    "id": Texts(
        kinds={"fire": "Api", "smoke": "Asap", "flood": "Banjir", "brawl": "Tawuran"},
        head=("Jenis", "Dibuka", "Terlihat", "Skor", "Alasan"),
        progress="{source}: detik {video_s:.1f}, {frames} gambar, {incidents} kejadian, {speed:.1f}x",
        none="Tidak ada kejadian.",
        summary="{frames} gambar dari {video_s:.1f} detik video dalam {wall_s:.1f} detik; {incidents} kejadian.",
        damage="Terputus: {damage}",
    ),
    "en": Texts(
        kinds={"fire": "Fire", "smoke": "Smoke", "flood": "Flood", "brawl": "Brawl"},
        head=("Kind", "Opened", "First seen", "Score", "Reason"),
        progress="{source}: second {video_s:.1f}, {frames} frames, {incidents} incidents, {speed:.1f}x",
        none="No incident.",
        summary="{frames} frames of {video_s:.1f} s of video in {wall_s:.1f} s; {incidents} incidents.",
        damage="Broke off: {damage}",
    ),
}


def totals(all_watched: Sequence[Watched]) -> dict[str, Any]:
    """Return frames, seconds of video and of work, and the number of incidents over all sources."""
    return {
        "frames": sum(watched.frames for watched in all_watched),
        "video_s": round(sum(watched.video_s for watched in all_watched), 3),
        "wall_s": round(sum(watched.wall_s for watched in all_watched), 3),
        "incidents": sum(len(watched.incidents) for watched in all_watched),
    }


def short_name(source: str) -> str:
    """Return the last part of a path, or a URL without its password."""
    return redact_url(source) if "://" in source else Path(source).name


class Screen:
    """Is told what happens, and shows nothing; the others show it."""

    def progress(self, watched: Watched) -> None:
        """Show how far a source has come."""

    def done(self, watched: Watched) -> None:
        """Show what a source gave."""

    def summary(self, all_watched: Sequence[Watched]) -> None:
        """Show the sum of all sources."""


class JsonLines(Screen):
    """One line an incident once its source has ended, when its kind and score are final; then the summary."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def done(self, watched: Watched) -> None:
        """Print the incidents of a source."""
        for found in watched.incidents:
            self._print(
                {
                    "kind": found.kind,
                    "opened_s": round(found.opened_s, 3),
                    "first_seen_s": round(found.first_seen_s, 3),
                    "score": found.score,
                    "reason": found.reason,
                }
            )

    def summary(self, all_watched: Sequence[Watched]) -> None:
        """Print the last line."""
        self._print({"summary": totals(all_watched)})

    def _print(self, line: dict[str, Any]) -> None:
        print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)


class Table(Screen):
    """Progress on one line that rewrites itself (on a terminal), and a table a source."""

    def __init__(self, out: TextIO, err: TextIO, language: Language = "id") -> None:
        self._out, self._err = out, err
        self._texts = TEXTS[language]
        self._live = err.isatty()
        self._shown_s = -1.0

    def progress(self, watched: Watched) -> None:
        """Rewrite the line of progress, a few times a second at most."""
        if not self._live or 0 <= watched.wall_s - self._shown_s < REDRAW_S:
            return
        self._shown_s = watched.wall_s
        speed = watched.video_s / max(watched.wall_s, 0.001)
        text = self._texts.progress.format(source=short_name(watched.source), speed=speed, **totals([watched]))
        print(f"\r\x1b[K{text}", end="", file=self._err, flush=True)

    def done(self, watched: Watched) -> None:
        """Print the table of a source."""
        if self._live:
            print("\r\x1b[K", end="", file=self._err, flush=True)
        print(short_name(watched.source), file=self._out)
        if watched.damage:
            print(f"  {self._texts.damage.format(damage=watched.damage)}", file=self._out)
        if not watched.incidents:
            print(f"  {self._texts.none}", file=self._out)
            return
        rows = [self._texts.head, *map(self._row, watched.incidents)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print(f"  {'  '.join(cells)}".rstrip(), file=self._out)

    def summary(self, all_watched: Sequence[Watched]) -> None:
        """Print the sum."""
        print(self._texts.summary.format(**totals(all_watched)), file=self._out)

    def _row(self, found: Found) -> tuple[str, ...]:
        kind = self._texts.kinds[found.kind]
        return kind, f"{found.opened_s:.1f} s", f"{found.first_seen_s:.1f} s", f"{found.score:.2f}", found.reason
