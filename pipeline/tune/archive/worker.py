"""The archiver: `siaga.observations` -> hourly files. Offsets are committed when their file is finished.

What was read and not finished is read again after a restart; the bus keeps observations for days, a file is an hour.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

import structlog
from prometheus_client import Counter

from pipeline.bus.client import instance_name
from pipeline.bus.consumer import Consumer, Place, Received
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import BusError
from pipeline.ops.health import Progress, Report, no_report
from pipeline.ops.settings import Settings
from pipeline.tune.archive.layout import HOUR_MS, hour_files, hour_of
from pipeline.tune.archive.writer import HourWriter

log = structlog.get_logger(__name__)

STAGE = "archive"
GROUP = "siaga-archive"
POLL_S = 0.5
GATHER_S = 1.0
ROUND_RECORDS = 2000
IDLE_MS = 120_000
"""An hour that is over by this much is finished even where nothing more comes."""
DAY_MS = 86_400_000
ROWS = Counter("siaga_archive_rows_total", "Observations by what became of them", ["outcome"])
FILES = Counter("siaga_archive_files_total", "Files of the archive by what became of them", ["outcome"])


class Worker:
    """Polls, writes, commits what is finished.

    Args:
        settings: The configuration.
        stop: Set it to end the worker.
        report: Where its health goes.
        clock: Time now, epoch ms.
    """

    def __init__(
        self, settings: Settings, stop: threading.Event, report: Report = no_report, clock: Clock = now_ms
    ) -> None:
        self._settings, self._stop, self._report, self._clock = settings, stop, report, clock
        self._folder = settings.data_path(settings.archive.dir)
        self._writers: dict[Place, HourWriter] = {}
        self._progress = Progress(STAGE, instance_name(STAGE), settings.ops.stale_after_s, clock)
        self._pruned_ms = 0

    def loop(self) -> None:
        """Work until stopped; trouble with bus or disk is told and waited out."""
        try:
            consumer = Consumer(
                self._settings.bus, STAGE, [OBSERVATIONS], GROUP, share=False, gather_s=GATHER_S, stop=self._stop
            )
        except InterruptedError:
            return
        try:
            while not self._stop.is_set():
                try:
                    self._round(consumer)
                except (BusError, OSError) as error:
                    log.warning("archive.trouble", error=str(error))
                    self._progress.trouble(str(error))
                    self._again(consumer)
                    self._stop.wait(1)
                self._progress.tell(self._report)
        finally:
            for writer in self._writers.values():
                writer.abandon()
            consumer.close()

    def _round(self, consumer: Consumer) -> None:
        """Write what was polled, finish hours that are over, commit the finished ones."""
        records = consumer.poll(POLL_S, ROUND_RECORDS)
        finished: dict[Place, int] = {}
        for record in records:
            self._take(record, finished)
        finished.update(self._over())
        if finished:
            consumer.commit(finished)
            FILES.labels("written").inc(len(finished))
        if records:
            self._progress.moved()
        self._progress.waiting(consumer.lag())
        self._prune()

    def _take(self, record: Received, finished: dict[Place, int]) -> None:
        """Write one record, unread: its sender stamped it with the capture time and keyed it by the camera.

        One without a camera or content is counted and passed over; whoever replays counts what cannot be read.
        """
        if not record.key or not record.value:
            ROWS.labels("empty").inc()
            return
        batch = self._settings.archive.batch_rows
        writer = self._writers.setdefault(record.place, HourWriter(self._folder, record.partition, batch))
        before = writer.next_offset
        camera = record.key.decode(errors="replace")
        if writer.add((record.timestamp_ms, camera, record.offset, record.value)):
            finished[record.place] = before
        ROWS.labels("written").inc()

    def _over(self) -> Mapping[Place, int]:
        """Finish the files of hours that are over; return the offsets to read next."""
        done = {}
        for place, writer in self._writers.items():
            if writer.hour_ms is None or self._clock() < writer.hour_ms + HOUR_MS + IDLE_MS:
                continue
            if writer.finish() is not None:
                done[place] = writer.next_offset
        return done

    def _again(self, consumer: Consumer) -> None:
        """Go back to what is committed: a draft that could not be written is begun anew."""
        for place, writer in self._writers.items():
            writer.abandon()
            try:
                committed = consumer.committed(place)
                consumer.seek(place, committed if committed is not None else consumer.begins([place])[place])
            except BusError as error:
                log.warning("archive.cannot_go_back", partition=place[1], error=str(error))
                return
        self._writers = {}

    def _prune(self) -> None:
        """Remove files that are too old, once an hour."""
        now = self._clock()
        if now - self._pruned_ms < HOUR_MS:
            return
        self._pruned_ms = now
        removed = prune(self._folder, now - int(self._settings.archive.keep_days * DAY_MS))
        FILES.labels("removed").inc(removed)


def prune(folder: Path, before_ms: int) -> int:
    """Remove the files of hours that ended before a time; return how many."""
    old = [file for file in hour_files(folder) if file.hour_ms + HOUR_MS <= hour_of(before_ms)]
    for file in old:
        file.path.unlink(missing_ok=True)
    for day in {file.path.parent for file in old}:
        if not any(day.iterdir()):
            day.rmdir()
    return len(old)


def run(
    settings: Settings,
    registry: Registry,
    stop: threading.Event,
    report: Report = no_report,
    clock: Clock = now_ms,
) -> None:
    """Run the archiver until `stop` is set."""
    Worker(settings, stop, report, clock).loop()
