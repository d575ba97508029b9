"""Any folder of clips as cameras: H.264 and H.265 as they are, other codecs turned into H.264 once and kept."""

import hashlib
import os
import sys
from fractions import Fraction
from pathlib import Path

import av

from pipeline.demo.errors import DemoError
from pipeline.demo.rtsp.nal import BROKEN

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".ts", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".h264", ".h265")
SERVED = ("h264", "hevc")


def find_clips(folder: Path) -> list[Path]:
    """The clips of a folder in order of their names; `DemoError` when there is none or no folder."""
    if not folder.is_dir():
        raise DemoError(f"{folder}: no such folder")
    clips = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not clips:
        raise DemoError(f"{folder}: no clip in it (looked for {', '.join(SUFFIXES)})")
    return clips


def codec_of(path: Path) -> str:
    """Codec of the first video stream; `DemoError` naming the file when there is none."""
    try:
        with av.open(str(path)) as container:
            # A damaged header leaves a stream without a decoder, whatever the type stubs promise.
            if container.streams.video and (context := container.streams.video[0].codec_context):
                return context.name
    except BROKEN as error:
        raise DemoError(f"{path}: cannot be opened: {error}") from error
    raise DemoError(f"{path}: no video that can be decoded")


def ready_path(path: Path, cache: Path) -> Path:
    """Where the H.264 form of a clip is kept: named by the file's path, size and time of change."""
    about = path.stat()
    key = hashlib.sha256(f"{path.resolve()}|{about.st_size}|{about.st_mtime_ns}".encode()).hexdigest()[:16]
    return cache / "clips" / f"{key}.mp4"


def transcode(source: Path, target: Path) -> None:
    """Turn any video into H.264 with a keyframe each second; frames that cannot be decoded are left out.

    Raises `DemoError` when nothing of it can be decoded.
    """
    codec_of(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.stem}.{os.getpid()}.mp4")
    try:
        if not _encode(source, draft):
            raise DemoError(f"{source}: no picture of it can be decoded")
        draft.replace(target)
    except BROKEN as error:
        raise DemoError(f"{source}: cannot be turned into H.264: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _encode(source: Path, draft: Path) -> int:
    """Decode and encode; returns the number of frames."""
    count = 0
    with av.open(str(source)) as reading, av.open(str(draft), "w", format="mp4") as writing:
        given = reading.streams.video[0]
        rate = Fraction(given.average_rate or 25).limit_denominator(1001)
        options = {"preset": "veryfast", "crf": "23", "bf": "0", "sc_threshold": "0"}
        made = writing.add_stream("libx264", rate=rate, options=options)
        made.width, made.height = given.codec_context.width // 2 * 2, given.codec_context.height // 2 * 2
        made.pix_fmt, made.gop_size = "yuv420p", max(1, round(rate))
        for packet in reading.demux(given):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue  # A broken packet costs its pictures, not the clip.
            for frame in frames:
                shaped = frame.reformat(made.width, made.height, "yuv420p")
                shaped.pts, shaped.time_base = count, 1 / rate
                writing.mux(made.encode(shaped))
                count += 1
        writing.mux(made.encode(None))
    return count


if __name__ == "__main__":
    try:
        transcode(Path(sys.argv[1]), Path(sys.argv[2]))
    except DemoError as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
