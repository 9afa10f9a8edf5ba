"""Train a small text recogniser on painted lines.

    python scripts/text/train.py [DATA] [--steps N] [--resume] [--out models/lines-recogniser]

DATA (out/text) takes a checkpoint every 250 steps, from which --resume goes on as if nothing had happened. Then the model is written. At
most half an hour on two cores.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lines import CHARACTERS, HEIGHT, batch, line
from network import Crnn

ROOT = Path(__file__).resolve().parents[2]
BATCH, RATE = 32, 2e-3
#: First seeds of the lines to train on, and of those to look at meanwhile; those of the measure are others (measure.py).
TRAINING, TUNING = 1_000_000, 500_000


def read(logits):
    """Greedy CTC: the best class of each step, repeats and blanks left out."""
    best = logits.argmax(-1)
    return ["".join(CHARACTERS[c - 1] for c, last in zip(row, [0, *row[:-1]]) if c and c != last) for row in best.tolist()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=ROOT / "out/text")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "models/lines-recogniser")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Crnn(len(CHARACTERS) + 1)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    checkpoint, step = options.data / "checkpoint.pt", 0
    if options.resume:
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        step = saved["step"]
    tuning = [line(TUNING + i) for i in range(200)]
    print(f"{sum(p.numel() for p in network.parameters()):,} parameters", flush=True)
    started, first, losses = time.time(), step, []
    while step < options.steps:
        rate = RATE * min(1, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / options.steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        pictures, texts = batch([line(TRAINING + step * BATCH + i) for i in range(BATCH)])
        logits = network.train()(torch.from_numpy(pictures))
        lengths = torch.tensor([len(text) for text in texts])
        steps = torch.full((BATCH,), logits.shape[1])
        said = logits.log_softmax(-1).transpose(0, 1)
        loss = F.ctc_loss(said, torch.tensor(sum(texts, [])), steps, lengths, zero_infinity=True)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5)
        optimiser.step()
        step += 1
        losses.append(loss.item())
        if step % 250 == 0 or step == options.steps:
            state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
            network.eval()
            with torch.no_grad():
                found = [read(network(torch.from_numpy(batch([one])[0])))[0] for one in tuning]
            right = np.mean([text == one[1] for text, one in zip(found, tuning)])
            left = (time.time() - started) / (step - first) * (options.steps - step)
            print(f"{step}/{options.steps} loss {np.mean(losses):.3f}, lines read {right:.3f}, {left / 60:.0f} min left", flush=True)
            losses = []
    write(network.eval(), options.out)


def write(network, out):
    """The ONNX file, of lines of any length, and its characters, beginning with the blank."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "model.onnx"
    torch.onnx.export(
        network, torch.zeros(1, 1, HEIGHT, 128), str(file), dynamo=False, opset_version=17,
        input_names=["line"], output_names=["scores"], dynamic_axes={"line": {0: "n", 3: "w"}, "scores": {0: "n", 1: "steps"}},
    )
    names = {str(c): name for c, name in enumerate(["<blank>", *CHARACTERS])}
    config = {"model_type": "crnn", "architectures": ["CrnnForTextRecognition"], "num_channels": 1, "id2label": names}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
