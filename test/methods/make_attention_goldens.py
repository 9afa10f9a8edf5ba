#!/usr/bin/env python3
"""Writes attention-*.onnx and attention-goldens.json: small vision transformers of timm, transformers and torchvision as both exporters of PyTorch
write them, and their explanations, in float64: LeGrad of torchvision's by torchcam, the rest by their equations on the attentions that PyTorch computes.

    pip install torch torchvision timm transformers torchcam onnx onnxscript onnxconverter-common
    python test/methods/make_attention_goldens.py
"""
import contextlib
import io
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy
import onnx
import torch
import transformers
from onnxconverter_common import float16
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision.models.vision_transformer import VisionTransformer as TorchVision

here = Path(__file__).parent
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.backends.mha.set_fastpath_enabled(False)

TARGETS = [1, 3]
timm_small = dict(img_size=16, patch_size=4, embed_dim=12, depth=3, num_heads=3, num_classes=5, mlp_ratio=2)
hf_small = dict(hidden_size=12, num_hidden_layers=3, num_attention_heads=3, intermediate_size=24, image_size=16, patch_size=4)


class Scores(nn.Module):
    """A model of transformers as a function from pixels to scores alone."""

    def __init__(self, net, output):
        super().__init__()
        self.net, self.output = net, output

    def forward(self, x):
        return getattr(self.net(pixel_values=x), self.output)


class Watched(TorchFunctionMode):
    """Writes attention out, and keeps every matrix of its weights."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def kept(self, weights):
        if weights.requires_grad:
            weights.retain_grad()
        self.weights.append(weights)
        return weights

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is nn.functional.scaled_dot_product_attention:
            q, k, v = args[:3]
            return self.kept((q @ k.mT * (kwargs.get("scale") or q.shape[-1] ** -0.5)).softmax(-1)) @ v
        if function in (torch.softmax, nn.functional.softmax, torch.Tensor.softmax):
            kwargs.pop("dtype", None)  # transformers' eager attention would go down to float32
            return self.kept(function(*args, **kwargs))
        return function(*args, **kwargs)


def written_out(net):
    """PyTorch's own attention is one function, which nothing sees into."""
    for module in net.modules():
        if isinstance(module, nn.MultiheadAttention):

            def forward(x, *_, module=module, **__):
                parts = nn.functional.linear(x, module.in_proj_weight, module.in_proj_bias).chunk(3, -1)
                q, k, v = (part.reshape(*part.shape[:2], module.num_heads, -1).transpose(1, 2) for part in parts)
                y = nn.functional.scaled_dot_product_attention(q, k, v)
                return module.out_proj(y.transpose(1, 2).reshape(x.shape)), None

            module.forward = forward


class Case:
    """A network, what its blocks are, and what follows behind their tokens."""

    def __init__(self, make, blocks, head, prefix, read, dynamo, norm=None, half=False):
        self.make, self.blocks, self.head, self.prefix, self.read, self.dynamo, self.norm, self.half = make, blocks, head, prefix, read, dynamo, norm, half


timm_head = lambda net, tokens: net.forward_head(net.norm(tokens))
hf_vit = lambda **more: Scores(transformers.ViTForImageClassification(transformers.ViTConfig(**hf_small, num_labels=5, attn_implementation="sdpa", **more)), "logits")
clip = lambda: Scores(transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(**hf_small, projection_dim=5, attn_implementation="eager")), "image_embeds")

# `read`: the tokens that the head reads; None where an attention pools them.
CASES = {
    "timm": Case(lambda: VisionTransformer(**timm_small), lambda n: n.blocks, timm_head, 1, [0], False, "norm1"),
    "timm-half": Case(lambda: VisionTransformer(**timm_small), lambda n: n.blocks, timm_head, 1, [0], True, half=True),
    "registers": Case(lambda: VisionTransformer(**timm_small, reg_tokens=2), lambda n: n.blocks, timm_head, 3, [0], True, "norm1"),
    "distilled": Case(lambda: VisionTransformerDistilled(**timm_small), lambda n: n.blocks, timm_head, 2, [0, 1], True, "norm1"),
    "averaged": Case(lambda: VisionTransformer(**timm_small, global_pool="avg", class_token=False), lambda n: n.blocks, timm_head, 0, list(range(16)), False),
    "pooled": Case(lambda: VisionTransformer(**timm_small, global_pool="map", class_token=False), lambda n: n.blocks, timm_head, 0, None, True),
    "transformers": Case(hf_vit, lambda n: n.net.vit.layers, lambda n, z: n.net.classifier(n.net.vit.layernorm(z)[:, 0]), 1, [0], True, "layernorm_before"),
    "clip": Case(clip, lambda n: n.net.vision_model.encoder.layers, lambda n, z: n.net.visual_projection(n.net.vision_model.post_layernorm(z[:, 0])), 1, [0], False, "layer_norm1"),
    "torchvision": Case(
        lambda: TorchVision(image_size=16, patch_size=4, num_layers=3, num_heads=3, hidden_dim=12, mlp_dim=24, num_classes=5),
        lambda n: n.encoder.layers, lambda n, z: n.heads(n.encoder.ln(z)[:, 0]), 1, [0], False, "ln_1",
    ),
}


def picture(*shape):
    """Numbers that the test makes again by the same formula."""
    i = numpy.arange(numpy.prod(shape), dtype=numpy.float64)
    return torch.tensor((numpy.sin(0.37 * i) + 0.5 * numpy.cos(1.13 * i)).astype(numpy.float32).reshape(shape))


def made(case):
    torch.manual_seed(3)
    net = case.make().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.35)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return net


def explained(case, net, x):
    """Maps of both pictures, [2, 4, 4] each, of TARGETS."""
    tokens, handles = [], []
    for block in case.blocks(net):
        handles.append(block.register_forward_hook(lambda _, __, y: tokens.append(y[0] if isinstance(y, tuple) else y)))
    with Watched() as watched:
        scores = net(x)
    weights = [w.reshape(len(x), -1, *w.shape[-2:]) for w in watched.weights]
    of_targets = lambda y: sum(y[i, c] for i, c in enumerate(TARGETS))
    slopes = [g.reshape(w.shape) for g, w in zip(torch.autograd.grad(of_targets(scores), watched.weights, retain_graph=True), weights)]
    for handle in handles:
        handle.remove()
    pools = case.read is None
    count = weights[0].shape[-1]
    start = torch.zeros(count, dtype=torch.float64)
    start[case.read or []] = 1 / len(case.read or [1])
    cut = lambda rows: rows[:, case.prefix : case.prefix + 16]
    blocks, pool = (list(zip(weights, slopes))[:-1], (weights[-1], slopes[-1])) if pools else (list(zip(weights, slopes)), None)

    def rolled(step, last):
        """The whole product of matrices, as the papers have it."""
        product = torch.eye(count, dtype=torch.float64).expand(len(x), -1, -1)
        for w, g in blocks:
            product = step(w, g) @ product
        rows = start @ product if pool is None else (last(*pool) @ product).mean(1)
        return cut(rows)

    def rollout(fuse, discard=0):
        def matrix(w):
            a = fuse(w).detach().clone()
            flat = a.reshape(len(x), -1)
            for i, row in enumerate(flat):
                least = row.topk(int(row.numel() * discard), largest=False).indices
                flat[i, least[least != 0]] = 0
            return flat.reshape(a.shape)

        def step(w, _):
            a = matrix(w) + torch.eye(count, dtype=torch.float64)
            return a / a.sum(-1, keepdim=True)

        return rolled(step, lambda w, _: matrix(w) / matrix(w).sum(-1, keepdim=True))

    relevance = lambda w, g: (w * g).clamp(min=0).mean(1)
    mean, largest, smallest = lambda w: w.mean(1), lambda w: w.amax(1), lambda w: w.amin(1)
    last, slope = weights[-1], slopes[-1]
    raw = lambda w, fuse: cut(start @ fuse(w) if pool is None else fuse(w).mean(1))

    def legrad(average):
        maps = []
        for index, z in enumerate(tokens):
            with Watched() as again:
                if pools or not average:
                    score = of_targets(case.head(net, z))
                else:
                    score = of_targets(case.head(net, z.mean(1, keepdim=True).expand_as(z)))
            of = again.weights[-1] if pools else watched.weights[index]
            gradient = torch.autograd.grad(score, of, retain_graph=True)[0]
            maps.append(gradient.reshape(len(x), -1, *gradient.shape[-2:]).clamp(min=0).mean((1, 2)))
        return cut(torch.stack(maps).mean(0))

    maps = {
        "attention": raw(last, mean),
        "attention heads=max": raw(last, largest),
        "attention block=0": cut(weights[0].mean((1, 2))) if pools else raw(weights[0], mean),
        "attention-rollout": rollout(mean),
        "attention-rollout heads=max discard=0.6": rollout(largest, 0.6),
        "attention-rollout heads=min": rollout(smallest),
        "chefer": rolled(lambda w, g: torch.eye(count, dtype=torch.float64) + relevance(w, g), relevance),
        "gradient-x-attention": cut((last * slope).mean(1).sum(1)).clamp(min=0),
        "gradient-x-attention sign=signed blocks=all": cut(sum((w * g).mean(1).sum(1) for w, g in zip(weights, slopes)) / len(weights)),
        "legrad": legrad(True),
        "legrad score=head": legrad(False),
    }
    if case.norm:
        maps |= {"recipro-cam": recipro(case, net, x, False), "recipro-cam mask=binomial": recipro(case, net, x, True)}
    return {"scores": scores, **maps}


def recipro(case, net, x, binomial):
    """openvino-xai's ViTReciproCAM: the score with one patch in front of the last attention, or one and its neighbours by (1 2 1) / 4 along each axis;
    what stands beside the patches stays. (Its own code takes one token for the beside ones where there are several.)"""
    masks = torch.zeros(16, 6, 6, dtype=torch.float64)
    tap = torch.tensor([0.25, 0.5, 0.25] if binomial else [0.0, 1.0, 0.0], dtype=torch.float64)
    for p in range(16):
        i, j = divmod(p, 4)
        masks[p, i : i + 3, j : j + 3] = tap[:, None] * tap
    factors = torch.cat([torch.ones(16, case.prefix, dtype=torch.float64), masks[:, 1:-1, 1:-1].reshape(16, 16)], 1)
    handle = getattr(case.blocks(net)[-1], case.norm).register_forward_hook(lambda _, __, y: y * factors[:, :, None])
    maps = [net(x[i : i + 1].expand(16, -1, -1, -1))[:, c] for i, c in enumerate(TARGETS)]
    handle.remove()
    return torch.stack(maps)


def by_torchcam(net, x):
    """torchcam's map, without its last division by the extent."""
    from torchcam.methods import LeGrad

    with LeGrad(net, list(net.encoder.layers)) as cam:
        scores = net(x)
        weights = cam._get_weights(TARGETS, scores)
    return torch.stack(weights).mean(0)


def export(net, x, file, dynamo, half):
    sizes = {"dynamic_shapes": [{0: torch.export.Dim("n")}]} if dynamo else {"opset_version": 17, "dynamic_axes": {"x": {0: "n"}}}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(net, (x,), file, input_names=["x"], output_names=["logits"], dynamo=dynamo, **sizes, **({"external_data": False} if dynamo else {}))
    model = onnx.load(file)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.metadata_props[:], model.graph.value_info[:], model.graph.metadata_props[:]
    onnx.save(float16.convert_float_to_float16(model, keep_io_types=True) if half else model, file)


def rounded(values):
    return [float(f"{v:.6g}") for v in values.detach().numpy().ravel()]


goldens = {}
x = picture(2, 3, 16, 16)
for name, case in CASES.items():
    net = made(case)
    export(net, x, str(here / f"attention-{name}.onnx"), case.dynamo, case.half)
    net.double()
    theirs = by_torchcam(net, x.double()) if name == "torchvision" else None
    written_out(net)
    maps = explained(case, net, x.double())
    if theirs is not None:
        assert torch.allclose(theirs.reshape(2, -1), maps["legrad"], rtol=1e-9), "torchcam differs"
    goldens[name] = {key: rounded(values) for key, values in maps.items()}
    print(name, file=sys.stderr)
text = ",\n".join(f'  "{name}": {{\n' + ",\n".join(f'    "{key}": {json.dumps(values)}' for key, values in maps.items()) + "\n  }" for name, maps in goldens.items())
(here / "attention-goldens.json").write_text("{\n" + text + "\n}\n")
