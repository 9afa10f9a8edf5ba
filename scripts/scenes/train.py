"""Train the bundled scene models: a trunk, and one or several of the captioners and the answerer on it.

    npm run build
    node scripts/scenes/write.mjs DATA/train --first 1000000 --count 60000
    node scripts/scenes/write.mjs DATA/tune --first 500000 --count 1000
    python scripts/scenes/train.py DATA CHECKPOINT --heads recurrent [--steps N]

The learning rate is constant, and falls to zero over the last third of the steps. The checkpoint is written every 100 steps; a
second call goes on from it.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from networks import CHANNELS, GRID, PROPERTIES, Answerer, Comparer, Namer, RecurrentCaptioner, TransformerCaptioner, Trunk

BATCH, QUESTIONS = 64, 4
RATE, DECAY = 2e-3, 1 / 3
#: How often each head draws questions of each kind: colour, shape, existence, count, relation, comparison.
PREFERENCE = {"answerer": np.array([2, 2, 2, 2, 4, 4]), "comparer": np.array([0.3, 0.3, 0.3, 0.3, 4, 4])}
#: The first kind of question that compares two objects.
COMPARING = 4
#: How strongly the comparer is kept from having a say in questions of the other kinds.
QUIET = 0.1
#: How strongly a captioner's last map is kept from saying anything where nothing need be said.
SPARSE = 0.01


class Scenes:
    """The data set that scripts/scenes/write.mjs wrote."""

    def __init__(self, directory):
        self.world = json.loads((directory / "world.json").read_text())
        count, side = self.world["count"], self.world["side"]
        load = lambda name, *shape: np.memmap(directory / f"{name}.u8", np.uint8, "r", shape=(count, *shape))
        self.count = count
        self.pictures = load("pictures", side, side, 3)
        self.captions = load("captions", self.world["captionLength"])
        self.questions = load("questions", self.world["questionCount"], self.world["questionLength"])
        self.answers = load("answers", self.world["questionCount"])
        self.kinds = load("kinds", self.world["questionCount"])
        self.objects = load("objects", 4, 4)
        self.directory = directory
        self.known = None

    def pixel_values(self, rows):
        pixels = torch.from_numpy(np.ascontiguousarray(self.pictures[rows]))
        return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1

    @torch.no_grad()
    def see(self, trunk):
        """Computes the grids of every picture once, for heads that learn on a trunk that no longer changes."""
        file = self.directory / "grids.f16"
        if not file.exists():
            trunk.eval()
            with open(file.with_suffix(".part"), "wb") as out:
                for first in range(0, self.count, 64):
                    grids = trunk(self.pixel_values(np.arange(first, min(first + 64, self.count))))
                    out.write(grids.half().numpy().tobytes())
            os.replace(file.with_suffix(".part"), file)
        self.known = np.memmap(file, np.float16, "r", shape=(self.count, CHANNELS, GRID, GRID))

    def grid(self, rows, trunk):
        if self.known is None:
            return trunk(self.pixel_values(rows))
        return torch.from_numpy(np.ascontiguousarray(self.known[rows])).float()


class Phrases:
    """Which object a question's phrases name: a label for what the words that end them look for, never for where it is."""

    def __init__(self, vocabulary):
        #: Of each word the shape, colour, size and texture that it says, 1 + index; 0 where it says nothing of it.
        said = [
            ["circle", "square", "triangle", "cross", "star"],
            ["red", "green", "blue", "yellow", "purple", "white"],
            ["small", "big"],
            ["plain", "striped", "dotted"],
        ]
        self.says = np.array([[words.index(word) + 1 if word in words else 0 for words in said] for word in vocabulary])
        self.noun = np.array([word == "object" or word in said[0] for word in vocabulary])
        self.adjective = self.says.any(1) & ~self.noun

    def named(self, questions, objects):
        """questions [m, length], objects [m, 4, 4] -> whether a word ends the name of one object [m, length], and its properties."""
        said = self.says[questions]
        for i in range(1, questions.shape[1]):
            said[:, i] += said[:, i - 1] * self.adjective[questions[:, i - 1], None]
        said, objects = said[:, :, None], objects[:, None]
        fit = ((said == 0) | (said == objects)).all(3) & (objects[..., 0] > 0)
        one = self.noun[questions] & (fit.sum(2) == 1)
        return one, np.take_along_axis(objects, fit.argmax(2)[:, :, None, None], 2)[:, :, 0]


def integers(values):
    return torch.from_numpy(np.ascontiguousarray(values)).long()


def some(weights, count, random):
    """For each row `count` different columns, drawn by their weights (Efraimidis and Spirakis 2006)."""
    return np.argsort(-(random.random(weights.shape) ** (1 / weights)), 1)[:, :count]


def asked(data, rows, head, random):
    """Questions of the rows' pictures: ids [m, length], answers, kinds, and the index in `rows` of the picture each is about."""
    chosen = rows[:, None], some(PREFERENCE[head][data.kinds[rows]], QUESTIONS, random)
    owner = np.arange(len(rows)).repeat(QUESTIONS)
    questions = data.questions[chosen].reshape(len(owner), -1)
    # A row of padding is a question that could not be asked.
    there = questions[:, 0] != 0
    return questions[there], data.answers[chosen].flatten()[there], data.kinds[chosen].flatten()[there], owner[there]


class Learner(nn.Module):
    """The trunk, the heads that learn on it, and the namer that helps."""

    def __init__(self, world, heads):
        super().__init__()
        words = len(world["vocabulary"])
        make = {
            "recurrent": lambda: RecurrentCaptioner(words),
            "transformer": lambda: TransformerCaptioner(words),
            "answerer": lambda: Answerer(words, len(world["answers"])),
            "comparer": lambda: Comparer(words),
        }
        self.trunk = Trunk()
        self.namer = Namer()
        self.heads = nn.ModuleDict({name: make[name]() for name in heads})
        if "comparer" in heads:
            self.phrases = Phrases(world["vocabulary"])

    def take_trunk(self, checkpoint):
        saved = torch.load(checkpoint, weights_only=True)["network"]
        learned = {name: value for name, value in saved.items() if not name.startswith("heads.")}
        self.load_state_dict(learned, strict=False)

    def losses(self, data, rows, random):
        grid = data.grid(rows, self.trunk)
        losses = {}
        if data.known is None:
            labels = self.namer.labels(integers(data.objects[rows]))
            losses["names"] = 3 * F.binary_cross_entropy_with_logits(self.namer(grid), labels)
        words = integers(data.captions[rows])
        for name in {"recurrent", "transformer"} & set(self.heads):
            with torch.autocast("cpu", torch.bfloat16):
                seen = self.heads[name].relations(grid)
                logits = self.heads[name](seen, words[:, :-1])
            losses[name] = F.cross_entropy(logits.float().flatten(0, 1), words[:, 1:].flatten(), ignore_index=0)
            losses[f"{name} sparse"] = SPARSE * seen.float().mean()
        if "answerer" in self.heads:
            questions, answers, _, owner = asked(data, rows, "answerer", random)
            logits = self.heads["answerer"](grid, integers(questions), integers(owner))
            losses["answerer"] = F.cross_entropy(logits, integers(answers))
        if "comparer" in self.heads:
            losses |= self.comparer_losses(data, rows, grid, random)
        return losses

    def comparer_losses(self, data, rows, grid, random):
        questions, answers, kinds, owner = asked(data, rows, "comparer", random)
        verdicts, finds = self.heads["comparer"](grid, integers(questions), integers(owner))
        verdicts, comparing = verdicts.squeeze(1), torch.from_numpy(kinds >= COMPARING)
        yes = torch.from_numpy(answers == data.world["answers"].index("yes")).float()
        # What a phrase's last word finds has the properties of the object that it names: the look is learned by that.
        one, properties = self.phrases.named(questions, data.objects[rows[owner]])
        guesses = finds[torch.from_numpy(one)].split(PROPERTIES, 1)
        truths = integers(properties[one]).unbind(1)
        return {
            "comparer": F.binary_cross_entropy_with_logits(verdicts[comparing], yes[comparing]),
            "quiet": QUIET * (verdicts * ~comparing).square().sum() / (~comparing).sum().clamp(min=1),
            "phrases": sum(F.cross_entropy(guess, truth - 1) for guess, truth in zip(guesses, truths)) / len(PROPERTIES),
        }

    @torch.no_grad()
    def right(self, data, count=500):
        """Share of right answers of each kind that the head answers, on the tuning scenes."""
        self.eval()
        hits = {}
        for first in range(0, count, 100):
            rows = np.arange(first, first + 100)
            grid = data.grid(rows, self.trunk)
            for q in range(data.questions.shape[1]):
                questions, kinds = integers(data.questions[rows, q]), data.kinds[rows, q]
                there = questions[:, 0].numpy() != 0
                if "answerer" in self.heads:
                    given = self.heads["answerer"](grid, questions).argmax(1).numpy()
                else:
                    given = self.heads["comparer"](grid, questions)[0].squeeze(1).numpy() > 0
                    there &= kinds >= COMPARING
                for kind in np.unique(kinds[there]):
                    right = given == data.answers[rows, q]
                    hits.setdefault(data.world["kinds"][kind], []).extend(right[there & (kinds == kind)])
        self.train()
        return {kind: round(float(np.mean(values)), 3) for kind, values in hits.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--heads", nargs="*", default=[], choices=["recurrent", "transformer", "answerer", "comparer"], help="none: the trunk alone")
    parser.add_argument("--trunk", type=Path, help="another checkpoint, whose trunk to start from")
    parser.add_argument("--frozen", action="store_true", help="the trunk does not change: each picture is seen once")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    data, tune = Scenes(options.data / "train"), Scenes(options.data / "tune")
    network = Learner(data.world, options.heads)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))
    step = 0
    if options.trunk:
        network.take_trunk(options.trunk)
    if options.checkpoint.exists():
        saved = torch.load(options.checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        step = saved["step"]

    if options.frozen:
        for part in (data, tune):
            part.see(network.trunk)
    started, first, mean = time.time(), step, {}
    while step < options.steps:
        random = np.random.default_rng([1, step])
        rows = np.sort(random.choice(data.count, BATCH, replace=False))
        left = (options.steps - step) / options.steps
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 200, left / DECAY)
        losses = network.losses(data, rows, random)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimiser.step()
        step += 1
        for name, value in losses.items():
            mean[name] = 0.98 * mean.get(name, value.item()) + 0.02 * value.item()
        if step % 50 == 0:
            pace = (time.time() - started) / (step - first)
            shown = " ".join(f"{name} {value:.3f}" for name, value in mean.items())
            print(f"{step}/{options.steps} {shown} {BATCH / pace:.0f} pictures/s, {pace * (options.steps - step) / 60:.0f} min", flush=True)
        if {"answerer", "comparer"} & set(options.heads) and step % 500 == 0:
            print(f"{step} right answers: {network.right(tune)}", flush=True)
        if step % 100 == 0 or step == options.steps:
            state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
            partial = options.checkpoint.with_suffix(".part")
            torch.save(state, partial)
            os.replace(partial, options.checkpoint)


if __name__ == "__main__":
    main()
