"""Extract the features of all bursts once: `python -m scripts.brawl.features --data DIR --out DIR --net a.onnx b.onnx`.

Per backbone, crop and map: six statistics over the burst (see `pooled`), so that heads train in seconds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.detect.brawl.crops import Square, choose, cut
from pipeline.detect.brawl.flow import flow_figures, motion_figures
from pipeline.detect.brawl.motion import measure
from scripts.brawl.clips import Burst, clip_bursts, long_bursts, pick, read_frames

Floats = NDArray[np.float32]


def pooled(maps: Floats) -> Floats:
    """`[T, C, h, w]` -> `[6, C]`: mean, its deviation in time, mean and highest change, change over 4, bend."""
    step = np.abs(np.diff(maps, axis=0))
    mean = maps.mean((2, 3))
    return np.stack(
        [
            mean.mean(0),
            mean.std(0),
            step.mean((0, 2, 3)),
            step.max((2, 3)).mean(0),
            np.abs(maps[4:] - maps[:-4]).mean((0, 2, 3)),
            np.abs(maps[2:] - 2 * maps[1:-1] + maps[:-2]).mean((0, 2, 3)),
        ]
    )


def moved(square: Square, jitter: tuple[float, float, float]) -> Square:
    """Return a crop beside the chosen one, in shares of its side."""
    x, y, scale = jitter
    return Square(square.x + x * square.side, square.y + y * square.side, square.side * scale)


def main() -> None:
    """Extract and save `bursts.npy` and one array a backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--net", nargs="+", required=True, help="FILE:SIDE, a backbone and the side of its crops")
    parser.add_argument("--kinds", default="plain", help="kinds of bursts, comma separated")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    kinds = args.kinds.split(",")
    bursts = [b for b in clip_bursts(args.data) + long_bursts(args.data) if b.kind in kinds]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    nets = [n.rsplit(":", 1) for n in args.net]
    sessions = [(Path(f).stem, int(s), onnxruntime.InferenceSession(f, options)) for f, s in nets]
    features: dict[str, list[Floats]] = {name: [] for name, _, _ in sessions}
    figures: list[Floats] = []
    began, held = time.time(), ("", ([], 0.0))
    for number, burst in enumerate(bursts):
        if held[0] != burst.file:
            held = burst.file, read_frames(args.data / burst.file)  # type: ignore[assignment]
        pictures = pick(held[1][0], held[1][1], burst)
        one(pictures, burst, sessions, features, figures)
        if number % 100 == 99:
            print(number + 1, len(bursts), round(time.time() - began), flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    tag = "_".join(kinds)
    np.savez(args.out / f"{tag}.npz", figures=np.stack(figures), **{k: np.stack(v) for k, v in features.items()})
    np.save(args.out / f"{tag}.bursts.npy", np.array(bursts, dtype=object), allow_pickle=True)


def one(
    pictures: list[NDArray[np.uint8]],
    burst: Burst,
    sessions: list[tuple[str, int, onnxruntime.InferenceSession]],
    features: dict[str, list[Floats]],
    figures: list[Floats],
) -> None:
    """Add the features of one burst."""
    motion = measure(pictures)
    height, width = pictures[0].shape[:2]
    squares = [moved(s, burst.jitter) for s in choose(motion, height, width)]
    crops = np.stack([cut(pictures, s, 128) for s in squares])
    figures.append(np.concatenate([motion_figures(motion), *(flow_figures(c) for c in crops)]))
    for name, side, session in sessions:
        sized = crops if side == 128 else np.stack([cut(pictures, s, side) for s in squares])
        x = sized.reshape(-1, side, side, 3).transpose(0, 3, 1, 2).astype(np.float32)
        maps = session.run(None, {"x": x})
        parts = [np.stack([pooled(m) for m in f.reshape(3, -1, *f.shape[1:])]) for f in maps]
        features[name].append(np.concatenate(parts, 2).astype(np.float16))


if __name__ == "__main__":
    main()
