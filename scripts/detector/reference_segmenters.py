"""Write the reference cases of test/segment/references/: small segmenters, their masks, and maps by pytorch-grad-cam or autograd.

    pip install -r scripts/requirements.txt grad-cam
    python scripts/detector/reference_segmenters.py [--only NAME]... [--out test/segment/references]
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget
from torch import nn
from torchvision.models.segmentation.fcn import FCN, FCNHead
from transformers import (
    Mask2FormerConfig, Mask2FormerForUniversalSegmentation, ResNetConfig, SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor,
)

from reference_case import as_in_files, check, draw, export, in_lines, prepared

CLASSES = ("sky", "grass", "cat", "cup")


class UNet(nn.Module):
    """Down twice, and up again beside what skipped: logits [n, 4, h, w]."""

    def __init__(self):
        super().__init__()
        block = lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())
        self.first, self.second, self.deep = block(3, 6), block(6, 8), block(8, 12)
        self.up2, self.up1 = nn.ConvTranspose2d(12, 8, 2, 2), nn.ConvTranspose2d(8, 6, 2, 2)
        self.third, self.fourth = block(16, 8), block(12, 6)
        self.logits = nn.Conv2d(6, len(CLASSES), 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        first = self.first(x)
        second = self.second(self.pool(first))
        deep = self.deep(self.pool(second))
        up = self.third(torch.cat([self.up2(deep), second], 1))
        return self.logits(self.fourth(torch.cat([self.up1(up), first], 1)))


class Backbone(nn.Module):
    """What torchvision's segmenters take: features at an eighth of the size, "out", and earlier ones, "aux"."""

    def __init__(self):
        super().__init__()
        block = lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
        self.early = nn.Sequential(block(3, 8), block(8, 16))
        self.late = block(16, 24)

    def forward(self, x):
        early = self.early(x)
        return OrderedDict(aux=early, out=self.late(early))


class Pair(nn.Module):
    """Two entries of what a network says, in their order."""

    def __init__(self, network, *names):
        super().__init__()
        self.network, self.names = network, names
        self.eval()

    def forward(self, x):
        said = self.network(x)
        return tuple(said[name] for name in self.names)


class Only(nn.Module):
    """One entry of what a network says."""

    def __init__(self, network, name):
        super().__init__()
        self.network, self.name = network, name
        self.eval()

    def forward(self, x):
        return self.network(x)[self.name]


def spread(module, images, layer):
    """Shifts a last layer so that every class is the largest somewhere."""
    with torch.no_grad():
        layer.bias -= module(images).mean((0, 2, 3))
    return module


def cases():
    images, picture = prepared()
    unet = draw(UNet(), 1)
    spread(unet, images, unet.logits)
    yield dict(name="unet", head="a U-Net's, at the size of the picture", module=unet, outputs=["logits"], layer=unet.deep, asked=unet, picture=picture)

    fcn = draw(FCN(Backbone(), FCNHead(24, len(CLASSES)), FCNHead(16, len(CLASSES))), 2)
    out = Only(fcn, "out")
    spread(out, images, fcn.classifier[-1])
    yield dict(
        name="fcn", head="torchvision's, made larger in the graph, `out` and `aux`", module=Pair(fcn, "out", "aux"), outputs=["out", "aux"],
        layer=fcn.classifier[2], asked=out, picture=picture,
    )

    small = SegformerConfig(
        num_encoder_blocks=4, depths=[1, 1, 1, 1], sr_ratios=[8, 4, 2, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16, num_labels=len(CLASSES), mlp_ratios=[2, 2, 2, 2],
    )
    segformer = draw(SegformerForSemanticSegmentation(small), 3)
    logits = Only(segformer, "logits")
    spread(logits, images, segformer.decode_head.classifier)
    yield dict(
        name="segformer", head="SegFormer's, at a quarter of the size", module=logits, outputs=["logits"], layer=segformer.decode_head.activation,
        asked=logits, picture=picture, config=small_config("SegformerForSemanticSegmentation"), exporters=(True,),
        sized=SegformerImageProcessor().post_process_semantic_segmentation(
            SimpleNamespace(logits=logits(images).detach()), target_sizes=[(96, 80)]
        )[0].numpy(),
    )

    resnet = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=resnet, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=16, encoder_layers=1, decoder_layers=2,
        num_attention_heads=2, dim_feedforward=16, num_queries=6, num_labels=len(CLASSES),
    )
    torch.manual_seed(5)
    network = draw(Mask2FormerForUniversalSegmentation(config), 5)
    masks = Only(network, "masks_queries_logits")
    yield dict(
        name="mask2former", head="Mask2Former's pair of queries", module=Pair(network, "class_queries_logits", "masks_queries_logits"),
        outputs=["class_queries_logits", "masks_queries_logits"], layer=network.model.pixel_level_module.decoder.input_projections[0], asked=masks, picture=picture,
        config=small_config("Mask2FormerForUniversalSegmentation"), scores=network(images).class_queries_logits[0].softmax(1)[:, :-1].detach(),
        exporters=(True,),
    )


def small_config(architecture):
    return {"architectures": [architecture], "id2label": dict(enumerate(CLASSES))}


def by_library(asked, layer, images, plane, mask):
    """pytorch-grad-cam's map of a plane over a mask, before it is resized and normalised."""
    target = SemanticSegmentationTarget(plane, mask.astype(np.float32))
    with GradCAM(asked, [layer]) as cam:
        cam(images, targets=[target])
        kept = cam.activations_and_grads
        activations, gradients = kept.activations[0].numpy(), kept.gradients[0].numpy()
        return np.maximum(cam.get_cam_image(images, layer, [target], activations, gradients, False), 0)[0], activations


def by_autograd(asked, layer, images, plane, mask):
    """The same by its formula: pytorch-grad-cam takes no planes of queries, whose number is none of classes."""
    seen = []
    hook = layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with as_in_files(asked):
        total = (asked(images)[0, plane] * torch.from_numpy(mask)).sum()
        (gradient,) = torch.autograd.grad(total, seen)
    hook.remove()
    (activation,) = seen
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1)[0].relu().detach().numpy(), activation.detach().numpy()


def named(data: bytes, images, activation):
    """The tensor of a file that holds a layer's activations."""
    model = onnx.load_from_string(data)
    known = {output.name for output in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.add(name=name)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {"pixel_values": images.detach().numpy()})
    alike = [name for name, value in zip(names, values) if value.shape == activation.shape and np.abs(value - activation).max() < 1e-4]
    return alike[0]


def write(directory: Path, name, head, module, outputs, layer, asked, picture, config=None, scores=None, sized=None, exporters=(False, True)):
    images, _ = prepared()
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    case = SimpleNamespace(name=name, module=module, inputs={"pixel_values": images}, outputs=outputs, free={}, metadata={}, brief=False)
    files = []
    for dynamo in exporters:
        try:
            data = export(case, dynamo).SerializeToString(deterministic=True)
        except Exception as error:  # noqa: BLE001 - an exporter that cannot is told, and the other one's file is taken
            print(f"{name}: dynamo={dynamo} does not export it: {type(error).__name__}")
            continue
        differs = check(case, data)
        if differs > 1e-4:
            raise SystemExit(f"{name}: the file differs from PyTorch by {differs:.1e} (dynamo={dynamo})")
        files.append({"file": "model-dynamo.onnx" if dynamo else "model.onnx", "differs": float(f"{differs:.1e}")})
        (folder / files[-1]["file"]).write_bytes(data)
    planes = asked(images)[0]
    if scores is None:
        found = [(plane, plane, None, (planes.argmax(0) == plane).detach().numpy()) for plane in range(len(planes))]
        found.sort(key=lambda one: -one[3].sum())
    else:
        found = [(plane, int(row.argmax()), float(row.max()), (planes[plane] > 0).detach().numpy()) for plane, row in enumerate(scores)]
        found.sort(key=lambda one: -one[2])
        found = [one for one in found if one[2] > 0.25]
    found = [one for one in found if one[3].any()]
    masks, maps = [], []
    for plane, kind, score, mask in found:
        total = (planes[plane] * torch.from_numpy(mask)).sum()
        if not masks:
            (gradient,) = torch.autograd.grad(total, images, retain_graph=True)
        one, activations = (by_library if scores is None else by_autograd)(asked, layer, images.detach(), plane, mask)
        maps.append(one)
        masks.append({"class": kind, "plane": plane, "cells": int(mask.sum()), "value": total.item(), **({} if score is None else {"score": score})})
    np.save(folder / "masks.npy", np.stack([mask for *_, mask in found]).astype(np.uint8))
    unit = float(gradient.abs().max())
    np.save(folder / "gradient.npy", (gradient / unit).numpy().astype(np.float16))
    for file in files:
        file["layer"] = named((folder / file["file"]).read_bytes(), images, activations)
    np.save(folder / "maps.npy", np.stack(maps).astype(np.float32))
    if sized is not None:
        np.save(folder / "sized.npy", sized.astype(np.uint8))
    if config:
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    told = {"head": head, "models": files, "picture": picture, "names": list(CLASSES), "masks": masks, "unit": unit}
    (folder / "case.json").write_text(in_lines(told) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: {size / 1e3:.0f} kB, {[one['differs'] for one in files]}, {[one['cells'] for one in masks]} cells", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "test/segment/references")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for case in cases():
        if not options.only or case["name"] in options.only:
            write(options.out, **case)


if __name__ == "__main__":
    main()
