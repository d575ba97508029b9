"""Train the flood model and export it: `python scripts/train_flood.py --help`."""

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
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with flood, fire_smoke and brawl"
    )
    p.add_argument("--out", type=Path, default=Path("runs/flood"), help="checkpoints, curves and the prepared data")
    p.add_argument("--index", type=Path, help="prepared data of an earlier run (index.json)")
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--batch", type=int, default=24)
    p.add_argument("--rate", type=float, default=6e-4, help="peak learning rate of the new layers")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    p.add_argument("--threads", type=int, default=1, help="compute threads")
    p.add_argument("--camera", type=float, default=1.0, help="strength of the camera degradations, 0..1")
    p.add_argument("--dry", type=int, default=800, help="dry pictures of the other sets an epoch")
    p.add_argument("--drawn", type=float, default=0.4, help="share of these that are put under drawn water, 0..1")
    p.add_argument("--wet", type=float, default=0.35, help="share of dry streets made wet as by rain, 0..1")
    p.add_argument("--start", type=Path, help="begin with the averaged weights of this checkpoint")
    p.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    return p


def main() -> None:
    """Prepare and train; the export is `python -m scripts.flood.export`."""
    args = parser().parse_args()
    from scripts.flood.feed import Recipe
    from scripts.flood.prepare import prepare
    from scripts.flood.trainer import Plan, Trainer

    args.out.mkdir(parents=True, exist_ok=True)
    index = args.index or prepare(args.data, args.out)
    plan = Plan(
        index=index,
        out=args.out,
        epochs=args.epochs,
        batch=args.batch,
        rate=args.rate,
        seed=args.seed,
        device=args.device,
        start=args.start,
        threads=args.threads,
        recipe=Recipe(camera=args.camera, dry=args.dry, drawn=args.drawn, wet=args.wet),
    )
    Trainer(plan, args.resume).run()


if __name__ == "__main__":
    main()
