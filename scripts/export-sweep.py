"""Export a sweep of image classifiers with reference gradients, to test differentiation on many architectures.

Networks of torchvision and timm with random weights, small pictures, batch 2 and ten classes, at opsets 9 to 20: the
TorchScript exporter below opset 18, the dynamo exporter from there on. For each network the script writes a directory
OUT_DIR/<name> with `model.onnx`, `case.json` and `.npy` files:

- `output`, `activation` (A), `activation_gradient` (dY/dA), `grad_cam`, `input_gradient` and `output_gradient`, where Y
  is the sum over the pictures of one class logit each. A is the last map of more than one position; where channels come
  last or the grid is a row of tokens, it is the module that the network's `Target` names;
- `guided` and `deconv` (null unless every nonlinearity is a ReLU; `guided` also for ReLU6). Every ReLU, and ReLU6 as
  Clip(0, 6), is replaced in the backward pass by dy * (x > 0 [and x < 6]) * (dy > 0) for `guided` and by dy * (dy > 0)
  for `deconv`.

The references are PyTorch autograd in float64 on the same weights. Pictures are drawn again until float32 autograd
agrees, and once more where ONNX Runtime, not optimised, has a rectifier on the other side of its kink; `flips` under
`selfcheck` counts those that are left. `layer` is the tensor of the ONNX graph that has the value of A.

    pip install -r scripts/requirements.txt
    python scripts/export-sweep.py OUT_DIR [--only NAME,NAME]
    node scripts/sweep.mjs OUT_DIR

A network that failed has the reason in OUT_DIR/<name>/failure.txt; they are listed at the end, and the exit status is
then 1. The output takes two gigabytes and is not meant to be committed.
"""

import argparse
import copy
import json
import sys
import warnings
import zlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np
import onnx
import onnxruntime
import timm
import torch
import torchvision.models as tv
from timm.models import metaformer, mlp_mixer
from torch import nn
from torch.overrides import TorchFunctionMode

CLASSES = 10
BATCH = 2
PICTURE_ATTEMPTS = 8
FLIP_ATTEMPTS = 2
AGREEMENT = 3e-4
TOLERANCE = {"output": 1e-4, "activation": 1e-4}
OTHER_TOLERANCE = 1e-3
OTHER_NONLINEARITIES = {
    "celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "multi_head_attention_forward",
    "prelu", "scaled_dot_product_attention", "selu", "sigmoid", "silu", "softmax", "softplus", "tanh",
}


torch.backends.mha.set_fastpath_enabled(False)  # its fused operator has no ONNX equivalent


class Target(NamedTuple):
    """The module whose output is A, and how its axes are to be read; `grid` for tokens only."""

    module: str
    layout: str
    prefix: int = 0
    grid: tuple[int, int] | None = None

    @property
    def tokens(self):
        return self.grid and {"prefix": self.prefix, "h": self.grid[0], "w": self.grid[1]}


LAST_MAP = Target("", "NCHW")


class Network(NamedTuple):
    name: str
    make: Callable[[], nn.Module]
    size: int | tuple[int, int]
    opset: int
    target: Target = LAST_MAP

    @property
    def image_shape(self):
        height, width = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        return 3, height, width


# ---- Networks -------------------------------------------------------------------------------------------------------


def small_head(inputs):
    return nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, CLASSES))


def alexnet():
    network = tv.alexnet(num_classes=CLASSES)
    network.avgpool, network.classifier = nn.AdaptiveAvgPool2d(2), small_head(256 * 4)
    return network


def vgg11_bn():
    network = tv.vgg11_bn(num_classes=CLASSES)
    network.avgpool, network.classifier = nn.AdaptiveAvgPool2d(2), small_head(512 * 4)
    return network


def resnext():
    return tv.ResNet(tv.resnet.Bottleneck, [1, 1, 1, 1], num_classes=CLASSES, groups=8, width_per_group=4)


def convnext():
    widths = [24, 48, 96, 192]
    blocks = [tv.convnext.CNBlockConfig(a, b, 1) for a, b in zip(widths, [*widths[1:], None])]
    return tv.ConvNeXt(blocks, num_classes=CLASSES)


def wide_resnet():
    return tv.ResNet(tv.resnet.Bottleneck, [1, 1, 1, 1], num_classes=CLASSES, width_per_group=128)


def efficientnet_v2():
    fused, plain = tv.efficientnet.FusedMBConvConfig, tv.efficientnet.MBConvConfig
    blocks = [fused(1, 3, 1, 16, 16, 1), fused(4, 3, 2, 16, 24, 2)]
    blocks += [plain(4, 3, 2, 24, 40, 2), plain(6, 3, 2, 40, 64, 2)]
    return tv.EfficientNet(blocks, dropout=0.0, last_channel=128, num_classes=CLASSES)


def vision_transformer():
    return tv.VisionTransformer(64, 16, num_layers=3, num_heads=4, hidden_dim=48, mlp_dim=96, num_classes=CLASSES)


def swin(**options):
    return tv.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=CLASSES, **options)


def swin_v2():
    kinds = tv.swin_transformer
    return swin(block=kinds.SwinTransformerBlockV2, downsample_layer=kinds.PatchMergingV2)


def maxvit():
    return tv.MaxVit((64, 64), 16, 4, [16, 32], [1, 1], head_dim=8, stochastic_depth_prob=0.0, num_classes=CLASSES)


def mixer(**options):
    return mlp_mixer.MlpMixer(CLASSES, img_size=64, patch_size=16, num_blocks=3, embed_dim=48, **options)


def resmlp():
    return mixer(mlp_ratio=4, block_layer=mlp_mixer.ResBlock, norm_layer=mlp_mixer.Affine)


def gmlp():
    return mixer(mlp_ratio=6, block_layer=mlp_mixer.SpatialGatingBlock, mlp_layer=timm.layers.GatedMlp)


def caformer():
    mixers = [metaformer.SepConv, metaformer.SepConv, metaformer.Attention, metaformer.Attention]
    norms = [metaformer.LayerNorm2dNoBias] * 2 + [metaformer.LayerNormNoBias] * 2
    sizes = {"depths": (1, 1, 1, 1), "dims": (24, 32, 64, 64)}
    return metaformer.MetaFormer(num_classes=CLASSES, token_mixers=mixers, norm_layers=norms, **sizes)


def focalnet():
    return timm.models.focalnet.FocalNet(num_classes=CLASSES, embed_dim=24, depths=(1, 1, 1, 1))


def convmixer():
    return timm.models.convmixer.ConvMixer(64, 3, kernel_size=7, num_classes=CLASSES)


def torchvision_network(name, size, opset, **options):
    return Network(name, partial(tv.get_model, name, weights=None, num_classes=CLASSES, **options), size, opset)


def timm_network(name, size, opset, target=LAST_MAP, variant="", **options):
    make = partial(timm.create_model, name, num_classes=CLASSES, exportable=True, **options)
    return Network(f"timm_{name}{variant}", make, size, opset, target)


def plain_vit(name, size, opset, target, variant="", **options):
    """A transformer of three blocks of timm, of the family of `name`."""
    small = {"img_size": size, "embed_dim": 48, "depth": 3, "num_heads": 4} | options
    return timm_network(name, size, opset, target, variant, **small)


def tokens(module, prefix, height, width):
    return Target(module, "NTC", prefix, (height, width))


def channels_last(module):
    return Target(module, "NHWC")


NETWORKS = [
    Network("alexnet", alexnet, 95, 9),
    Network("vgg11_bn", vgg11_bn, 64, 11),
    Network("resnext", resnext, 80, 13),
    Network("convnext", convnext, 96, 17),
    torchvision_network("resnet18", 75, 9),
    torchvision_network("densenet121", 64, 16),
    torchvision_network("squeezenet1_1", 79, 11),
    torchvision_network("googlenet", 96, 13, aux_logits=False, init_weights=False),
    torchvision_network("inception_v3", 107, 17, aux_logits=False, init_weights=False),
    torchvision_network("shufflenet_v2_x0_5", 96, 18),
    torchvision_network("mobilenet_v2", 64, 20),
    torchvision_network("mobilenet_v3_small", 96, 16),
    torchvision_network("mnasnet0_5", 80, 13),
    torchvision_network("efficientnet_b0", 64, 18),
    torchvision_network("regnet_y_400mf", 96, 20),
    timm_network("resnetv2_50", 80, 17, layers=(1, 1, 1, 1)),
    timm_network("dla46_c", 96, 13),
    timm_network("dla34", 64, 18),
    timm_network("hrnet_w18_small", 64, 16),
    timm_network("ghostnet_100", 80, 11),
    timm_network("repvgg_a0", 64, 9),
    timm_network("lcnet_050", 96, 18),
    timm_network("tinynet_e", 96, 13),
    timm_network("res2net50_14w_8s", 64, 13, layers=(1, 1, 1, 1)),
    timm_network("selecsls42b", 64, 11),
    timm_network("hardcorenas_a", 80, 17),
    timm_network("tf_efficientnet_lite0", 96, 13),
    timm_network("cspresnet50", 64, 16),
    timm_network("darknet17", 64, 13),
    timm_network("ese_vovnet19b_dw", 96, 18),
    timm_network("rexnet_100", 64, 17),
    timm_network("mixnet_s", 80, 16),
    timm_network("gernet_s", 64, 20),
    timm_network("dpn48b", 64, 17),
    timm_network("resnest14d", 64, 16),
    timm_network("skresnet18", 64, 13),
    timm_network("legacy_seresnet18", 75, 11),
    timm_network("inception_v4", 80, 18),
    timm_network("xception41", 64, 17),
    timm_network("resnetblur18", 64, 18),
    timm_network("ecaresnet26t", 64, 17),
    timm_network("gcresnext26ts", 64, 17),
    timm_network("botnet26t_256", 96, 17, img_size=96),
    timm_network("fbnetc_100", 80, 9),
    timm_network("spnasnet_100", 64, 11),
    timm_network("semnasnet_075", 64, 20),
    timm_network("mobileone_s0", 64, 16),
    timm_network("repghostnet_050", 96, 18),
    timm_network("mobilenetv4_conv_small", 96, 20),
    timm_network("hgnetv2_b0", 64, 18),
    timm_network("starnet_s1", 64, 17),
    timm_network("poolformer_s12", 64, 17),
    timm_network("convnextv2_atto", 64, 20),
    timm_network("edgenext_xx_small", 96, 17),
    timm_network("fastvit_t8", 96, 18),
    timm_network("efficientvit_b0", 96, 17),
    timm_network("repvit_m0_9", 64, 18),
    timm_network("inception_next_atto", 96, 17),
    timm_network("eca_nfnet_l0", 64, 16),
    timm_network("pvt_v2_b0", 64, 17),
    torchvision_network("mobilenet_v3_large", 64, 18),
    torchvision_network("regnet_x_400mf", 64, 13),
    Network("wide_resnet", wide_resnet, 64, 16),
    Network("efficientnet_v2", efficientnet_v2, 64, 17),
    Network("vision_transformer", vision_transformer, 64, 17, tokens("encoder.layers.encoder_layer_2.ln_1", 1, 4, 4)),
    Network("swin", swin, 64, 16, channels_last("norm")),
    Network("swin_v2", swin_v2, 64, 17, channels_last("norm")),
    Network("maxvit", maxvit, 64, 18),
    plain_vit("vit_tiny_patch16_224", 64, 17, tokens("blocks.2.norm1", 1, 4, 4)),
    plain_vit("vit_tiny_patch16_224", 64, 18, tokens("blocks.2.norm1", 5, 4, 4), "_registers", reg_tokens=4),
    plain_vit(
        "vit_tiny_patch16_224", 64, 14, tokens("blocks.2", 0, 4, 4), "_gap", global_pool="avg", class_token=False
    ),
    plain_vit("vit_tiny_patch16_224", (64, 96), 20, tokens("blocks.2.norm1", 1, 4, 6), "_wide"),
    plain_vit("vit_relpos_small_patch16_224", 64, 17, tokens("blocks.2", 0, 4, 4)),
    plain_vit("deit_tiny_distilled_patch16_224", 64, 15, tokens("blocks.2.norm1", 2, 4, 4)),
    plain_vit("beit_base_patch16_224", 64, 17, tokens("blocks.2", 1, 4, 4)),
    plain_vit("eva02_tiny_patch14_224", 56, 18, tokens("blocks.2", 1, 4, 4)),
    plain_vit("cait_xxs24_224", 64, 16, tokens("blocks_token_only.1.norm1", 1, 4, 4)),
    plain_vit("xcit_nano_12_p16_224", 64, 17, tokens("cls_attn_blocks.1.norm1", 1, 4, 4)),
    timm_network(
        "swin_tiny_patch4_window7_224", 64, 18, channels_last("norm"),
        img_size=64, window_size=4, embed_dim=24, depths=(2, 2), num_heads=(2, 4),
    ),
    timm_network(
        "swinv2_tiny_window8_256", 64, 17, channels_last("norm"),
        img_size=64, window_size=4, embed_dim=24, depths=(2, 2), num_heads=(2, 4),
    ),
    Network("timm_mixer", mixer, 64, 13, tokens("norm", 0, 4, 4)),
    Network("timm_resmlp", resmlp, 64, 18, tokens("norm", 0, 4, 4)),
    Network("timm_gmlp", gmlp, 64, 11, tokens("norm", 0, 4, 4)),
    timm_network(
        "levit_128s", 128, 17, tokens("stages.2", 0, 2, 2),
        img_size=128, embed_dim=(32, 48, 64), num_heads=(2, 3, 4), depth=(1, 1, 1),
    ),
    timm_network(
        "efficientformer_l1", 224, 17, tokens("norm", 0, 7, 7), embed_dims=(16, 24, 32, 48), depths=(1, 1, 1, 2)
    ),
    timm_network("coatnet_nano_rw_224", 96, 17, img_size=96, embed_dim=(32, 32, 64, 64), depths=(1, 1, 1, 1)),
    timm_network("maxvit_pico_rw_256", 96, 18, img_size=96, embed_dim=(32, 32, 64, 64), depths=(1, 1, 1, 1)),
    Network("timm_caformer", caformer, 64, 17),
    timm_network("mobilevit_xxs", 64, 17),
    timm_network("mobilevitv2_050", 64, 18),
    timm_network("mambaout_femto", 64, 17, channels_last("stages.3"), dims=(24, 32, 48, 64), depths=(1, 1, 1, 1)),
    timm_network("twins_pcpvt_small", 64, 17, tokens("norm", 0, 2, 2), img_size=64, depths=(1, 1, 1, 1)),
    timm_network(
        "pit_ti_224", 112, 17, tokens("transformers.2.blocks.0.norm1", 1, 4, 4), img_size=112, depth=(1, 1, 1)
    ),
    timm_network("tiny_vit_5m_224", 64, 17, depths=(1, 1, 1, 1)),
    timm_network("davit_tiny", 64, 17, depths=(1, 1, 1, 1)),
    Network("timm_focalnet", focalnet, 64, 18),
    Network("timm_convmixer", convmixer, 56, 13),
    timm_network("visformer_tiny", 64, 17, img_size=64),
    timm_network("nextvit_small", 64, 17),
    timm_network("efficientvit_m0", 64, 13, img_size=64),
    timm_network("efficientformerv2_s0", 64, 18, img_size=64),
    timm_network("ghostnetv3_050", 64, 18),
    timm_network("tresnet_m", 64, 17),
    timm_network("fasternet_t0", 64, 17),
    timm_network("shvit_s1", 128, 20),
    timm_network("swiftformer_xs", 64, 17),
    timm_network("rdnet_tiny", 64, 18),
    timm_network("xception", 64, 11),
    timm_network("lambda_resnet26t", 64, 18, img_size=64),
    timm_network("resnet50_clip", 64, 17, img_size=64),
    timm_network("gcvit_xxtiny", 224, 17),
    timm_network("iformer_s", 64, 18),
    timm_network("lcnetv2_base", 64, 20),
    timm_network("mobilenetv4_hybrid_medium", 64, 17),
    timm_network(
        "convit_tiny", 64, 17, tokens("blocks.2.norm1", 1, 4, 4),
        img_size=64, embed_dim=48, depth=3, local_up_to_layer=2, num_heads=4,
    ),
    timm_network(
        "coat_lite_tiny", 64, 17, tokens("serial_blocks4.0.norm1", 1, 2, 2), img_size=64, serial_depths=(1, 1, 1, 1)
    ),
    timm_network(
        "sequencer2d_s", 64, 17, channels_last("norm"),
        layers=(1, 1, 1, 1), embed_dims=(32, 48, 48, 48), hidden_sizes=(8, 12, 12, 12),
    ),
    timm_network("vitamin_small_224", 64, 18, tokens("blocks.2", 0, 4, 4), img_size=64, depth=3),
    timm_network(
        "swinv2_cr_tiny_224", 64, 17, img_size=64, window_size=4, embed_dim=24, depths=(2, 2), num_heads=(2, 4)
    ),
    timm_network(
        "swin_tiny_patch4_window7_224", (64, 96), 17, channels_last("norm"), "_wide",
        img_size=(64, 96), window_size=4, embed_dim=24, depths=(2, 2), num_heads=(2, 4),
    ),
    timm_network(
        "hiera_tiny_224", 64, 17, tokens("blocks.3", 0, 2, 2), img_size=(64, 64), stages=(1, 1, 1, 1), embed_dim=24
    ),
    timm_network("vit_tiny_r_s16_p8_224", 64, 17, tokens("blocks.1.norm1", 1, 2, 2), img_size=64, depth=2),
    plain_vit("vit_base_patch16_siglip_224", 64, 17, tokens("norm", 0, 4, 4)),
    plain_vit("vit_base_patch16_clip_224", (96, 64), 18, tokens("blocks.2.norm1", 1, 6, 4)),
    plain_vit("deit3_small_patch16_224", 64, 16, tokens("blocks.2.norm1", 1, 4, 4)),
    plain_vit("vit_medium_patch16_rope_reg1_gap_256", 64, 20, tokens("blocks.2", 1, 4, 4)),
]


def randomize(network):
    """Give every weight a random value, and BatchNorm statistics that fit but are not exact, so that no map is flat."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if hasattr(module, "inplace"):
            module.inplace = False
    for name, parameter in network.named_parameters():
        if parameter.numel() == max(parameter.shape, default=1):
            nn.init.normal_(parameter, 0, 0.1) if name.endswith("bias") else nn.init.uniform_(parameter, 0.5, 1.5)


def calibrate(network, image_shape):
    norms = [module for module in network.modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    network(torch.randn(8, *image_shape))
    for norm in norms:
        norm.running_mean += 0.1 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean)
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.8, 1.25)


def clear_caches(network):
    """Forget the attention biases that timm keeps from the first call on: they have its precision."""
    for module in network.modules():
        getattr(module, "attention_bias_cache", {}).clear()


@torch.no_grad()
def make_network(entry):
    torch.manual_seed(zlib.crc32(entry.name.encode()))
    network = entry.make().eval()
    randomize(network)
    calibrate(network, entry.image_shape)
    clear_caches(network)
    return network.eval().requires_grad_(False)


# ---- References -----------------------------------------------------------------------------------------------------


class Rectify(torch.autograd.Function):
    """ReLU (ceiling infinity) or ReLU6 with the backward rule "guided" or "deconv"."""

    @staticmethod
    def forward(ctx, x, ceiling, rule):
        ctx.save_for_backward(x)
        ctx.ceiling, ctx.rule = ceiling, rule
        return x.clamp(0, ceiling)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        dx = dy * (dy > 0)
        if ctx.rule == "guided":
            dx = dx * ((x > 0) & (x < ctx.ceiling))
        return dx, None, None


class Nonlinearities(TorchFunctionMode):
    """Counts the calls of nonlinear functions, also outside modules, and gives rectifiers the backward rule, if any."""

    def __init__(self, rule):
        super().__init__()
        self.rule = rule
        self.calls = Counter()
        self.signs = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if "inplace" in kwargs:
            kwargs["inplace"] = False
        name = getattr(function, "__name__", "").rstrip("_")
        if name == "hardtanh" and (kwargs.get("min_val"), kwargs.get("max_val")) == (0, 6):
            name = "relu6"
        if name in {"relu", "relu6"}:
            self.calls[name] += 1
            if self.rule:
                return Rectify.apply(args[0], 6 if name == "relu6" else torch.inf, self.rule)
        elif name in OTHER_NONLINEARITIES:
            self.calls[name] += 1
        result = function(*args, **kwargs)
        if name in {"relu", "relu6", "leaky_relu"}:
            self.signs.append(result.detach().numpy() > 0)
        return result


class Pass(NamedTuple):
    """One forward pass, ready to be differentiated."""

    images: torch.Tensor
    activation: torch.Tensor
    logits: torch.Tensor
    calls: Counter
    signs: list[np.ndarray]


def forward(network, images, target, rule=None):
    """Run the network and keep the target's output: by default the last map of more than one position."""
    images = images.clone().requires_grad_()
    last = []

    def keep(module, inputs, output):
        is_map = torch.is_tensor(output) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1
        if target.module or is_map:
            last[:] = [(output, output._version)]

    modules = [network.get_submodule(target.module)] if target.module else network.modules()
    hooks = [module.register_forward_hook(keep) for module in modules]
    with Nonlinearities(rule) as nonlinearities:
        logits = network(images)
    for hook in hooks:
        hook.remove()
    activation, version = last[0]
    if activation._version != version:
        raise RuntimeError("the target activation is overwritten in place")
    return Pass(images, activation, logits, nonlinearities.calls, nonlinearities.signs)


def class_sum(logits, classes):
    return logits[torch.arange(len(classes)), classes].sum()


def channels_first(activation, target):
    """The activation, or its gradient, as [N, C, H, W], without prefix tokens."""
    if target.layout == "NHWC":
        return activation.permute(0, 3, 1, 2)
    if target.layout == "NTC":
        return activation[:, target.prefix :].transpose(1, 2).unflatten(2, target.grid)
    return activation


def grad_cam(activation, gradient, target):
    activation, gradient = channels_first(activation, target), channels_first(gradient, target)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * activation).sum(dim=1).relu()


def choose_classes(run, target):
    """For each picture the class with the strongest Grad-CAM map, a different class for each."""
    peaks = []
    for index in range(CLASSES):
        (gradient,) = torch.autograd.grad(run.logits[:, index].sum(), run.activation, retain_graph=True)
        peaks.append(grad_cam(run.activation, gradient, target).amax(dim=(1, 2)).detach())
    peaks = torch.stack(peaks, dim=1)
    first = peaks[0].argmax().item()
    peaks[1, first] = -1
    return [first, peaks[1].argmax().item()]


def rules_for(calls):
    """The backward rules that are defined for a network with these nonlinearities."""
    if not set(calls) <= {"relu", "relu6"}:
        return []
    return ["guided"] if "relu6" in calls else ["guided", "deconv"]


def reference(network, images, target, classes=None):
    """The expected arrays by name, the classes explained and the forward pass."""
    run = forward(network, images, target)
    classes = classes or choose_classes(run, target)
    wanted = [run.activation, run.images, run.logits]
    gradients = torch.autograd.grad(class_sum(run.logits, classes), wanted)
    values = dict(zip(["activation_gradient", "input_gradient", "output_gradient"], gradients))
    values |= {"output": run.logits, "activation": run.activation}
    values["grad_cam"] = grad_cam(run.activation, gradients[0], target)
    for rule in rules_for(run.calls):
        changed = forward(network, images, target, rule)
        (values[rule],) = torch.autograd.grad(class_sum(changed.logits, classes), changed.images)
    return {name: value.detach().numpy() for name, value in values.items()}, classes, run


def relative_error(value, expected):
    return float(np.abs(value - expected).max() / np.abs(expected).max())


def stable_reference(network, image_shape, target):
    """Pictures, and references in float64 that float32 autograd reproduces."""
    double = copy.deepcopy(network).double()
    best = np.inf
    for _ in range(PICTURE_ATTEMPTS):
        clear_caches(double)
        clear_caches(network)
        images = torch.randn(BATCH, *image_shape)
        expected, classes, run = reference(double, images.double(), target)
        if expected["grad_cam"].max(axis=(1, 2)).min() <= 0:
            continue
        single, _, _ = reference(network, images, target, classes)
        errors = {name: relative_error(single[name], expected[name]) for name in expected}
        best = min(best, max(errors.values()))
        if best < AGREEMENT:
            return images.numpy(), expected, classes, run, errors
    raise RuntimeError(f"float32 and float64 autograd differ by {best:.1e} at best")


# ---- ONNX -----------------------------------------------------------------------------------------------------------


def export(network, image_shape, opset, path):
    clear_caches(network)
    images = torch.zeros(BATCH, *image_shape)
    names = {"input_names": ["input"], "output_names": ["logits"], "opset_version": opset}
    if opset < 18:
        dynamic = {"dynamic_axes": {"input": {0: "batch"}, "logits": {0: "batch"}}}
        torch.onnx.export(network, (images,), path, dynamo=False, **names, **dynamic)
    else:
        dynamic = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
        torch.onnx.export(network, (images,), path, dynamo=True, external_data=False, verbose=False, **names, **dynamic)
    onnx.checker.check_model(str(path), full_check=True)


def run_exposed(model, images):
    """The value of `logits` and of every tensor that a node of the main graph makes, in order; no optimisation."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    outputs = [name for node in model.graph.node for name in node.output if name and name != "logits"]
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = ["logits", *outputs]
    return dict(zip(names, session.run(names, {"input": images})))


def count_flips(model, tensors, signs):
    """Rectified values with another sign than in the network; None where graph and network do not match one by one."""
    names = [node.output[0] for node in model.graph.node if node.op_type in {"Relu", "Clip", "LeakyRelu"}]
    if [tensors[name].shape for name in names] != [sign.shape for sign in signs]:
        return None
    return sum(int(((tensors[name] > 0) != sign).sum()) for name, sign in zip(names, signs))


def reference_without_flips(entry, network, model):
    """Pictures and references, and the graph's tensors on them, with as few flips as a few drawings give."""
    best = None
    for _ in range(FLIP_ATTEMPTS):
        try:
            found = stable_reference(network, entry.image_shape, entry.target)
        except RuntimeError:
            if best is None:
                raise
            break
        tensors = run_exposed(model, found[0])
        flips = count_flips(model, tensors, found[3].signs)
        if best is None or (flips or 0) < best[2]:
            best = found, tensors, flips
        if not flips:
            break
    return best


def find_layer(model, tensors, activation):
    """The tensor that has the value of the activation, and its error.

    The first one; but where the last of several is a rectifier's, that one: the sum in front of it may happen to have
    no negative value, and has another gradient at zero.
    """
    errors = {
        name: relative_error(value, activation) for name, value in tensors.items() if value.shape == activation.shape
    }
    equal = [name for name, error in errors.items() if error < TOLERANCE["activation"]]
    if not equal:
        raise RuntimeError("no tensor of the graph has the value of the target activation")
    rectified = {node.output[0] for node in model.graph.node if node.op_type in {"Relu", "Clip"}}
    layer = equal[-1] if equal[-1] in rectified else equal[0]
    return layer, errors[layer]


def runs_with_batch(path, images, batch):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    try:
        (logits,) = session.run(["logits"], {"input": np.resize(images, (batch, *images.shape[1:]))})
    except onnxruntime.capi.onnxruntime_pybind11_state.OnnxruntimeException:
        return False
    return len(logits) == batch


def clip_limits(node, constants):
    """The limits of a Clip node as [min, max]: attributes before opset 11, inputs from there on; None where absent."""
    if node.attribute:
        values = {attribute.name: attribute.f for attribute in node.attribute}
        return [values.get("min"), values.get("max")]
    return [constants.get(name) for name in node.input[1:]]


def count_rectifiers(model):
    """Number of Relu and Clip(0, 6) nodes."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    scalars = {name: onnx.numpy_helper.to_array(t).item() for name, t in constants.items() if not t.dims}
    return sum(
        node.op_type == "Relu" or (node.op_type == "Clip" and clip_limits(node, scalars) == [0, 6])
        for node in model.graph.node
    )


# ---- Cases ----------------------------------------------------------------------------------------------------------


def write_case(entry, directory):
    """Export one network with its references and return a line that sums it up."""
    network = make_network(entry)
    path = directory / "model.onnx"
    export(network, entry.image_shape, entry.opset, path)
    model = onnx.load(path)
    (images, expected, classes, run, errors), tensors, flips = reference_without_flips(entry, network, model)
    calls = run.calls
    if rules_for(calls) and count_rectifiers(model) != calls.total():
        raise RuntimeError(f"{count_rectifiers(model)} rectifiers in the graph, {calls.total()} in the network")
    output_error = relative_error(tensors["logits"], expected["output"])
    if output_error > TOLERANCE["output"]:
        raise RuntimeError(f"the output of the ONNX model differs by {output_error:.1e}")
    layer, layer_error = find_layer(model, tensors, expected["activation"])

    np.save(directory / "input_input.npy", images)
    for name, value in expected.items():
        np.save(directory / f"{name}.npy", value.astype(np.float32))
    case = {
        "name": entry.name,
        "family": entry.name,
        "exporter": "torchscript" if entry.opset < 18 else "dynamo",
        "opset": entry.opset,
        "inputs": [
            {"name": "input", "file": "input_input.npy", "shape": list(images.shape), "dtype": str(images.dtype)}
        ],
        "image_input": "input",
        "output": "logits",
        "classes": classes,
        "reduction": {"kind": "class_logit"},
        "layer": layer,
        "layer_kind": "tokens" if entry.target.grid else "conv",
        "layout": entry.target.layout,
        "tokens": entry.target.tokens,
        "activation": "+".join(sorted(calls)),
        "batch": BATCH,
        "batch_dynamic": all(runs_with_batch(path, images, batch) for batch in (1, 3)),
        "expected": {name: f"{name}.npy" for name in expected}
        | {name: None for name in ("guided", "deconv") if name not in expected},
        "tolerance": {"measure": "max|a-b| / max|b| over the whole file, b = reference"}
        | {name: TOLERANCE.get(name, OTHER_TOLERANCE) for name in expected if name != "output_gradient"},
        "scalars": [float(expected["output"][index, label]) for index, label in enumerate(classes)],
        "notes": "",
        "selfcheck": {
            "onnx_output_error": output_error,
            "onnx_activation_error": layer_error,
            "float32_vs_float64": errors,
            "flips": flips,
            "ops": dict(Counter(node.op_type for node in model.graph.node).most_common()),
        },
    }
    (directory / "case.json").write_text(json.dumps(case, indent=1) + "\n")
    shape = "x".join(map(str, expected["activation"].shape[1:]))
    return f"opset {entry.opset}, {path.stat().st_size / 1e6:.1f} MB, {layer} {shape}, {case['activation']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--only", help="names of networks, separated by commas")
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else [entry.name for entry in NETWORKS]
    unknown = set(only) - {entry.name for entry in NETWORKS}
    if unknown:
        parser.error(f"unknown networks: {', '.join(sorted(unknown))}")

    warnings.simplefilter("ignore")
    failures = {}
    for name in only:
        entry = next(entry for entry in NETWORKS if entry.name == name)
        directory = arguments.out_dir / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "case.json").unlink(missing_ok=True)
        (directory / "failure.txt").unlink(missing_ok=True)
        try:
            print(f"{name}: {write_case(entry, directory)}", flush=True)
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
            (directory / "failure.txt").write_text(f"opset {entry.opset}: {failures[name]}\n")
            print(f"{name}: failed", flush=True)

    print(f"{len(only) - len(failures)} of {len(only)} networks succeeded")
    for name, reason in failures.items():
        print(f"failed: {name}: {reason}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
