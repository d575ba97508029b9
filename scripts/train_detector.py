"""Train the fire, smoke and person detector and export it: `python scripts/train_detector.py --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with fire_smoke, brawl and flood"
    )
    p.add_argument(
        "--weights", type=Path, default=ROOT.parent / "shared" / "weights", help="folder with the COCO weights"
    )
    p.add_argument("--out", type=Path, default=Path("runs/detector"), help="checkpoints, curves and the prepared data")
    p.add_argument("--arch", default="yolox_nano", help="yolox_nano, or a model of ultralytics such as yolo11n")
    p.add_argument("--minutes", type=float, default=70.0, help="length of the run; ignored with --epochs")
    p.add_argument("--epochs", type=int, help="length of the run in epochs")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    p.add_argument("--fp32", action="store_true", help="no bfloat16 in the forward pass")
    p.add_argument("--threads", type=int, default=1, help="compute threads; one beside the feeder is best on two cores")
    p.add_argument("--freeze", action="store_true", help="keep the first two stages as they are: faster on a CPU")
    p.add_argument("--start", type=Path, help="begin with the averaged weights of this checkpoint")
    p.add_argument("--polish", action="store_true", help="no mosaics, class targets that rank boxes by their fit")
    p.add_argument("--sizes", default="288,320,320,352", help="sides of the training pictures in px, drawn from")
    p.add_argument("--mosaic-until", type=float, default=0.64, help="share of the run with mosaics, 0..1")
    p.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    p.add_argument("--keep-data", action="store_true", help="use the prepared data of an earlier run as it is")
    return p


def main() -> None:
    """Prepare, train, draw the curves; the export is `python -m scripts.detector.export`."""
    args = parser().parse_args()
    index = args.out / "prepared" / "index.json"
    if not (args.keep_data and index.exists()):
        from scripts.detector.prepare import prepare

        prepare(args.data, args.weights, ROOT / "scripts" / "label_fixes" / "corrections.csv", index.parent)
    if args.arch != "yolox_nano":
        from scripts.detector.ultralytics_path import train_ultralytics

        train_ultralytics(args.arch, index, args.out, args.epochs or 100, args.device, args.seed)
        return
    from scripts.detector.trainer import Plan, Trainer

    plan = Plan(
        index=index,
        weights=args.weights / "yolox_nano_coco_torch_unfused.pth",
        out=args.out,
        minutes=None if args.epochs else args.minutes,
        epochs=args.epochs,
        batch=args.batch,
        rate=args.rate,
        seed=args.seed,
        device=args.device,
        bf16=not args.fp32,
        threads=args.threads,
        freeze=args.freeze,
        start=args.start,
        polish=args.polish,
        sizes=tuple(int(size) for size in args.sizes.split(",")),
        mosaic_until=args.mosaic_until,
    )
    Trainer(plan, args.resume).run()
    from scripts.detector.curves import draw

    print("curves:", *draw(args.out / "curves.csv"))


if __name__ == "__main__":
    main()
