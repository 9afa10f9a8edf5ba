"""Write test/detect/levels/: a detector whose levels read each other, and LayerCAM of its boxes at each level by PyTorch's autograd.

    pip install -r scripts/requirements.txt
    python scripts/detector/reference_levels.py [--out test/detect/levels]
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from reference_case import Case, check, draw, export, prepared
from reference_heads import ULTRALYTICS, WIDTH, Dense, Distances, Levels, kept

#: Where the places of each level begin: a box of each is asked about, the best.
STARTS = (0, 64, 80, 84)


class Pyramid(Levels):
    """The levels once more from coarse to fine, and from fine to coarse (arXiv 1803.01534), so that each depends on all maps of the trunk."""

    def __init__(self):
        super().__init__()
        self.up = nn.ModuleList(nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.down = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, 2, 1) for _ in range(2))
        self.join = nn.ModuleList(nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1) for _ in range(2))

    def forward(self, x):
        fine, middle, coarse = super().forward(x)
        double = lambda y: F.interpolate(y, scale_factor=2, mode="nearest")
        above = F.silu(self.up[0](torch.cat([double(coarse), middle], 1)))
        first = F.silu(self.up[1](torch.cat([double(above), fine], 1)))
        second = F.silu(self.join[0](torch.cat([F.silu(self.down[0](first)), above], 1)))
        third = F.silu(self.join[1](torch.cat([F.silu(self.down[1](second)), coarse], 1)))
        self.given = [first, second, third]
        return self.given


def layer_cams(body, images, kind, cell):
    """LayerCAM of a class's logit at a cell, at each level that it depends on; None for others."""
    logit = body.logits(images)[0, kind, cell]
    given = body.levels.given
    gradients = torch.autograd.grad(logit, given, allow_unused=True)
    return [g if g is None else (F.relu(g) * a).sum(1)[0].relu().detach() for g, a in zip(gradients, given)]


def joined(maps):
    """Each divided by its maximum, on the finest grid, and the maximum of all."""
    divided = [m / m.max() for m in maps if m is not None and m.max() > 0]
    return torch.stack([F.interpolate(m[None, None], maps[0].shape, mode="bilinear", align_corners=False)[0, 0] for m in divided]).amax(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "test/detect/levels")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images, picture = prepared()
    body = Distances(1)
    body.levels = Pyramid()
    draw(body, 13).settle(images, 20)
    module = Dense(body)
    out = module(images)[0].T
    found, rows = kept(out[:, :4], *out[:, 4:].max(1))
    case = Case("levels", "", module, {"images": images}, {"input": "images", **picture}, ["output0"], found, {}, metadata=ULTRALYTICS)
    body.levels.given = None
    data = export(case, False).SerializeToString(deterministic=True)
    print(f"{len(data) / 1e3:.0f} kB, {len(rows)} boxes, differs by {check(case, data):.0e}")
    boxes = []
    said = list(enumerate(zip(found.classes.tolist(), rows.tolist())))
    for first, end in zip(STARTS, STARTS[1:]):
        index, (kind, cell) = next(one for one in said if first <= one[1][1] < end)
        maps = layer_cams(body, images, kind, cell)
        number = lambda m: None if m is None else [float(f"{v:.6g}") for v in m.flatten().tolist()]
        boxes.append({"box": index, "class": kind, "levels": [number(m) for m in maps], "joined": number(joined(maps))})
        print(index, kind, cell, [m is not None and f"{m.max():.2e}" for m in maps])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "model.onnx").write_bytes(data)
    (options.out / "levels.json").write_text("[\n" + ",\n".join(json.dumps(box) for box in boxes) + "\n]\n")


if __name__ == "__main__":
    main()
