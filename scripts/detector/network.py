"""The detector of models/scenes-detector/: a convolutional trunk, a feature pyramid, and an anchor-free head at three levels."""

import torch
import torch.nn.functional as F
from torch import nn

STRIDES = (8, 16, 32)
#: Channels of the trunk at the strides 2, 4, 8, 16, 32, and of each level of the pyramid.
WIDTHS, PYRAMID = (16, 32, 48, 64, 96), 48


def convolution(before, after, size=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, size // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions beside the identity (arXiv 1512.03385)."""

    def __init__(self, channels):
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


class Head(nn.Module):
    """What one level says: logits [n, classes, h, w], and the distances to a box's four edges [n, 4, h, w] in strides."""

    def __init__(self, channels, classes):
        super().__init__()
        tower = lambda: nn.Sequential(convolution(channels, channels), convolution(channels, channels))
        self.classes = nn.Sequential(*tower(), nn.Conv2d(channels, classes, 1))
        self.edges = nn.Sequential(*tower(), nn.Conv2d(channels, 4, 1))
        nn.init.constant_(self.classes[-1].bias, -4.0)
        nn.init.constant_(self.edges[-1].bias, 1.0)

    def forward(self, x):
        return self.classes(x), F.softplus(self.edges(x))


class Detector(nn.Module):
    """images [n, 3, side, side] in 0..1 -> logits [n, classes, N] and boxes [n, 4, N], x0 y0 x1 y1 in pixels.

    N cells, the finest level first, row by row. A box is told by the distances from its cell's centre, as in FCOS (arXiv 1904.01355),
    and the pyramid is that of arXiv 1612.03144.
    """

    def __init__(self, classes, side):
        super().__init__()
        before = (3, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(convolution(a, b, stride=2), *([Residual(b)] if i else [])) for i, (a, b) in enumerate(zip(before, WIDTHS))
        )
        self.laterals = nn.ModuleList(nn.Conv2d(width, PYRAMID, 1) for width in WIDTHS[-3:])
        self.levels = nn.ModuleList(convolution(PYRAMID, PYRAMID) for _ in STRIDES)
        self.heads = nn.ModuleList(Head(PYRAMID, classes) for _ in STRIDES)
        centres, scale = cells(side)
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, images):
        x, seen = images, []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        # From coarse to fine, each level adds what the coarser one knows.
        tops, above = [], None
        for lateral, x in zip(reversed(self.laterals), reversed(seen[-3:])):
            above = lateral(x) if above is None else lateral(x) + F.interpolate(above, scale_factor=2, mode="nearest")
            tops.append(above)
        said = [head(level(x)) for head, level, x in zip(self.heads, self.levels, reversed(tops))]
        logits, distances = (torch.cat([part.flatten(2) for part in parts], 2) for parts in zip(*said))
        distances = distances * self.scale
        return logits, torch.cat([self.centres - distances[:, :2], self.centres + distances[:, 2:]], 1)


class Detections(nn.Module):
    """The detector as its file has it: output [n, 4 + classes, N], centre, width and height of a box in pixels, then scores."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, images):
        logits, boxes = self.detector(images)
        first, last = boxes[:, :2], boxes[:, 2:]
        return torch.cat([(first + last) / 2, last - first, logits.sigmoid()], 1)


def cells(side):
    """The centres [2, N] of all cells, and the stride [N] of each, in pixels."""
    centres, scale = [], []
    for stride in STRIDES:
        at = (torch.arange(side // stride) + 0.5) * stride
        y, x = torch.meshgrid(at, at, indexing="ij")
        centres.append(torch.stack([x.flatten(), y.flatten()]))
        scale.append(torch.full((at.numel() ** 2,), float(stride)))
    return torch.cat(centres, 1), torch.cat(scale)
