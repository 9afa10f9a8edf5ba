"""Reference cases that torchvision's own detectors are, with small trunks: SSD, RetinaNet, FCOS and Faster R-CNN."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection._utils import BoxLinearCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.ssd import SSD
from torchvision.ops import MultiScaleRoIAlign

from reference_case import LEAST, LIVELY, SIDE, Case, Found, draw, prepared, roomy

WIDTH = 6
NAMES = ("background", "cat", "dog", "cup")
#: The shortest side of what the networks see: the picture is enlarged in the graph.
RESIZED = {"min_size": 96, "max_size": 160}


class Trunk(nn.Module):
    """[n, 3, h, w] -> maps of 6 channels at the strides 8 and 16, or the finer one alone."""

    out_channels = WIDTH

    def __init__(self, levels=2):
        super().__init__()
        self.levels = levels
        self.stages = nn.ModuleList(nn.Conv2d(WIDTH if i else 3, WIDTH, 3, 2, 1) for i in range(2 + levels))

    def forward(self, x):
        maps = []
        for stage in self.stages:
            x = F.relu(stage(x))
            maps.append(x)
        return OrderedDict((str(i), x) for i, x in enumerate(maps[2:]))


class Centres(FCOSHead):
    """torchvision's head with fewer channels than its 32 groups of normalisation allow."""

    def __init__(self):
        nn.Module.__init__(self)
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        groups = lambda channels: nn.GroupNorm(2, channels)
        self.classification_head = FCOSClassificationHead(WIDTH, 1, len(NAMES), num_convs=1, norm_layer=groups)
        self.regression_head = FCOSRegressionHead(WIDTH, 1, num_convs=1, norm_layer=groups)


def heard(network, part, image):
    """What a part of the network says while it looks at the picture, and what the network finds."""
    said = []
    handle = part.register_forward_hook(lambda module, inputs, output: said.append(output))
    (found,) = network([image])
    handle.remove()
    return said[0], found


def softmax(logits, shifts):
    """Scores of all classes but the background, whose logit is shifted."""
    shifted = torch.stack([logits[..., 0] - shifts[:, None], *(logits[..., i].expand(len(shifts), -1) for i in range(1, len(NAMES)))], 2)
    return shifted.softmax(2)[..., 1:].flatten(1)


def case(name, head, network, part, layers, logits_of, scores_of, order, count, exact=1e-4):
    """`layers` give class logits; `scores_of` the scores of logits [n, classes] and of what the part said, at shifts of their bias."""
    image, picture = prepared(batch=False)
    said, _ = heard(network, part, image)
    factor = LIVELY / logits_of(said).std().item()
    shift = roomy(lambda shifts: scores_of(factor * logits_of(said), said, shifts), count)
    background = scores_of is softmax_of
    with torch.no_grad():
        for layer in layers:
            layer.weight.mul_(factor)
            layer.bias.mul_(factor)
            if background:
                layer.bias.view(-1, len(NAMES))[:, 0] -= shift
            else:
                layer.bias += shift
    said, found = heard(network, part, image)
    logits = logits_of(said)
    scores = scores_of(logits, said, torch.zeros(1)).view(len(logits), -1)
    kind, best = found["labels"][0], found["scores"][0]
    column = scores[:, kind - 1 if background else kind]
    at = (column - best).abs().argmin()
    if (column[at] - best).abs() > 1e-6:
        raise SystemExit(f"{name}: the best detection is not found among the scores")
    good = found["scores"] > LEAST
    return Case(
        name, head, Listed(network, order), {"input": image}, {"input": "input", **picture}, order,
        Found(*(found[key][good].detach() for key in ("boxes", "scores", "labels"))), {"box:0": lambda picture: logits_of(heard(network, part, picture)[0])[at, kind]}, names=NAMES,
        exporters=(False,), brief=True, exact=exact,
    )


class Listed(nn.Module):
    """The detector of one picture [3, h, w], as its export takes it."""

    def __init__(self, network, order):
        super().__init__()
        self.network, self.order = network, order

    def forward(self, image):
        (found,) = self.network([image])
        return tuple(found[key] for key in self.order)


def softmax_of(logits, said, shifts):
    return softmax(logits, shifts)


def sigmoid_of(logits, said, shifts):
    return (logits + shifts[:, None, None]).sigmoid().flatten(1)


def centred(logits, said, shifts):
    """FCOS: the root of class times centre-ness."""
    return ((logits + shifts[:, None, None]).sigmoid() * said["bbox_ctrness"][0].sigmoid()).sqrt().flatten(1)


def first(said):
    return said["cls_logits"][0]


def cases():
    scored = ["boxes", "scores", "labels"]
    boxes = DefaultBoxGenerator([[2, 0.5], [2]], scales=[0.3, 0.5, 0.8])
    trunk = Trunk()
    # Of this one's trunk, the channels are asked for by level.
    trunk.out_channels = [WIDTH] * trunk.levels
    network = draw(SSD(trunk, boxes, (SIDE, SIDE), len(NAMES)), 11)
    convs = list(network.head.classification_head.module_list)
    yield case("ssd", "boxes, scores, labels; SSD", network, network.head, convs, first, softmax_of, scored, 14)

    anchors = AnchorGenerator(((16, 24), (40, 64)), ((0.5, 1.0),) * 2)
    head = RetinaNetHead(WIDTH, 4, len(NAMES))
    network = draw(RetinaNet(Trunk(), len(NAMES), anchor_generator=anchors, head=head, **RESIZED), 12)
    yield case("retinanet", "boxes, scores, labels; RetinaNet", network, network.head, [head.classification_head.cls_logits], first, sigmoid_of, scored, 14)

    anchors = AnchorGenerator(((16,), (40,)), ((1.0,),) * 2)
    head = Centres()
    network = draw(FCOS(Trunk(), len(NAMES), anchor_generator=anchors, head=head, **RESIZED), 13)
    yield case("fcos", "boxes, scores, labels; FCOS", network, network.head, [head.classification_head.cls_logits], first, centred, scored, 14)

    network = FasterRCNN(
        Trunk(1), rpn_anchor_generator=AnchorGenerator(((16, 32, 48),), ((0.5, 1.0, 2.0),)), box_roi_pool=MultiScaleRoIAlign(["0"], 3, 2),
        box_head=TwoMLPHead(WIDTH * 9, 16), box_predictor=FastRCNNPredictor(16, len(NAMES)), rpn_pre_nms_top_n_test=60,
        rpn_post_nms_top_n_test=20, **RESIZED,
    )
    predictor = draw(network, 14).roi_heads.box_predictor
    yield case(
        "faster-rcnn", "boxes, labels, scores; Faster R-CNN", network, predictor, [predictor.cls_score], lambda said: said[0], softmax_of,
        # Differences also see the proposals move, by which torchvision does not differentiate.
        ["boxes", "labels", "scores"], 10, exact=0.05,
    )
