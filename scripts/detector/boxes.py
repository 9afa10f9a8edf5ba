"""Boxes: how much they overlap, which cells answer for them, and which of them remain when the doubled ones are gone."""

import torch


def overlaps(a, b):
    """Intersection over union of boxes [..., m, 4] and [..., n, 4], edges x0 y0 x1 y1: [..., m, n]."""
    a, b = a.unsqueeze(-2), b.unsqueeze(-3)
    both = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    return both / (area(a) + area(b) - both).clamp(min=1e-9)


def area(boxes):
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def generalised(a, b):
    """Generalised intersection over union (arXiv 1902.09630) of boxes [m, 4] and [m, 4]: [m]."""
    both = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    union = area(a) + area(b) - both
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1).clamp(min=1e-9)
    return both / union.clamp(min=1e-9) - (hull - union) / hull


@torch.no_grad()
def assign(logits, boxes, centres, truths, most=10, power=(0.5, 6.0)):
    """Which cells answer for which object, and what they shall score: task-aligned assignment (TOOD, arXiv 2108.07755).

    Of the cells within an object, the `most` whose score and box already fit it best shall answer for it, the best of them with the
    overlap of its box as score.
    truths [n, m, 5]: 1 + class, x0, y0, x1, y1; class 0 where there is none. -> targets [n, classes, N], and the object [n, N] of each
    cell, -1 for background.
    """
    n, classes, count = logits.shape
    there = truths[:, :, 0] > 0
    kind = (truths[:, :, 0].long() - 1).clamp(min=0)
    edges = truths[:, :, 1:]
    inside = ((centres > edges[:, :, :2, None]) & (centres < edges[:, :, 2:, None])).all(2) & there.unsqueeze(2)
    fit = overlaps(edges, boxes.transpose(1, 2)) * inside
    score = logits.sigmoid().gather(1, kind.unsqueeze(2).expand(-1, -1, count))
    alignment = score ** power[0] * fit ** power[1]
    chosen = torch.zeros_like(inside).scatter(2, alignment.where(inside, -1).topk(most, 2).indices, True) & inside
    # A cell within several objects answers for the one that its box fits best.
    owner = ((fit + 1) * chosen).argmax(1)
    chosen &= torch.zeros_like(chosen).scatter(1, owner.unsqueeze(1), True)
    alignment = alignment * chosen
    share = alignment / alignment.amax(2, keepdim=True).clamp(min=1e-12) * (fit * chosen).amax(2, keepdim=True)
    positive = chosen.any(1)
    value = share.gather(1, owner.unsqueeze(1)).squeeze(1) * positive
    targets = torch.zeros(n, classes, count).scatter(1, kind.gather(1, owner).unsqueeze(1), value.unsqueeze(1))
    return targets, torch.where(positive, owner, -1)


def suppress(boxes, scores, threshold):
    """Plain non-maximum suppression: indices of the boxes [n, 4] that remain, best first."""
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while order.numel():
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[overlaps(boxes[best][None], boxes[order])[0] <= threshold]
    return torch.stack(kept) if kept else order
