"""Train the heads of the brawl model on extracted features and export it: `python scripts/train_brawl.py --help`."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Without features: export the backbone for `scripts.brawl.features`. With them: train, measure, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="COCO weights of YOLOX-nano (torch, unfused)")
    parser.add_argument("--backbone", type=Path, help="only write the backbone there")
    parser.add_argument("--features", type=Path, help="folder written by scripts.brawl.features")
    parser.add_argument("--ridge", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "brawl" / "model.onnx")
    args = parser.parse_args()
    from scripts.brawl.network import Backbone, Temporal, export, export_backbone

    if args.backbone:
        export_backbone(args.weights, args.backbone)
        return
    from scripts.brawl.heads import by_clip, cross_validate, figures, fit
    from scripts.brawl.table import read_table, trained_rows

    table = read_table(args.features)
    trained, plain = trained_rows(table), table.kind == "plain"
    logits, folds = cross_validate(table, trained, ridge=args.ridge)
    label, score, _ = by_clip(table, plain, logits[plain, 0])
    head = fit(table, trained & (table.split == "train"), ridge=args.ridge)
    own = head.logits(table.x)[:, 0]
    val = plain & (table.split == "val")
    found = {"cv": figures(label, score), "val": figures(*by_clip(table, val, own[val])[:2])}
    print(json.dumps(found, indent=1))
    export(Temporal(Backbone(args.weights), head, folds), args.out)
    print("sha256", hashlib.sha256(args.out.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
