"""Export networks of every kind of input and output that `gradcam explain` takes, with random weights.

OUT_DIR/<name>/ gets `model.onnx`, the file to explain (`input.*`, and one file for each other input), and `case.json`:
the arguments of the command, and the Grad-CAM maps that PyTorch autograd gives where the network is one of floats.

    pip install -r scripts/requirements.txt
    python scripts/export-inputs.py test/inputs --small    small ones, which test/cli/inputs.test.ts explains
    python scripts/export-inputs.py OUT_DIR                architectures as they are published; nothing of it is committed
    GRADCAM_INPUTS=OUT_DIR npx vitest run test/cli/inputs.test.ts
"""

import argparse
import json
import sys
import wave
from pathlib import Path

import numpy as np
import onnx
import timm
import torch
import torchvision.models as tv
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16
from PIL import Image
from torch import nn

torch.backends.mha.set_fastpath_enabled(False)


# ---- Files ----------------------------------------------------------------------------------------------------------


def picture(path, height=64, width=80):
    """Smooth colours with a bright disc left of the middle."""
    y, x = np.mgrid[:height, :width]
    colours = np.stack([x / width, y / height, 0.5 + 0 * x], -1) * 200
    disc = (x - width * 0.35) ** 2 + (y - height * 0.5) ** 2 < (height * 0.2) ** 2
    colours[disc] = [250, 230, 40]
    Image.fromarray(colours.astype(np.uint8)).save(path)


def sound(path, seconds=1.0, rate=8000):
    """Silence, a chirp, silence; 16-bit mono."""
    t = np.arange(int(seconds * rate)) / rate
    chirp = np.sin(2 * np.pi * (300 + 400 * t / seconds) * t) * np.exp(-(((t - 0.6 * seconds) / (0.1 * seconds)) ** 2))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((0.8 * 32767 * chirp).astype("<i2").tobytes())
    return (0.8 * 32767 * chirp).astype("<i2").astype(np.float32) / 32768


def volume(path, shape):
    """Noise with a bright ball in one corner."""
    grid = np.stack(np.mgrid[tuple(slice(0, n) for n in shape[1:])], 0)
    centre = np.array([0.3, 0.4, 0.7]).reshape(3, 1, 1, 1) * np.array(shape[1:]).reshape(3, 1, 1, 1)
    ball = np.exp(-((grid - centre) ** 2).sum(0) / (0.15 * shape[-1]) ** 2)
    noise = np.random.default_rng(5).normal(0, 0.2, shape)
    values = (noise + 2 * ball).astype(np.float32)
    np.save(path, values)
    return values


# ---- Networks and references ----------------------------------------------------------------------------------------


def randomise_statistics(network):
    """BatchNorm as after training: statistics of its own."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def grad_cam(network, layer, values, score):
    """PyTorch's map at a module whose output has its channels first, in double precision."""
    kept = []
    handle = network.get_submodule(layer).register_forward_hook(lambda module, given, output: kept.append(output))
    output = network.double()(*[torch.as_tensor(v).double() if v.dtype.kind == "f" else torch.as_tensor(v) for v in values])
    handle.remove()
    network.float()
    activation = kept[-1]
    (gradient,) = torch.autograd.grad(score(output), activation)
    axes = tuple(range(2, activation.dim()))
    return (gradient.mean(axes, keepdim=True) * activation).sum(1).relu()[0].detach().numpy()


def export(network, values, path, opset, free=None, names=("input",), output="output", **more):
    torch.onnx.export(
        network.eval(), tuple(torch.as_tensor(v) for v in values), path, dynamo=opset >= 18, opset_version=opset,
        input_names=list(names), output_names=[output], dynamic_axes=free if opset < 18 else None,
        **({"external_data": False, "verbose": False} if opset >= 18 else {}), **more,
    )  # fmt: skip


class Audio(nn.Module):
    """M5 of Dai et al. 2016, narrower where `width` says so."""

    def __init__(self, width=128, classes=10, stride=16):
        super().__init__()
        def block(a, b, kernel, stride=1):
            return [nn.Conv1d(a, b, kernel, stride), nn.BatchNorm1d(b), nn.ReLU()]
        self.features = nn.Sequential(
            *block(1, width // 4, 80, stride), nn.MaxPool1d(4), *block(width // 4, width // 4, 3), nn.MaxPool1d(4),
            *block(width // 4, width // 2, 3),
        )  # fmt: skip
        self.head = nn.Linear(width // 2, classes)

    def forward(self, x):
        return self.head(self.features(x).mean(-1))


class Volumes(nn.Module):
    def __init__(self, channels=1, width=8, classes=5):
        super().__init__()
        def block(a, b, stride):
            return [nn.Conv3d(a, b, 3, stride, 1), nn.BatchNorm3d(b), nn.ReLU()]
        self.features = nn.Sequential(*block(channels, width, 2), *block(width, 2 * width, 2))
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3, 4)))


class Pictures(nn.Module):
    """A small plain network; `head` says what it gives."""

    def __init__(self, outputs=5, head=lambda x: x, width=8, last=False):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, 2, 1), nn.BatchNorm2d(2 * width), nn.ReLU(),
        )  # fmt: skip
        self.linear = nn.Linear(2 * width, outputs)
        self.head, self.last = head, last

    def forward(self, x):
        x = x.permute(0, 3, 1, 2) if self.last else x
        return self.head(self.linear(self.features(x).mean((2, 3))))


class Question(nn.Module):
    """A picture and a question of words: two inputs."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU())
        self.words = nn.Embedding(20, 12)
        self.linear = nn.Linear(12, 4)

    def forward(self, image, words):
        return self.linear(self.features(image).mean((2, 3)) * torch.tanh(self.words(words).mean(1)))


def imagenet(path, height, width):
    """The picture as the tool prepares it for a network of its own size: the shorter side resized, the centre kept."""
    from torchvision.transforms import functional as F

    image = Image.open(path).convert("RGB")
    if (height, width) != (image.height, image.width):
        image = F.center_crop(F.resize(image, round(height * 256 / 224)), [height, width])
    return F.normalize(F.to_tensor(image), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])[None].numpy()


class Pool(CalibrationDataReader):
    def __init__(self, feeds):
        self.feeds = iter([{"input": f} for f in feeds])

    def get_next(self):
        return next(self.feeds, None)


def quantise(source, target, size, form, all_bits=False):
    """Products of uint8 and int8 saturate on processors without VNNI, unless weights have seven bits."""
    images = [np.random.default_rng(i).normal(0, 1, (1, 3, size, size)).astype(np.float32) for i in range(4)]
    quantize_static(
        str(source), str(target), Pool(images), quant_format=form, per_channel=form == QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8 if form == QuantFormat.QDQ else QuantType.QUInt8,
        reduce_range=form == QuantFormat.QDQ and not all_bits,
    )  # fmt: skip


# ---- Cases ----------------------------------------------------------------------------------------------------------


class Cases:
    def __init__(self, root):
        self.root = Path(root)

    def write(self, name, args, expected=None):
        """`args` follow `gradcam explain`; files are named relative to the case."""
        case = {"args": [*args, "--model", "model.onnx"]}
        if expected is not None:
            np.save(self.root / name / "grad_cam.npy", expected.astype(np.float32))
        (self.root / name / "case.json").write_text(json.dumps(case, indent=1) + "\n")

    def folder(self, name):
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def audio(cases, name, network, length, layer, free, opset, seconds=1.0):
    folder = cases.folder(name)
    values = sound(folder / "input.wav", seconds)
    if not free:
        values = values[:length]
        np.save(folder / "input.npy", values[None])
    export(network, [values[None, None]], folder / "model.onnx", opset, {"input": {0: "n", **({2: "l"} if free else {})}})
    maps = [grad_cam(network, layer, [values[None, None]], lambda y, c=c: y[0, c]) for c in range(10)]
    best = int(np.argmax([m.max() for m in maps]))  # a map of nothing but zeros would say little
    cases.write(name, ["input.wav" if free else "input.npy", "--class", str(best)], expected=maps[best])


def volumes(cases, name, network, shape, layer, opset, index=2):
    folder = cases.folder(name)
    values = volume(folder / "input.npy", shape)
    export(network, [values[None]], folder / "model.onnx", opset, {"input": {0: "n"}})
    expected = grad_cam(network, layer, [values[None]], lambda y: y[0, index])
    cases.write(name, ["input.npy", "--class", str(index)], expected=expected)


def pictures(cases, name, network, layer, opset, size=64, score=lambda y: y[0, 1], args=("--class", "1"), free=None,
             batch=1, last=False, full=False, **more):  # fmt: skip
    folder = cases.folder(name)
    picture(folder / "input.png")
    values = imagenet(folder / "input.png", 64 if full else size, 80 if full else size)
    if last:
        values = values.transpose(0, 2, 3, 1).copy()
    example = np.repeat(values, batch, 0)
    export(network, [example], folder / "model.onnx", opset, {"input": {0: "n"}} if free is None else free, **more)
    expected = grad_cam(network, layer, [values], score) if layer else None
    cases.write(name, ["input.png", *args, *(["--size", "full"] if full else [])], expected=expected)
    return folder


def half(cases, name, source):
    """Weights, input and output of 16 bits."""
    folder = cases.folder(name)
    picture(folder / "input.png")
    onnx.save(convert_float_to_float16(onnx.load(cases.folder(source) / "model.onnx")), folder / "model.onnx")
    cases.write(name, ["input.png", "--class", "1", "--reference", f"../{source}/model.onnx"])


def quantised(cases, network, layer, size, opset=13):
    source = pictures(cases, "float", network, layer, opset, size) / "model.onnx"
    forms = [("int8_qdq", QuantFormat.QDQ), ("int8_qdq_all_bits", QuantFormat.QDQ), ("int8_qoperator", QuantFormat.QOperator)]
    for name, form in forms:
        folder = cases.folder(name)
        picture(folder / "input.png")
        quantise(source, folder / "model.onnx", size, form, all_bits=name.endswith("all_bits"))
        cases.write(name, ["input.png", "--class", "1", "--reference", "../float/model.onnx"])


def small(cases):
    torch.manual_seed(1)
    volumes(cases, "volume", randomise_statistics(Volumes(width=4)), (1, 12, 20, 24), "features", 17)
    audio(cases, "audio_free", randomise_statistics(Audio(16, stride=4)), 8000, "features", True, 14, 0.25)
    audio(cases, "audio_fixed", randomise_statistics(Audio(16, stride=4)), 2000, "features", False, 14, 0.25)
    quantised(cases, randomise_statistics(Pictures()), "features", 32)
    half(cases, "half", "float")
    fixed = {"free": {}}
    pictures(cases, "batch_8", randomise_statistics(Pictures()), "features", 13, 32, batch=8, **fixed)
    pictures(cases, "nhwc", randomise_statistics(Pictures(last=True)), "features", 13, 32, last=True)
    pictures(cases, "sigmoid", randomise_statistics(Pictures(head=torch.sigmoid)), "features", 13, 32,
             score=lambda y: torch.logit(y)[0, 1])  # fmt: skip
    regression = randomise_statistics(Pictures(1, head=lambda x: x.squeeze(-1)))
    pictures(cases, "regression", regression, "features", 13, 32, score=lambda y: y[0], args=())
    size = {"input": {0: "n", 2: "h", 3: "w"}}
    pictures(cases, "any_size", randomise_statistics(Pictures()), "features", 13, free=size, full=True)
    embedding(cases, randomise_statistics(Pictures(6)))
    question(cases)
    zoo(cases)


def embedding(cases, network):
    """Similarity to another picture: the cosine of two embeddings."""
    folder = cases.folder("embedding")
    picture(folder / "input.png")
    Image.open(folder / "input.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "other.png")
    values, other = [imagenet(folder / name, 32, 32) for name in ("input.png", "other.png")]
    export(network, [values], folder / "model.onnx", 13, {"input": {0: "n"}})
    target = network.double()(torch.as_tensor(other).double()).detach()
    score = lambda y: torch.cosine_similarity(y, target)[0]  # noqa: E731
    expected = grad_cam(network, "features", [values], score)
    cases.write("embedding", ["input.png", "--similar-to", "other.png"], expected=expected)


def question(cases):
    folder = cases.folder("question")
    picture(folder / "input.png")
    words = np.array([[3, 1, 7, 0]])
    np.save(folder / "words.npy", words)
    (folder / "words.json").write_text(json.dumps(words[0].tolist()) + "\n")
    network = Question()
    values = imagenet(folder / "input.png", 32, 32)
    export(network, [values, words], folder / "model.onnx", 13, {"image": {0: "n"}, "words": {0: "n"}}, ("image", "words"))
    expected = grad_cam(network, "features", [values, words], lambda y: y[0, 1])
    cases.write("question", ["input.png", "--class", "1", "--input", "words=words.npy"], expected=expected)


def zoo(cases):
    network = randomise_statistics(Pictures())
    folder = pictures(cases, "zoo_opset_7", network, "features", 9, 32, keep_initializers_as_inputs=True)
    as_zoo(folder / "model.onnx")


def published(cases):
    torch.manual_seed(2)
    resnet = randomise_statistics(tv.resnet18(num_classes=100))
    quantised(cases, resnet, "layer4", 224)
    convnext = tv.convnext_tiny(num_classes=100)
    for block in convnext.modules():
        if isinstance(block, tv.convnext.CNBlock):
            nn.init.uniform_(block.layer_scale, 0.1, 1)  # initial values, a millionth, would hide what the blocks do
    pictures(cases, "convnext_fp32", convnext, None, 17, 224)
    half(cases, "convnext_fp16", "convnext_fp32")
    pictures(cases, "swin", tv.swin_t(num_classes=100), None, 17, 224)
    registers = timm.create_model("vit_small_patch14_reg4_dinov2", img_size=224, num_classes=100)
    pictures(cases, "vit_registers", registers, None, 17, 224)
    volumes(cases, "r3d_18", randomise_statistics(tv.video.r3d_18(num_classes=40)), (3, 16, 112, 112), "layer4", 17)
    audio(cases, "m5", randomise_statistics(Audio()), 8000, "features", True, 17)
    audio(cases, "m5_fixed", randomise_statistics(Audio()), 8000, "features", False, 17)
    squeezenet = pictures(cases, "squeezenet_opset_7", tv.squeezenet1_0(num_classes=100), None, 9, 224,
                          keep_initializers_as_inputs=True)  # fmt: skip
    as_zoo(squeezenet / "model.onnx")
    pictures(cases, "resnet50_batch_8", randomise_statistics(tv.resnet50(num_classes=100)), "layer4", 17, 224, batch=8,
             free={})  # fmt: skip


def as_zoo(path):
    """As the model zoo's first networks were written: operator set 7, IR version 3, weights among the inputs."""
    model = onnx.version_converter.convert_version(onnx.load(path), 7)
    model.ir_version = 3
    listed = {value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        if tensor.name not in listed:
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    (small if given.small else published)(Cases(given.out))


if __name__ == "__main__":
    sys.exit(main())
