"""The topics of the embedded broker: one folder each, with `topic.json` and a folder per partition."""

import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.bus.embedded import config, storage
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.log import PartitionLog, epoch_ms

logger = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
META = "topic.json"
DELETED = ".deleted-"


@dataclass
class Topic:
    """A topic: its name, its own settings (as Kafka names them) and the logs of its partitions, by number."""

    name: str
    configs: dict[str, str]
    partitions: list[PartitionLog]


class TopicStore:
    """All topics under one folder.

    Args:
        folder: made when missing; topics found in it are opened by `load`.
        limits: bounds on topics and partitions, and defaults of settings.
        clock: epoch ms.
    """

    def __init__(self, folder: Path, limits: Limits, clock: Callable[[], int] = epoch_ms) -> None:
        self.folder = folder
        self._limits = limits
        self._clock = clock
        self.topics: dict[str, Topic] = {}

    def load(self, verify: bool = False) -> None:
        """Open every topic; what a creation or deletion cut short left behind is removed.

        Args:
            verify: scan every segment (needed when the machine went down, not only this process).

        Raises:
            OSError: the folder cannot be read or written.
            ValueError: a `topic.json` is no topic's.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.iterdir()):
            meta = path / META
            if path.name.startswith(DELETED) or not meta.is_file():
                logger.warning("%s: leftover of a topic, removed", path)
                shutil.rmtree(path, ignore_errors=True)
                continue
            try:
                saved = json.loads(meta.read_text(encoding="utf-8"))
                self._open(str(saved["name"]), int(saved["partitions"]), dict(saved["configs"]), verify)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{meta}: not a topic's description ({error})") from error

    def _open(self, name: str, partitions: int, configs: dict[str, str], verify: bool = False) -> Topic:
        kept = config.log_config(configs, self._limits)
        logs = [PartitionLog(self.folder / name / str(n), kept, self._clock, verify) for n in range(partitions)]
        topic = Topic(name, configs, logs)
        self.topics[name] = topic
        return topic

    def _save(self, topic: str, partitions: int, configs: Mapping[str, str]) -> None:
        folder = self.folder / topic
        folder.mkdir(parents=True, exist_ok=True)
        saved = {"name": topic, "partitions": partitions, "configs": dict(configs)}
        storage.write_atomically(folder / META, json.dumps(saved), durable=True)

    def create(
        self, name: str, partitions: int, configs: Mapping[str, str | None], validate_only: bool = False
    ) -> None:
        """Make a topic (`partitions` of -1: one).

        Raises:
            BrokerError: the name, the number of partitions or a setting cannot be used, or the topic is there already.
        """
        count = 1 if partitions == -1 else partitions
        if not NAME.fullmatch(name) or name.strip(".") == "":
            raise BrokerError(Code.INVALID_TOPIC, f"{name[:60]!r} cannot be a topic's name")
        if name in self.topics:
            raise BrokerError(Code.TOPIC_ALREADY_EXISTS, f"topic {name!r} exists")
        self._check_count(count)
        if len(self.topics) >= self._limits.topics:
            raise BrokerError(Code.INVALID_PARTITIONS, f"at most {self._limits.topics} topics")
        settings = config.checked(configs)
        if validate_only:
            return
        try:
            self._save(name, count, settings)
            self._open(name, count, settings)
        except OSError as error:
            raise BrokerError(Code.STORAGE_ERROR, str(error)) from error

    def _check_count(self, count: int) -> None:
        if not 1 <= count <= self._limits.partitions:
            raise BrokerError(
                Code.INVALID_PARTITIONS, f"{count} partitions, between 1 and {self._limits.partitions} can be had"
            )

    def grow(self, name: str, count: int, validate_only: bool = False) -> None:
        """Give a topic more partitions, `count` in all.

        Raises:
            BrokerError: unknown topic, or not more partitions than it has.
        """
        topic = self.require(name)
        self._check_count(count)
        if count <= len(topic.partitions):
            raise BrokerError(Code.INVALID_PARTITIONS, f"{name} has {len(topic.partitions)} partitions already")
        if validate_only:
            return
        kept = config.log_config(topic.configs, self._limits)
        self._save(name, count, topic.configs)
        for number in range(len(topic.partitions), count):
            topic.partitions.append(PartitionLog(self.folder / name / str(number), kept, self._clock))

    def alter(self, name: str, configs: Mapping[str, str | None], validate_only: bool = False) -> None:
        """Change settings of a topic; None sets one back to its default.

        Raises:
            BrokerError: unknown topic or setting.
        """
        topic = self.require(name)
        settings = {
            key: value
            for key, value in {**topic.configs, **config.checked(configs)}.items()
            if configs.get(key, "") is not None
        }
        if validate_only:
            return
        self._save(name, len(topic.partitions), settings)
        topic.configs = settings
        for log in topic.partitions:
            log.config = config.log_config(settings, self._limits)

    def delete(self, name: str) -> None:
        """Remove a topic with its records.

        Raises:
            BrokerError: unknown topic.
        """
        topic = self.require(name)
        del self.topics[name]
        for log in topic.partitions:
            log.retire()
        gone = self.folder / f"{DELETED}{name}"
        shutil.rmtree(gone, ignore_errors=True)
        (self.folder / name).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def require(self, name: str) -> Topic:
        """Return the topic.

        Raises:
            BrokerError: UNKNOWN_TOPIC_OR_PARTITION.
        """
        topic = self.topics.get(name)
        if topic is None:
            raise BrokerError(Code.UNKNOWN_TOPIC_OR_PARTITION, f"no topic {name[:60]!r}")
        return topic

    def log(self, name: str, partition: int) -> PartitionLog | None:
        """Return the log of one partition, or None when there is no such partition."""
        topic = self.topics.get(name)
        if topic is None or not 0 <= partition < len(topic.partitions):
            return None
        return topic.partitions[partition]

    def logs(self) -> list[PartitionLog]:
        """Every partition's log."""
        return [log for topic in self.topics.values() for log in topic.partitions]

    def close(self) -> None:
        """Close all files."""
        for log in self.logs():
            log.close()
