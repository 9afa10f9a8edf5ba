"""Kinds that PyTorch's exporters write: the older one (TorchScript) and the present one (torch.export)."""
from __future__ import annotations

import contextlib
import io
import logging
import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx

from case import Case, kind
from find import last_grid
from net import picture

NEEDS = ("torch", "onnxscript")
HOME = str(pathlib.Path(__file__).parents[2])


def exported(module, inputs, names, dynamo: bool, **more) -> onnx.ModelProto:
    """What torch.onnx.export writes, without its talk."""
    import torch

    logging.disable(logging.WARNING)
    livelier(module)
    module.eval() if not more.pop("train", False) else module.train()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        path = os.path.join(folder, "model.onnx")
        tensors = tuple(torch.from_numpy(v) for v in inputs)
        torch.onnx.export(module, tensors, path, input_names=list(names), dynamo=dynamo, **more)
        return without_places(onnx.load(path))


def livelier(module) -> None:
    """PyTorch's first weights are small: gradients would drown in rounding."""
    import torch

    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2)


def without_places(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stack traces name files of this machine, which are no part of the peculiarity."""
    places = {HOME: "", sys.prefix: "", str(pathlib.Path.home()): ""}
    for node in model.graph.node:
        for entry in node.metadata_props:
            for place, word in places.items():
                entry.value = entry.value.replace(place, word)
        for place, word in places.items():
            node.doc_string = node.doc_string.replace(place, word)
    return model


def seeded(rng) -> None:
    import torch

    torch.manual_seed(int(rng.integers(1 << 30)))
    torch.set_num_threads(1)


def body(rng, width: int = 4):
    """A small convolutional network of one of the usual families, and its input's shape."""
    import torch
    from torch import nn

    seeded(rng)
    act = [nn.SiLU, nn.GELU, nn.Hardswish, nn.Tanh, nn.ELU, nn.Mish, nn.Softplus][int(rng.integers(7))]

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 1, bias=False)
            self.norm = [nn.BatchNorm2d(width), nn.GroupNorm(2, width), nn.InstanceNorm2d(width, affine=True)][int(rng.integers(3))]
            self.act = act()

        def forward(self, x):
            return self.act(self.norm(self.b(self.act(self.a(x)))) + x)

    class Squeeze(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gate, self.act = nn.Conv2d(width, width, 3, padding=1, groups=2), nn.Conv2d(width, width, 1), act()

        def forward(self, x):
            h = self.act(self.conv(x))
            return h * torch.sigmoid(self.gate(h.mean((2, 3), keepdim=True)))

    class Permuted(nn.Module):
        def __init__(self):
            super().__init__()
            self.depthwise, self.norm = nn.Conv2d(width, width, 3, padding=1, groups=width), nn.LayerNorm(width)
            self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
            self.scale = nn.Parameter(torch.ones(width) * 0.7)

        def forward(self, x):
            h = self.down(torch.nn.functional.gelu(self.up(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))))
            return x + (self.scale * h).permute(0, 3, 1, 2)

    class Strided(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.act = nn.Conv2d(width, width, 3, padding=1, stride=int(rng.integers(1, 3))), act()
            self.drop = nn.Dropout2d(0.3)

        def forward(self, x):
            return self.drop(self.act(self.conv(x)))

    block = [Residual, Squeeze, Permuted, Strided][int(rng.integers(4))]()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1, stride=2), act(), block), type(block).__name__


def headed(rng, width: int = 4, classes: int = 4):
    from torch import nn

    net, word = body(rng, width)
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(net, pool, nn.Flatten(), nn.Dropout(0.2), nn.Linear(width, classes)), word


def told(model: onnx.ModelProto, feeds: dict[str, np.ndarray], note: str, **more) -> Case:
    """A classifier of another tool: the layer is what the pool reads, the scores are the last output."""
    layer = more.pop("layer", None) or last_grid(model)
    output = more.pop("output", None) or model.graph.output[0].name
    score = more.pop("score", None) or output
    return Case(model, feeds, next(iter(feeds)), output, score, layer, note=note, **more)


@kind("torch-script", "torch.onnx.export(dynamo=False)", NEEDS)
def torch_script(rng) -> Case:
    net, word = headed(rng)
    x = picture(rng, 1, 3, 10, 10)
    opset = int(rng.integers(9, 21)) if "Permuted" not in word else 17
    dynamic = {"x": {0: "batch"}} if rng.random() < 0.5 else None
    keep = bool(rng.random() < 0.3)
    model = exported(net, [x], ["x"], False, opset_version=opset, dynamic_axes=dynamic, keep_initializers_as_inputs=keep, do_constant_folding=bool(rng.integers(2)))
    return told(model, {"x": x}, f"{word}, operator set {opset}")


@kind("torch-script-old", "torch.onnx.export(dynamo=False)", NEEDS)
def torch_script_old(rng) -> Case:
    """Operator sets 7 and 8, whose imports have no domain."""
    from torch import nn

    seeded(rng)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.Sigmoid(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    x = picture(rng, 1, 3, 11, 11)
    opset = int(rng.integers(7, 9))
    return told(exported(net, [x], ["x"], False, opset_version=opset), {"x": x}, f"operator set {opset}")


@kind("torch-script-jit", "torch.onnx.export(dynamo=False) of torch.jit.script", NEEDS)
def torch_script_jit(rng) -> Case:
    """Control flow of a scripted module: If and Loop."""
    import torch
    from torch import nn

    seeded(rng)

    class Scripted(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1, stride=2), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 4)

        def forward(self, x):
            h = torch.tanh(self.stem(x))
            for _ in range(2):
                h = torch.tanh(self.conv(h))
            if h.size(0) == 1:
                h = h * 1.5
            h = torch.sigmoid(self.conv(h))
            return self.head(h.mean(dim=[2, 3]))

    x = picture(rng, 1, 3, 8, 8)
    dynamic = {"x": {0: "batch"}} if rng.random() < 0.5 else None
    model = exported(torch.jit.script(Scripted().eval()), [x], ["x"], False, opset_version=int(rng.choice([13, 17])), dynamic_axes=dynamic)
    return told(model, {"x": x}, "for and if")


@kind("torch-export", "torch.onnx.export(dynamo=True)", NEEDS)
def torch_export(rng) -> Case:
    import torch

    net, word = headed(rng)
    x = picture(rng, 2, 3, 10, 10)
    free = rng.random() < 0.5
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},) if free else None
    optimise = bool(rng.integers(2))
    model = exported(net, [x], ["x"], True, dynamic_shapes=shapes, optimize=optimise, external_data=False)
    return told(model, {"x": x[:1] if free else x}, f"{word}{', free batch' if free else ''}{', optimised' if optimise else ''}")


@kind("torch-export-functions", "torch.onnx.export(dynamo=True), modules as functions", NEEDS)
def torch_export_functions(rng) -> Case:
    """Unoptimised, so that the library's own functions stay."""
    net, word = headed(rng)
    x = picture(rng, 1, 3, 10, 10)
    import torch

    logging.disable(logging.WARNING)
    livelier(net)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        program = torch.onnx.export(net.eval(), (torch.from_numpy(x),), input_names=["x"], dynamo=True, optimize=False)
    return told(without_places(program.model_proto), {"x": x}, word)


@kind("torch-tokens", "torch.onnx.export, both exporters", NEEDS)
def torch_tokens(rng) -> Case:
    """A vision transformer with a class token, by scaled_dot_product_attention or nn.MultiheadAttention."""
    import torch
    from torch import nn

    seeded(rng)
    width, side, patch = 8, 8, 4
    module = bool(rng.integers(2))

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, width, patch, stride=patch)
            self.token = nn.Parameter(torch.randn(1, 1, width))
            self.places = nn.Parameter(torch.randn(1, 5, width) * 0.3)
            self.norm, self.qkv, self.out, self.head = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width), nn.Linear(width, 4)
            self.attention = nn.MultiheadAttention(width, 2, batch_first=True)

        def forward(self, x):
            t = self.patches(x).flatten(2).transpose(1, 2)
            t = torch.cat([self.token.expand(t.size(0), -1, -1), t], 1) + self.places
            a = self.norm(t)
            if module:
                h = self.attention(a, a, a, need_weights=False)[0]
            else:
                q, k, v = self.qkv(a).reshape(t.size(0), 5, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
                h = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(t.size(0), 5, width)
                h = self.out(h)
            return self.head((t + h)[:, 0])

    x = picture(rng, 1, 3, side, side)
    dynamo = bool(rng.integers(2))
    model = exported(Tokens(), [x], ["x"], dynamo, **({} if dynamo else {"opset_version": 17}))
    layer = next(n.output[0] for n in model.graph.node if n.op_type == "LayerNormalization")
    return told(model, {"x": x}, f"{'torch.export' if dynamo else 'TorchScript'}, {'MultiheadAttention' if module else 'scaled_dot_product'}", layer=layer, layout={"grid": [2, 2], "prefix": 1})


@kind("torch-unet", "torch.onnx.export, both exporters", NEEDS)
def torch_unet(rng) -> Case:
    """F.interpolate by scale or size, concatenation, scores on the grid."""
    import torch
    from torch import nn

    seeded(rng)
    mode = str(rng.choice(["nearest", "bilinear", "bicubic"]))

    class Unet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.middle = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1, stride=2)
            self.up, self.head = nn.Conv2d(9, 4, 3, padding=1), nn.Conv2d(4, 3, 1)

        def forward(self, x):
            skip = torch.tanh(self.down(x))
            h = torch.nn.functional.silu(self.middle(skip))
            h = torch.nn.functional.interpolate(h, size=skip.shape[2:], mode=mode)
            return self.head(torch.tanh(self.up(torch.cat([h, skip], 1))))

    x = picture(rng, 1, 3, 8, 8)
    dynamo = bool(rng.integers(2))
    model = exported(Unet(), [x], ["x"], dynamo, **({} if dynamo else {"opset_version": int(rng.choice([11, 13, 18]))}))
    layer = next(n.input[0] for n in model.graph.node if n.op_type in ("Resize", "Upsample"))
    return told(model, {"x": x}, f"{mode}, {'torch.export' if dynamo else 'TorchScript'}", layer=layer)


@kind("torch-two-pictures", "torch.onnx.export, both exporters", NEEDS)
def torch_two_pictures(rng) -> Case:
    """Shared weights; cosine, difference or a fused head."""
    import torch
    from torch import nn

    net, word = body(rng)
    form = str(rng.choice(["cosine", "difference", "joined"]))

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.head = net, nn.Linear(8 if form == "joined" else 4, 3)

        def forward(self, x, other):
            a, b = (self.net(t).mean((2, 3)) for t in (x, other))
            if form == "cosine":
                return torch.nn.functional.cosine_similarity(a, b, dim=1).unsqueeze(1)
            return self.head(torch.cat([a, b], 1) if form == "joined" else torch.abs(a - b) ** 2)

    feeds = {name: picture(rng, 1, 3, 8, 8) for name in ("x", "other")}
    dynamo = bool(rng.integers(2))
    model = exported(Two(), list(feeds.values()), list(feeds), dynamo, **({} if dynamo else {"opset_version": 17}))
    layer = next(n.input[0] for n in model.graph.node if n.op_type in ("ReduceMean", "GlobalAveragePool") and reaches(model, "x", n.input[0]))
    return told(model, feeds, f"{form}, {word}", layer=layer, by_default="Squeeze" not in word)


def reaches(model: onnx.ModelProto, source: str, tensor: str) -> bool:
    """Whether a tensor is computed from a source and, of the inputs, from it alone."""
    makers = {o: n for n in model.graph.node for o in n.output}
    seen, open_ = set(), [tensor]
    while open_:
        t = open_.pop()
        if t not in seen:
            seen.add(t)
            open_ += makers[t].input if t in makers else []
    return {i.name for i in model.graph.input} & seen == {source}


@kind("torch-half", "torch.onnx.export of .half()", NEEDS)
def torch_half(rng) -> Case:
    import copy

    net, word = headed(rng)
    x = picture(rng, 1, 3, 10, 10)
    kept = copy.deepcopy(net)
    twin = exported(kept, [x], ["x"], False, opset_version=17)
    model = exported(net.half(), [x.astype(np.float16)], ["x"], False, opset_version=17)
    case = told(model, {"x": x.astype(np.float16)}, word, tolerance=4e-2)
    case.twin, case.twin_layer, case.twin_score = twin, last_grid(twin), twin.graph.output[0].name
    rename_output(twin, case.output)
    case.twin_score = case.score = case.output
    return case


def rename_output(model: onnx.ModelProto, name: str) -> None:
    old = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = [name if o == old else o for o in node.output]
    model.graph.output[0].name = name


@kind("torch-training", "torch.onnx.export(training=TRAINING)", NEEDS)
def torch_training(rng) -> Case:
    """An export in training mode: the batch decides, and Dropout drops."""
    import torch
    from torch import nn

    seeded(rng)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 4))
    x = picture(rng, 2, 3, 6, 6)
    model = exported(net, [x], ["x"], False, opset_version=17, training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False, train=True)
    return told(model, {"x": x}, "", refuse="an export in training mode")


@kind("torch-gru", "torch.onnx.export, both exporters", NEEDS)
def torch_gru(rng) -> Case:
    """Columns of the grid read by a recurrent layer."""
    import torch
    from torch import nn

    net, word = body(rng)
    form = [nn.GRU, nn.LSTM, nn.RNN][int(rng.integers(3))]

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.rnn, self.head = net, form(4, 3, batch_first=True, bidirectional=bool(rng.integers(2))), nn.LazyLinear(4)

        def forward(self, x):
            rows = self.net(x).mean(2).transpose(1, 2)
            return self.head(self.rnn(rows)[0].mean(1))

    x = picture(rng, 1, 3, 8, 8)
    module = Recurrent()
    module(torch.from_numpy(x))
    model = exported(module, [x], ["x"], False, opset_version=17)
    layer = next(n.input[0] for n in model.graph.node if n.op_type == "ReduceMean" and reaches(model, "x", n.input[0]))
    return told(model, {"x": x}, f"{form.__name__}, {word}", layer=layer, by_default=False)


@kind("torch-detector", "torch.onnx.export, both exporters", NEEDS)
def torch_detector(rng) -> Case:
    """Boxes decoded from a grid, concatenated with the scores of the classes, in one output."""
    import torch
    from torch import nn

    net, word = body(rng)

    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.boxes, self.scores = net, nn.Conv2d(4, 4, 1), nn.Conv2d(4, 3, 1)
            self.register_buffer("places", torch.stack(torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij"))[None])

        def forward(self, x):
            h = self.net(x)
            boxes = self.boxes(h)
            xy = torch.sigmoid(boxes[:, :2]) * 2 - 0.5
            return torch.cat([xy.flatten(2), torch.exp(boxes[:, 2:] * 0.3).flatten(2), torch.sigmoid(self.scores(h)).flatten(2)], 1)

    x = picture(rng, 1, 3, 8, 8)
    dynamo = bool(rng.integers(2))
    model = exported(Detector(), [x], ["x"], dynamo, **({} if dynamo else {"opset_version": 17}))
    heads = [n for n in model.graph.node if n.op_type == "Conv" and n.attribute and kernel(n) == [1, 1]]
    layer = heads[-1].input[0]
    return told(model, {"x": x}, word, layer=layer, axis=None, by_default="Squeeze" not in word)


def kernel(node: onnx.NodeProto) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == "kernel_shape"), [])


def transformer(rng):
    """An exported vision transformer of transformers' shape, its feed and a layer: the last normalisation before an attention."""
    import torch
    from torch import nn

    seeded(rng)
    width = 8

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
            self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
            self.up, self.down = nn.Linear(width, 16), nn.Linear(16, width)

        def forward(self, t):
            a = self.before(t)
            q, k, v = (f(a).view(1, 5, 2, 4).permute(0, 2, 1, 3) for f in (self.q, self.k, self.v))
            mixed = torch.softmax(q @ k.transpose(-1, -2) / 2.0, -1) @ v
            t = t + self.out(mixed.permute(0, 2, 1, 3).reshape(1, 5, width))
            return t + self.down(torch.nn.functional.gelu(self.up(self.after(t))))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.blocks = nn.Conv2d(3, width, 4, stride=4), nn.Sequential(Block(), Block())
            self.token, self.norm, self.head = nn.Parameter(torch.randn(1, 1, width)), nn.LayerNorm(width), nn.Linear(width, 4)

        def forward(self, x):
            t = torch.cat([self.token, self.patches(x).flatten(2).transpose(1, 2)], 1)
            return self.head(self.norm(self.blocks(t))[:, 0])

    x = picture(rng, 1, 3, 8, 8)
    model = exported(Net(), [x], ["x"], False, opset_version=17)
    norms = [n.output[0] for n in model.graph.node if n.op_type == "LayerNormalization"]
    return model, {"x": x}, norms[0]
