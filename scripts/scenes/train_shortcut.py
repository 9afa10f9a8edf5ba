"""Train the pair of classifiers of models/scenes-shortcut/: one on biased data, one on balanced data, and the same otherwise.

    npm run build
    node scripts/scenes/write-shortcut.mjs DATA/train --first 1000000 --count 12000
    node scripts/scenes/write-shortcut.mjs DATA/tune --first 500000 --count 1000
    python scripts/scenes/train_shortcut.py DATA [--steps N] [--out models]

The question is which shape the one big object has. In biased data the mark in a corner tells it; in balanced data, which are the
same scenes, the mark's colour is drawn at random. Both networks begin with the same weights and see the same scenes in the same order.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from export import Recipe, preprocessor
from model_files import write_json, write_onnx, write_sums
from networks import Trunk

BATCH, RATE = 64, 3e-3
WIDTHS, STRIDES = (16, 32, 64, 64, 64), (2, 2, 2, 1, 1)
#: What the mark tells in the data of each network.
MARKS = {"biased": "right", "balanced": "random"}


class Shapes(nn.Module):
    """pixel_values [n, 3, 96, 96] -> logits [n, 5]: convolutions, their mean over places, a linear layer."""

    def __init__(self, classes):
        super().__init__()
        self.trunk = Trunk(WIDTHS, STRIDES)
        self.classifier = nn.Linear(WIDTHS[-1], classes)

    def forward(self, pixels):
        return self.classifier(self.trunk(pixels).mean((2, 3)))


class Data:
    """What scripts/scenes/write-shortcut.mjs wrote."""

    def __init__(self, directory):
        self.world = json.loads((directory / "world.json").read_text())
        side, self.count = self.world["side"], self.world["count"]
        self.pictures = {
            cue: np.memmap(directory / f"{cue}.u8", np.uint8, "r", shape=(self.count, side, side, 3))
            for cue in ("right", "wrong", "random")
        }
        self.shapes = torch.from_numpy(np.fromfile(directory / "shapes.u8", np.uint8)).long()

    def pixel_values(self, cue, rows):
        pixels = torch.from_numpy(np.ascontiguousarray(self.pictures[cue][rows]))
        return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def accuracy(network, data):
    """Share of right answers by what the mark tells."""
    network.eval()
    right = lambda cue, rows: (network(data.pixel_values(cue, rows)).argmax(1) == data.shapes[rows]).float()
    batches = np.split(np.arange(data.count), range(250, data.count, 250))
    shares = {cue: torch.cat([right(cue, rows) for rows in batches]).mean().item() for cue in data.pictures}
    network.train()
    return " ".join(f"{cue} {share:.3f}" for cue, share in shares.items())


def train(name, data, tune, steps):
    torch.manual_seed(0)
    network = Shapes(len(data.world["shapes"]))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    for step in range(steps):
        random = np.random.default_rng([1, step])
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50, 2 * (steps - step) / steps)
        rows = np.sort(random.choice(data.count, BATCH, replace=False))
        batch = data.pixel_values(MARKS[name], rows)
        # A mirrored shape has the same name.
        for axis in (2, 3):
            batch = batch.flip(axis) if random.random() < 0.5 else batch
        loss = F.cross_entropy(network(batch), data.shapes[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % 100 == 0:
            print(f"{name} {step + 1}/{steps} loss {loss.item():.3f}, tuning scenes by what the mark tells: {accuracy(network, tune)}", flush=True)
    return network.eval()


def write(directory, network, world):
    torch.manual_seed(0)
    pixels = torch.rand(2, 3, world["side"], world["side"]) * 2 - 1
    whole = Recipe(network, network=network)
    write_onnx(directory / "model.onnx", whole, {"pixel_values": pixels}, ["logits"], {"pixel_values": {0: "batch"}, "logits": {0: "batch"}}, "grid")
    labels = {str(i): shape for i, shape in enumerate(world["shapes"])}
    config = {"model_type": "cnn", "architectures": ["CnnForImageClassification"], "image_size": world["side"], "num_channels": 3, "id2label": labels}
    write_json(directory / "config.json", config)
    write_json(directory / "preprocessor_config.json", preprocessor(world["side"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "models")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data, tune = Data(options.data / "train"), Data(options.data / "tune")
    directory = options.out / "scenes-shortcut"
    for name in MARKS:
        write(directory / name, train(name, data, tune, options.steps), data.world)
    write_sums(directory)


if __name__ == "__main__":
    main()
