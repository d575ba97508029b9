"""What the broker keeps in its folder besides topics: the lock, the cluster and boot ids, and the next producer id."""

import fcntl
import os
import resource
import time
import uuid
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BLOCK = 1000


class LockedError(RuntimeError):
    """Another process serves this folder."""


class FolderLock:
    """Holds a folder for one process by flock; the lock goes when the process does, however it ends.

    Raises:
        LockedError: another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise LockedError(f"{folder}: another embedded broker is running on this folder") from error

    def release(self) -> None:
        """Let the folder go."""
        self._file.close()


def write_atomically(path: Path, text: str, durable: bool = False) -> None:
    """Replace a small file as a whole.

    Args:
        path: the file.
        text: its new content.
        durable: wait for the disk, for what must be whole after a power cut too.

    Raises:
        OSError: the file system refuses.
    """
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)


def cluster_id(folder: Path) -> str:
    """The id of this broker's data, made on the first start."""
    path = folder / "cluster"
    if not path.exists():
        write_atomically(path, uuid.uuid4().hex, durable=True)
    return path.read_text(encoding="utf-8").strip()


def machine_rebooted(folder: Path) -> bool:
    """Whether the machine was started anew since the last call for this folder: page cache may have been lost."""
    path = folder / "boot"
    current = BOOT_ID.read_text(encoding="utf-8").strip() if BOOT_ID.exists() else "unknown"
    last = path.read_text(encoding="utf-8").strip() if path.exists() else current
    write_atomically(path, current)
    return last != current


class ProducerIds:
    """Producer ids never given out before, also not by an earlier run; recorded in blocks to save writes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "producers"
        try:
            self._next = self._end = int(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            # Far above every counter: a number given out again would make a new producer's records look like old ones.
            self._next = self._end = time.time_ns() // 1000

    def take(self) -> int:
        """Return a new id.

        Raises:
            OSError: the next block could not be recorded.
        """
        if self._next >= self._end:
            write_atomically(self._path, str(self._end + BLOCK), durable=True)
            self._end += BLOCK
        self._next += 1
        return self._next - 1


def raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
