"""The curves of a run as SVG and PNG: `python -m scripts.detector.curves RUN/curves.csv`."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from scripts.detector.negatives import read_csv

PARTS = ("loss", "box", "objectness", "class")


def draw(path: Path) -> list[Path]:
    """Draw losses and learning rate against the step; returns the files written beside `path`."""
    rows = read_csv(path)
    steps = [int(row["step"]) for row in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    for part in PARTS:
        left.plot(steps, [float(row[part]) for row in rows], label=part, linewidth=1)
    left.set(xlabel="step", ylabel="loss per positive anchor", ylim=(0, 8))
    left.legend()
    right.plot(steps, [float(row["rate"]) for row in rows], color="black", linewidth=1)
    right.set(xlabel="step", ylabel="learning rate")
    figure.tight_layout()
    written = [path.with_suffix(suffix) for suffix in (".svg", ".png")]
    for target in written:
        figure.savefig(target, dpi=110)
    pyplot.close(figure)
    return written


def main() -> None:
    """Draw one run."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("curves", type=Path)
    print(*draw(p.parse_args().curves), sep="\n")


if __name__ == "__main__":
    main()
