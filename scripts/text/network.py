"""A small CRNN (Shi et al. 2015, arXiv 1507.05717): convolutions, a bidirectional LSTM along the line, scores of characters at each step."""

import torch
from torch import nn


class Crnn(nn.Module):
    def __init__(self, classes, width=24):
        super().__init__()
        sizes = [1, width, 2 * width, 3 * width, 4 * width]
        pools = [(2, 2), (2, 2), (2, 1), (2, 1)]
        self.convolutions = nn.Sequential(*(
            layer
            for at, pool in enumerate(pools)
            for layer in (
                nn.Conv2d(sizes[at], sizes[at + 1], 3, padding=1, bias=False),
                nn.BatchNorm2d(sizes[at + 1]),
                nn.ReLU(),
                nn.MaxPool2d(pool),
            )
        ))
        self.mix = nn.Sequential(nn.Conv2d(sizes[-1], sizes[-1], (2, 1), bias=False), nn.BatchNorm2d(sizes[-1]), nn.ReLU())
        self.along = nn.LSTM(sizes[-1], 64, bidirectional=True)
        self.scores = nn.Linear(128, classes)

    def forward(self, x):
        """Pictures [n, 1, 32, w] to logits [n, w / 4, classes]."""
        features = self.mix(self.convolutions(x)).squeeze(2)
        steps, _ = self.along(features.permute(2, 0, 1))
        return self.scores(steps).transpose(0, 1)
