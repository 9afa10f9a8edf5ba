"""Small text recognisers by PyTorch, with what its own decoding, CTC loss and autograd say of them: test/text/references.

    python scripts/text/references.py [OUT]
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

from network import Crnn

ROOT = Path(__file__).resolve().parents[2]
CLASSES = 7


class TimeFirst(nn.Module):
    """[T, n, C], as torch.nn.LSTM and the CTC loss have it, with the blank last."""

    def __init__(self):
        super().__init__()
        self.net = Crnn(CLASSES, width=4)

    def forward(self, x):
        return self.net(x).transpose(0, 1)


class Plain(nn.Module):
    """A fully convolutional head with its softmax, in colour: PaddleOCR's form."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, (4, 2), 1), nn.Hardswish(), nn.Conv2d(8, 8, 3, (4, 2), 1), nn.Hardswish(), nn.AvgPool2d((2, 1))
        )
        self.scores = nn.Linear(8, CLASSES)

    def logits(self, x):
        return self.scores(self.net(x).squeeze(2).transpose(1, 2))

    def forward(self, x):
        return self.logits(x).softmax(-1)


class Attention(nn.Module):
    """A query for each character of the text, over all places (as PARSeq without its iterations); class 0 ends the text."""

    def __init__(self, longest=6, size=16):
        super().__init__()
        self.patches = nn.Conv2d(1, size, 8, 8)
        self.queries = nn.Parameter(torch.randn(1, longest, size))
        self.reads = nn.MultiheadAttention(size, 2, batch_first=True)
        self.scores = nn.Linear(size, CLASSES)

    def forward(self, x):
        seen = self.patches(x).flatten(2).transpose(1, 2)
        said, _ = self.reads(self.queries.expand(x.shape[0], -1, -1), seen, seen, need_weights=False)
        return self.scores(said)


NETS = {
    "crnn": (lambda: Crnn(CLASSES, width=4), 1, "nTC", 0, "ctc"),
    "crnn-time-first": (TimeFirst, 1, "TnC", CLASSES - 1, "ctc"),
    "plain": (Plain, 3, "nTC", 0, "ctc"),
    "attention": (Attention, 1, "nTC", 0, "attention"),
}


def spelled(logits, silent, spelling):
    """Classes and steps of the characters, by the best class of each step."""
    best = logits.argmax(-1).tolist()
    if spelling == "attention":
        end = best.index(silent) if silent in best else len(best)
        return best[:end], list(range(end))
    chances, runs = logits.softmax(-1), []
    for step, c in enumerate(best):
        if c != silent and step and best[step - 1] == c:
            runs[-1].append(step)
        elif c != silent:
            runs.append([step])
    return [best[run[0]] for run in runs], [max(run, key=lambda t: chances[t, best[t]].item()) for run in runs]


def probability(logits, text, silent, spelling):
    if spelling == "ctc":
        said = logits.log_softmax(-1)[:, None]
        loss = F.ctc_loss(said, torch.tensor([text]), torch.tensor([len(said)]), torch.tensor([len(text)]), silent, "sum")
        return (-loss).exp().item()
    path = text + [silent] if len(text) < len(logits) else text
    return torch.stack([logits.softmax(-1)[t, c] for t, c in enumerate(path)]).prod().item()


def stripped(file):
    """Leaves out what the newer exporter notes of this machine."""
    model = onnx.load(file)
    for graph in [model.graph, *model.functions]:
        for part in [*graph.node, *graph.value_info, graph]:
            del part.metadata_props[:]
    del model.metadata_props[:]
    onnx.save(model, file)


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "test/text/references"
    out.mkdir(parents=True, exist_ok=True)
    references = {}
    for name, (make, channels, order, silent, spelling) in NETS.items():
        for seed in range(100):
            torch.manual_seed(seed)
            net = make().double().eval()
            for part in net.modules():
                if isinstance(part, nn.Linear):
                    nn.init.normal_(part.weight, std=2)
                if isinstance(part, nn.BatchNorm2d):
                    part.running_mean.normal_()
                    part.running_var.uniform_(0.5, 2)
            x = torch.randn(1, channels, 32, 64, dtype=torch.float64).float().double().requires_grad_()
            found = net.logits(x) if hasattr(net, "logits") else net(x)
            logits = found[0] if order == "nTC" else found[:, 0]
            text, steps = spelled(logits, silent, spelling)
            # Two equal characters with nothing between them, and some others: what a decoder can get wrong.
            if 3 <= len(text) <= 6 and len(set(text)) > 1:
                break
        else:
            raise SystemExit(f"{name}: no seed spells a text")
        at = len(text) - 1
        (gradient,) = torch.autograd.grad(logits[steps[at], text[at]], x)
        np.save(out / f"{name}.npy", np.stack([x.detach()[0].numpy(), gradient[0].numpy()]).astype(np.float32))
        single = net.float()
        for exporter in ("older", "newer"):
            file = out / f"{name}.{exporter}.onnx"
            torch.onnx.export(
                single, (x.detach().float(),), str(file), dynamo=exporter == "newer", opset_version=18,
                input_names=["line"], output_names=["scores"], **({"external_data": False} if exporter == "newer" else {}),
            )
            stripped(file)
        references[name] = {
            "spelling": spelling, "silent": silent, "classes": CLASSES, "text": text, "steps": steps,
            "probability": probability(logits.detach(), text, silent, spelling),
            "characters": [logits.softmax(-1)[t, c].item() for t, c in zip(steps, text)],
        }
        print(name, references[name])
    (out / "references.json").write_text(json.dumps(references, indent=1) + "\n")


if __name__ == "__main__":
    main()
