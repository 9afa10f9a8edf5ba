"""Train the detector of models/scenes-detector/ on scenes, whose objects it finds by their shapes.

    npm run build
    python scripts/detector/train.py [DATA] [--steps N] [--resume] [--out models/scenes-detector]

DATA (out/detector) takes the scenes, which are painted when they are missing, and a checkpoint every 250 steps, from which --resume
goes on as if nothing had happened. Then the model is written.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from boxes import assign, generalised
from data import written
from evaluate import precision
from export import write
from network import Detections, Detector

ROOT = Path(__file__).resolve().parents[2]
BATCH, RATE, DECAY = 16, 2e-3, 0.998
#: First seed and number of the scenes to train on, and of those to look at meanwhile.
TRAINING, TUNING = (1_000_000, 20_000), (500_000, 500)


def loss_of(detector, images, truths):
    """Binary cross entropy of all scores, and 1 - generalised overlap of the boxes that answer for an object."""
    logits, boxes = detector(images)
    targets, owner = assign(logits.detach(), boxes.detach(), detector.centres, truths)
    whole = targets.sum().clamp(min=1)
    at = (owner >= 0).nonzero(as_tuple=True)
    weight = targets.amax(1)[at]
    found = boxes.transpose(1, 2)[at]
    sought = truths[at[0], owner[at], 1:]
    scores = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / whole
    edges = (weight * (1 - generalised(found, sought))).sum() / whole
    return scores + 2 * edges


class Training:
    """Networks, optimiser and the step they are at: what a checkpoint holds. `mean` is the running mean of the weights."""

    def __init__(self, classes, side, steps):
        torch.manual_seed(0)
        self.detector, self.mean = Detector(classes, side), Detector(classes, side)
        self.mean.load_state_dict(self.detector.state_dict())
        self.optimiser = torch.optim.AdamW(self.detector.parameters(), lr=RATE, weight_decay=0.01)
        self.steps, self.step = steps, 0

    @property
    def rate(self):
        return RATE * min(1, (self.step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.step / self.steps)))

    def advance(self, data):
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        # What a step draws depends on its number alone, so that a resumed training draws the same.
        loss = loss_of(self.detector, *data.batch(np.random.default_rng([1, self.step]), BATCH))
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.detector.parameters(), 10)
        self.optimiser.step()
        self.step += 1
        with torch.no_grad():
            kept = min(DECAY, self.step / (self.step + 10))
            for mean, now in zip(self.mean.state_dict().values(), self.detector.state_dict().values()):
                mean.copy_(mean.lerp(now, 1 - kept) if mean.is_floating_point() else now)
        return loss.item()

    def save(self, file):
        parts = {name: getattr(self, name).state_dict() for name in ("detector", "mean", "optimiser")}
        # In one move: a training that is stopped while it writes leaves the checkpoint before.
        torch.save({**parts, "step": self.step, "steps": self.steps}, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)

    def load(self, file):
        saved = torch.load(file, weights_only=True)
        if saved["steps"] != self.steps:
            raise SystemExit(f"{file} is of a training of {saved['steps']} steps: resume it with --steps {saved['steps']}")
        for name in ("detector", "mean", "optimiser"):
            getattr(self, name).load_state_dict(saved[name])
        self.step = saved["step"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=ROOT / "out/detector")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "models/scenes-detector")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data, tuning = written(options.data / "train", *TRAINING), written(options.data / "tune", *TUNING)
    training, checkpoint = Training(len(data.shapes), data.side, options.steps), options.data / "checkpoint.pt"
    if options.resume:
        training.load(checkpoint)
    print(f"{sum(p.numel() for p in training.detector.parameters()):,} parameters", flush=True)
    started, first, losses = time.time(), training.step, []
    while training.step < options.steps:
        losses.append(training.advance(data))
        if training.step % 250 == 0 or training.step == options.steps:
            training.save(checkpoint)
            mean = Detections(training.mean.eval())
            found = precision(lambda rows: mean(tuning.images(rows)), tuning, range(tuning.count))
            left = (time.time() - started) / (training.step - first) * (options.steps - training.step)
            print(f"{training.step}/{options.steps} loss {np.mean(losses):.3f}, tuning mAP@50 {np.mean(found):.3f}, {left / 60:.0f} min left", flush=True)
            losses = []
    write(options.out, training.mean.eval(), data.shapes, data.side)


if __name__ == "__main__":
    main()
