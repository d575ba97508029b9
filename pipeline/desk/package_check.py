"""Checking an evidence package: every file against the manifest, the zip itself against tricks. Nothing is unpacked."""

import hashlib
import json
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

FORMAT = "siaga-evidence/1"
MANIFEST = "manifest.json"
MOST_FILES = 10_000
MOST_BYTES = 8 << 30
MOST_RATIO = 100
MOST_MANIFEST = 16 << 20
CHUNK = 1 << 20


class UnreadableError(Exception):
    """The file is no package that could be checked: not there, no zip, no manifest, or a trap."""


def verify_package(path: Path) -> list[str]:
    """Return what is wrong with a package, one line a problem; empty when it is as it was made.

    Raises:
        UnreadableError: It cannot be checked at all.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive)
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, EOFError) as error:
        raise UnreadableError(f"{path}: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # an unknown compression, an encrypted file
        raise UnreadableError(f"{path}: {error}") from error


def _verify(archive: zipfile.ZipFile) -> list[str]:
    """Check an open zip."""
    entries = archive.infolist()
    problems = _shape(entries)
    names = Counter(entry.filename for entry in entries)
    if names[MANIFEST] != 1:
        raise UnreadableError(f"{MANIFEST}: {'missing' if not names[MANIFEST] else 'stands there more than once'}")
    listed, faults = _listed(archive)
    problems += faults
    problems += [f"{name}: missing" for name in listed if name not in names]
    problems += [f"{name}: extra, not in the manifest" for name in names if name not in listed and name != MANIFEST]
    for entry in entries:
        if entry.filename in listed:
            problems += _content(archive, entry, listed[entry.filename])
    return problems


def _shape(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Return what is wrong with the names; refuse what would be dangerous to read on."""
    if len(entries) > MOST_FILES:
        raise UnreadableError(f"{len(entries)} files, at most {MOST_FILES}")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise UnreadableError(f"more than {MOST_BYTES} bytes when unpacked")
    for entry in entries:
        if entry.file_size > max(1 << 20, entry.compress_size * MOST_RATIO):
            raise UnreadableError(f"{entry.filename}: grows more than {MOST_RATIO} times when unpacked")
    twice = [name for name, n in Counter(entry.filename for entry in entries).items() if n > 1]
    problems = [f"{name}: stands there more than once" for name in twice]
    for entry in entries:
        if _escapes(entry.orig_filename):
            problems.append(f"{entry.orig_filename!r}: leads out of the package")
        if stat.S_ISLNK(entry.external_attr >> 16):
            problems.append(f"{entry.filename}: is a link")
    return problems


def _escapes(name: str) -> bool:
    """Say whether a name is no plain path within the package."""
    parts = name.split("/")
    return not name or "\\" in name or "\0" in name or ":" in parts[0] or "" in parts or ".." in parts or "." in parts


def _listed(archive: zipfile.ZipFile) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the files that the manifest lists, by name, and what is wrong with it."""
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST:
        raise UnreadableError(f"{MANIFEST}: more than {MOST_MANIFEST} bytes")
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (zipfile.BadZipFile, zlib.error):
        return {}, [f"{MANIFEST}: altered (its checksum does not hold)"]
    except ValueError as error:
        raise UnreadableError(f"{MANIFEST}: not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UnreadableError(f"{MANIFEST}: not of the format {FORMAT}")
    files = manifest.get("files")
    if not isinstance(files, list) or not all(_is_line(line) for line in files):
        raise UnreadableError(f"{MANIFEST}: files: not a list of name, bytes and sha256")
    counted = Counter(line["name"] for line in files)
    return {line["name"]: line for line in files}, [
        f"{name}: listed more than once" for name, n in counted.items() if n > 1
    ]


def _is_line(line: Any) -> bool:
    """Say whether a line of the manifest names a file, its bytes and its sha256."""
    return (
        isinstance(line, dict)
        and isinstance(line.get("name"), str)
        and isinstance(line.get("bytes"), int)
        and isinstance(line.get("sha256"), str)
    )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, line: dict[str, Any]) -> list[str]:
    """Compare one file with its line in the manifest."""
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(entry) as member:
            while piece := member.read(CHUNK):
                digest.update(piece)
                size += len(piece)
                if size > line["bytes"]:
                    return [f"{entry.filename}: altered (longer than the {line['bytes']} bytes listed)"]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        return [f"{entry.filename}: altered ({error})"]
    if size != line["bytes"]:
        return [f"{entry.filename}: altered ({size} bytes, {line['bytes']} listed)"]
    if digest.hexdigest() != line["sha256"]:
        return [f"{entry.filename}: altered (sha256 {digest.hexdigest()}, {line['sha256']} listed)"]
    return []
