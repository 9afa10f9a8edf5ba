"""Reference cases whose heads are written by hand after the files that are in use: YOLOv5, v8, 10, 11, 26 and YOLOX."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import batched_nms, nms

from reference_case import DOUBLE, LEAST, LIVELY, MOST, SIDE, Case, Found, draw, prepared, roomy

CLASSES, WIDTH, BINS, STRIDES = 3, 5, 16, (8, 16, 32)
KEPT = 20
ULTRALYTICS = {
    "description": "a reference", "task": "detect", "stride": "32", "imgsz": f"[{SIDE}, {SIDE}]", "batch": "1",
    "names": "{0: 'cat', 1: 'dog', 2: 'cup'}",
}


class Levels(nn.Module):
    """[n, 3, h, w] -> maps of 5 channels at the strides 8, 16 and 32."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(nn.Conv2d(3 if i == 0 else WIDTH, WIDTH, 3, 2, 1) for i in range(5))

    def forward(self, x):
        maps = []
        for stage in self.stages:
            x = F.silu(stage(x))
            maps.append(x)
        return maps[2:]


def tower(out, size=3):
    return nn.Sequential(nn.Conv2d(WIDTH, WIDTH, size, padding=size // 2), nn.SiLU(), nn.Conv2d(WIDTH, out, 1))


def grids(sides, offset):
    """Of all cells, level by level and row by row, their places [2, N] in strides, and the stride [1, N]."""
    places, strides = [], []
    for side, stride in zip(sides, STRIDES):
        y, x = torch.meshgrid(torch.arange(side) + offset, torch.arange(side) + offset, indexing="ij")
        places.append(torch.stack([x.flatten(), y.flatten()]).float())
        strides.append(torch.full((1, side * side), float(stride)))
    return torch.cat(places, 1), torch.cat(strides, 1)


class Distances(nn.Module):
    """The parts that v8, 10, 11 and 26 share: boxes by distances to their edges, with or without a distribution, and class logits."""

    def __init__(self, bins):
        super().__init__()
        self.bins = bins
        self.levels = Levels()
        self.edges = nn.ModuleList(tower(4 * bins) for _ in STRIDES)
        self.classes = nn.ModuleList(tower(CLASSES) for _ in STRIDES)
        places, strides = grids([SIDE // stride for stride in STRIDES], 0.5)
        self.register_buffer("places", places)
        self.register_buffer("strides", strides)
        self.register_buffer("weights", torch.arange(float(bins)).reshape(1, bins, 1, 1))

    def settle(self, images, count):
        """Boxes of about four strides to each side, and scores on both sides of the threshold."""
        for branch in self.edges:
            with torch.no_grad():
                if self.bins == 1:
                    branch[-1].weight.mul_(0.5)
                    branch[-1].bias.add_(3.5)
                else:
                    branch[-1].bias.add_(-0.2 * torch.arange(self.bins).repeat(4).float())
        with torch.no_grad():
            factor = LIVELY / self.logits(images).std()
            shift = roomy(lambda shifts: (factor * self.logits(images).amax(1) + shifts[:, None]).sigmoid(), count)
            for branch in self.classes:
                branch[-1].weight.mul_(factor)
                branch[-1].bias.mul_(factor).add_(shift)
        return self

    def logits(self, images):
        return torch.cat([branch(x).flatten(2) for branch, x in zip(self.classes, self.levels(images))], 2)

    def both(self, images):
        """-> edges [n, 4, N] in pixels, logits [n, classes, N]."""
        said = [torch.cat([edges(x), classes(x)], 1).flatten(2) for edges, classes, x in zip(self.edges, self.classes, self.levels(images))]
        edges, logits = torch.cat(said, 2).split((4 * self.bins, CLASSES), 1)
        if self.bins > 1:
            shares = edges.view(edges.shape[0], 4, self.bins, -1).transpose(1, 2).softmax(1)
            edges = F.conv2d(shares, self.weights).squeeze(1)
        first, last = edges.chunk(2, 1)
        return torch.cat([self.places - first, self.places + last], 1) * self.strides, logits


class Dense(nn.Module):
    """[n, 4 + classes, N]: centre, size, scores."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, images):
        edges, logits = self.body.both(images)
        first, last = edges.chunk(2, 1)
        return torch.cat([(first + last) / 2, last - first, logits.sigmoid()], 1)


class TwoStage(nn.Module):
    """[n, K, 6]: edges, score, class of the best, by two choices in the graph: of cells, then of their classes."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, images):
        edges, logits = self.body.both(images)
        edges, scores = edges.transpose(1, 2), logits.sigmoid().transpose(1, 2)
        cells = scores.amax(2).topk(KEPT, 1).indices.unsqueeze(2)
        scores = scores.gather(1, cells.repeat(1, 1, CLASSES))
        best, at = scores.flatten(1).topk(KEPT, 1)
        edges = edges.gather(1, cells.gather(1, (at // CLASSES).unsqueeze(2)).repeat(1, 1, 4))
        return torch.cat([edges, best.unsqueeze(2), (at % CLASSES).unsqueeze(2).float()], 2)


class Suppressed(nn.Module):
    """[1, 300, 6]: what non-maximum suppression in the graph leaves, zeros behind it."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, images):
        edges, logits = self.body.both(images)
        scores, kinds = logits[0].sigmoid().max(0)
        there = scores > LEAST
        edges, scores, kinds = edges[0].T[there], scores[there], kinds[there].float()
        kept = nms(edges + kinds.unsqueeze(1) * SIDE, scores, DOUBLE)[:MOST]
        rows = torch.cat([edges[kept], scores[kept].unsqueeze(1), kinds[kept].unsqueeze(1)], 1)
        return F.pad(rows, (0, 0, 0, MOST - rows.shape[0])).unsqueeze(0)


class Anchors(nn.Module):
    """YOLOv5's [n, N, 5 + classes], all sigmoid: centre, size, objectness, classes; by level, anchor, row and column."""

    SIZES = ((60, 48, 44, 64), (70, 61, 62, 85), (59, 119, 116, 90))

    def __init__(self):
        super().__init__()
        self.levels = Levels()
        self.heads = nn.ModuleList(nn.Conv2d(WIDTH, 2 * (5 + CLASSES), 1) for _ in STRIDES)

    def settle(self, liveliness):
        for head in self.heads:
            rows = head.weight.view(2, 5 + CLASSES, -1)
            rows[:, :4] *= 0.4
            rows[:, 4:] *= liveliness
            head.bias.zero_()

    def objectness(self):
        return [head.bias.view(2, 5 + CLASSES)[:, 4] for head in self.heads]

    def raw(self, images):
        """Of each level, [n, anchors, h, w, 5 + classes]."""
        for head, x in zip(self.heads, self.levels(images)):
            y = head(x)
            yield y.view(y.shape[0], 2, 5 + CLASSES, *y.shape[2:]).permute(0, 1, 3, 4, 2)

    def flat(self, images):
        return torch.cat([level.flatten(1, 3) for level in self.raw(images)], 1)

    def forward(self, images):
        out = []
        for level, sizes, stride in zip(self.raw(images), self.SIZES, STRIDES):
            height, width = level.shape[2:4]
            y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            place = torch.stack([x, y], 2).float() - 0.5
            anchor = torch.tensor(sizes, dtype=torch.float32).view(1, 2, 1, 1, 2)
            centre, size, scores = level.sigmoid().split((2, 2, 1 + CLASSES), 4)
            whole = torch.cat([(2 * centre + place) * stride, (2 * size) ** 2 * anchor, scores], 4)
            out.append(whole.flatten(1, 3))
        return torch.cat(out, 1)


class Yolox(nn.Module):
    """YOLOX's [n, N, 5 + classes], objectness and classes sigmoid; centre and size in cells, or decoded to pixels."""

    def __init__(self, decoded):
        super().__init__()
        self.decoded = decoded
        self.levels = Levels()
        self.classes = nn.ModuleList(tower(CLASSES) for _ in STRIDES)
        self.edges = nn.ModuleList(tower(4) for _ in STRIDES)
        self.objects = nn.ModuleList(tower(1) for _ in STRIDES)
        places, strides = grids([SIDE // stride for stride in STRIDES], 0)
        self.register_buffer("places", places.T)
        self.register_buffer("strides", strides.T)

    def settle(self, liveliness):
        for branch in self.edges:
            branch[-1].weight.mul_(0.15)
            branch[-1].bias.copy_(torch.tensor([0.5, 0.5, 2.0, 2.0]))
        for branch in [*self.classes, *self.objects]:
            branch[-1].weight.mul_(liveliness)

    def objectness(self):
        return [branch[-1].bias for branch in self.objects]

    def flat(self, images):
        parts = zip(self.edges, self.objects, self.classes, self.levels(images))
        return torch.cat([torch.cat([head(x) for head in heads], 1).flatten(2) for *heads, x in parts], 2).transpose(1, 2)

    def decode(self, out):
        return torch.cat([(out[..., :2] + self.places) * self.strides, out[..., 2:4].exp() * self.strides, out[..., 4:]], 2)

    def forward(self, images):
        parts = zip(self.edges, self.objects, self.classes, self.levels(images))
        out = torch.cat(
            [torch.cat([edges(x), objects(x).sigmoid(), classes(x).sigmoid()], 1).flatten(2) for edges, objects, classes, x in parts], 2
        ).permute(0, 2, 1)
        return self.decode(out) if self.decoded else out


def kept(rows, scores, kinds):
    """Rows [N, 4] of centre and size -> what plain suppression within a class leaves, and the rows' indices."""
    there = (scores > LEAST).nonzero().squeeze(1)
    centre, half = rows[there, :2], rows[there, 2:4] / 2
    boxes = torch.cat([centre - half, centre + half], 1)
    left = batched_nms(boxes, scores[there], kinds[there], DOUBLE)[:MOST]
    if len(left) == len(there):
        raise SystemExit("not a case: no box is suppressed")
    return Found(boxes[left].detach(), scores[there][left].detach(), kinds[there][left]), there[left]


def by_cell(body, kind, cell, asked):
    """The class logit of a cell, and those of its edges that are asked for, by name and index."""
    edge = lambda i: lambda picture: body.both(picture)[0][0, i, cell]
    return {"box:0": lambda picture: body.both(picture)[1][0, kind, cell]} | {f"box:0.{name}": edge(i) for name, i in asked.items()}


def dense(name, head, bins, seed, asked, **more):
    images, picture = prepared()
    body = draw(Distances(bins), seed).settle(images, 20)
    out = Dense(body)(images)[0].T
    found, rows = kept(out[:, :4], *out[:, 4:].max(1))
    questions = by_cell(body, found.classes[0], rows[0], asked)
    case = dict(picture={"input": "images", **picture}, metadata=ULTRALYTICS, inputs={"images": images}, outputs=["output0"])
    return Case(name, head, Dense(body), found=found, questions=questions, **case, **more)


def chosen(name, head, make, bins, seed, asked, metadata, **more):
    """Cases whose graph chooses: what their file gives is what is found."""
    images, picture = prepared()
    body = draw(Distances(bins), seed).settle(images, 14)
    module = make(body)
    rows = module(images)[0].detach()
    rows = rows[rows[:, 4] > LEAST]
    found = Found(rows[:, :4], rows[:, 4], rows[:, 5].long())
    at = (body.both(images)[0][0].T - rows[0, :4]).abs().sum(1).argmin()
    case = dict(picture={"input": "images", **picture}, metadata=ULTRALYTICS | metadata, inputs={"images": images}, outputs=["output0"])
    questions = by_cell(body, found.classes[0], at, asked)
    return Case(name, head, module, found=found, questions=questions, **case, **more)


def settle_objectness(module, images, count):
    """Lively scores, and an objectness that puts the best products, about `count`, above the threshold."""
    with torch.no_grad():
        module.settle(2 / module.flat(images)[..., 4:].std())
        flat = module.flat(images)[0]
        shift = roomy(lambda shifts: (flat[:, 4] + shifts[:, None]).sigmoid() * flat[:, 5:].sigmoid().amax(1), count)
        for bias in module.objectness():
            bias += shift


def with_objectness(name, head, module, seed, scale, metadata, **more):
    """Cases whose score is objectness times class."""
    images, picture = prepared(scale=scale)
    draw(module, seed)
    with torch.no_grad():
        module.levels.stages[0].weight.div_(255 * scale)
    settle_objectness(module, images, 30)
    out = module(images)[0]
    whole = module.decode(out[None])[0] if isinstance(module, Yolox) and not module.decoded else out
    best, kinds = whole[:, 5:].max(1)
    found, rows = kept(whole[:, :4], whole[:, 4] * best, kinds)
    said = lambda picture: module.flat(picture)[0, rows[0]]
    questions = {"box:0": lambda picture: said(picture)[5 + found.classes[0]], "box:0.objectness": lambda picture: said(picture)[4]}
    case = dict(picture={"input": "images", **picture}, metadata=metadata, inputs={"images": images})
    outputs = ["output" if isinstance(module, Yolox) else "output0"]
    return Case(name, head, module, found=found, questions=questions, outputs=outputs, **case, **more)


def cases():
    yield dense("yolov8", "[n, 4 + c, N], boxes by distributions", BINS, 1, {"left": 0, "bottom": 3})
    yield dense("yolo26-dense", "[n, 4 + c, N], boxes by distances", 1, 2, {}, keeps=(False,))
    yield with_objectness("yolov5", "[n, N, 5 + c], anchors", Anchors(), 3, 1 / 255, ULTRALYTICS)
    yield with_objectness("yolox", "[n, N, 5 + c], cells", Yolox(False), 4, 1.0, {}, keeps=(False,))
    yield with_objectness("yolox-decoded", "[n, N, 5 + c], decoded", Yolox(True), 4, 1.0, {}, keeps=(False,))
    end = {"end2end": "True"}
    yield chosen("yolo10", "[n, K, 6], two choices of the best", TwoStage, BINS, 5, {}, end, keeps=(False,))
    yield chosen("yolo26", "[n, K, 6], two choices of the best", TwoStage, 1, 6, {"right": 2}, end)
    yield chosen("nms", "[n, 300, 6], non-maximum suppression", Suppressed, BINS, 7, {"top": 1}, {})
