"""Exports networks with branches and loops from PyTorch, with what its autograd says of them: python make_goldens.py
Needs what scripts/requirements.txt names. Weights are random and seeded. Gradients are those of sum(seed * output), in double
precision; of the classifier also Grad-CAM at the activation in front of the branch."""

import json
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
here = Path(__file__).parent


class HeadBySize(nn.Module):
    """A classifier as for pictures of any size: small ones are pooled as they are, large ones go through one more stage."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU())
        self.stage = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
        self.small = nn.Linear(8, 5)
        self.large = nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.stem(x)
        if features.size(2) > 8:
            scores = self.large(self.stage(features).mean((2, 3)))
        else:
            scores = self.small(features.mean((2, 3)))
        return scores


class ByBrightness(nn.Module):
    """Branches on what the picture holds, one inside the other."""

    def __init__(self):
        super().__init__()
        self.dark = nn.Linear(6, 4)
        self.bright = nn.Linear(6, 4)
        self.shift = nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.mean() > 0:
            h = torch.sigmoid(self.bright(x))
            if h.max() > 0.8:
                h = h * self.shift
        else:
            h = torch.tanh(self.dark(x)) + self.shift
        return h * h


class Steps(nn.Module):
    """A recurrent network written as a loop; how many steps it makes, the width of its input says."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x
        for i in range(x.size(1) - 2):
            h = torch.tanh(self.cell(h)) + x * float(i)
        return h


class While(nn.Module):
    """Goes on until what it computes is large."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(6) + 1.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        while bool(x.abs().max() < 4):
            x = x * self.w
        return torch.sin(x)


class Cond(nn.Module):
    """torch.cond, as torch.export has it."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 4)
        self.b = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda x: torch.tanh(self.a(x)), lambda x: self.b(x) ** 2, (x,))


class WhileLoop(nn.Module):
    """torch's while_loop, as torch.export has it: three steps."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(6) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from torch._higher_order_ops.while_loop import while_loop

        def step(i, h):
            return i + 1, torch.sin(h * self.w)

        return while_loop(lambda i, _: i.sum() < 3, step, (torch.zeros(1, dtype=torch.int64), x.clone()))[1]


class ScanRows(nn.Module):
    """A running state over the rows, by torch's scan."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 6) / 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from torch._higher_order_ops.scan import scan

        def step(h, row):
            h = torch.tanh(h @ self.w + row)
            return h, h * row

        last, ys = scan(step, torch.zeros(6, dtype=x.dtype), x, dim=0)
        return ys + last


def flat(t):
    return [float(f"{v:.7g}") for v in t.detach().flatten().tolist()]


def case(module, x):
    seed = torch.randn(module(x).shape)
    module.double()
    leaf = x.double().requires_grad_()
    y = module(leaf)
    wanted = {"x": leaf, **dict(module.named_parameters())}
    found = torch.autograd.grad((y * seed.double()).sum(), list(wanted.values()), allow_unused=True)
    # Autograd gives nothing for what the branch that was taken does not read: zeros.
    gradients = {n: flat(torch.zeros_like(t) if g is None else g) for (n, t), g in zip(wanted.items(), found)}
    values = {"dims": list(x.shape), "x": flat(x), "seed": flat(seed), "y": flat(y), "gradients": gradients}
    module.float()
    return values


def grad_cam(module, x, target):
    """Selvaraju et al., equations 1 and 2, at the stem's last activation."""
    kept = []
    handle = module.stem.register_forward_hook(lambda _, __, out: kept.append(out))
    score = module(x)[0, target]
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    cam = torch.relu((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1))[0]
    return {"target": target, "dims": list(cam.shape), "map": flat(cam)}


def without_remarks(graph):
    """The newer exporter notes where each node comes from, paths of the machine included."""
    for owner in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        owner.doc_string = ""
        del owner.metadata_props[:]
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                without_remarks(inner)


def main():
    """The first input of each is the one that it is exported with."""
    torch.manual_seed(0)
    modules = {
        "head-by-size": (HeadBySize(), [torch.randn(1, 3, 12, 12), torch.randn(1, 3, 24, 24)]),
        "by-brightness": (ByBrightness(), [torch.randn(3, 6) * 0.3 + m for m in (-1.0, 0.3, 1.5)]),
        "steps": (Steps(), [torch.randn(3, 6)]),
        "while": (While(), [torch.rand(3, 6) + 0.1, torch.rand(3, 6) * 0.01, torch.rand(3, 6) + 4]),
        "cond": (Cond(), [torch.randn(3, 6) - 1, torch.randn(3, 6) + 1]),
        "while-loop": (WhileLoop(), [torch.randn(3, 6)]),
        "scan": (ScanRows(), [torch.randn(5, 6)]),
    }
    goldens = {}
    for name, (module, inputs) in modules.items():
        module.eval()
        file = str(here / f"{name}.onnx")
        names = {"input_names": ["x"], "output_names": ["y"], "opset_version": 18}
        if name in ("cond", "while-loop", "scan"):
            torch.onnx.export(module, (inputs[0],), file, **names, dynamo=True, external_data=False, verbose=False)
        else:
            axes = {0: "n", 2: "h", 3: "w"} if name == "head-by-size" else {0: "n"}
            torch.onnx.export(
                torch.jit.script(module), (inputs[0],), file, **names, dynamic_axes={"x": axes}, dynamo=False
            )
        model = onnx.load(file)
        without_remarks(model.graph)
        onnx.save(model, file)
        cases = [case(module, x) for x in inputs]
        if name == "head-by-size":
            for values, x in zip(cases, inputs):
                values["cams"] = [grad_cam(module, x, target) for target in range(5)]
        goldens[name] = cases
    (here / "goldens.json").write_text(json.dumps(goldens, separators=(",", ":")) + "\n")


main()
