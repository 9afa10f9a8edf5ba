"""The networks of the bundled scene models: one trunk of four convolutions, and three heads that read its 12 x 12 grid.

The trunk sees 31 x 31 pixels at each place and keeps a grid of 12 x 12 for a picture of 96 x 96, so that what a channel says is
said of a small part of the picture. Positions enter as coordinates or as learned templates, since captions and answers
need them; nothing mixes distant places in front of the last convolution.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

GRID = 12
CHANNELS = 128


def coordinates():
    """[1, 2, 12, 12]: x and y of each place, -1 to 1."""
    line = torch.linspace(-1, 1, GRID)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y])[None]


class Trunk(nn.Sequential):
    """pixel_values [n, 3, 96, 96] -> rectified features [n, 128, 12, 12]."""

    def __init__(self, widths=(32, 64, 96, CHANNELS), strides=(2, 2, 2, 1)):
        layers, before = [], 3
        for width, stride in zip(widths, strides):
            layers += [nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        super().__init__(*layers)


class RecurrentCaptioner(nn.Module):
    """An LSTM whose state starts from the picture's feature, and which reads that feature beside each word. No attention.

    The feature is a linear layer on sums of the trunk's channels over 25 learned templates of places.
    """

    def __init__(self, vocabulary, templates=5, width=256, embedding=64):
        super().__init__()
        centres = (torch.arange(templates) + 0.5) / templates * GRID - 0.5
        places = torch.arange(GRID).float()
        bump = torch.exp(-(((places[:, None] - centres[None]) / (GRID / templates)) ** 2) * 2)
        bump = bump / bump.sum(0)
        self.templates = nn.Parameter(torch.einsum("ya,xb->yxab", bump, bump).reshape(GRID * GRID, templates**2) * 4)
        self.feature = nn.Linear(CHANNELS * templates**2, width)
        self.start = nn.Linear(width, 2 * width)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding + width, width, batch_first=True)
        self.words = nn.Linear(width, vocabulary)

    def encode(self, grid):
        """features [n, width], h0 and c0 [1, n, width]."""
        feature = F.relu(self.feature((grid.flatten(2) @ self.templates).flatten(1)))
        h, c = torch.tanh(self.start(feature)).chunk(2, 1)
        return feature, h.unsqueeze(0), c.unsqueeze(0)

    def step(self, features, words, h, c):
        """One or more words: logits [n, length, vocabulary] and the next state."""
        embedded = self.embedding(words)
        read = torch.cat([embedded, features.unsqueeze(1).expand(-1, words.shape[1], -1)], 2)
        out, (h, c) = self.lstm(read, (h, c))
        return self.words(out), h, c

    def forward(self, grid, words):
        """words [n, captions, length] -> logits [n * captions, length, vocabulary]."""
        encoded = self.encode(grid)
        count = words.shape[1]
        features = encoded[0].repeat_interleave(count, 0)
        h, c = (state.repeat_interleave(count, 1) for state in encoded[1:])
        return self.step(features, words.flatten(0, 1), h, c)[0]


class Attention(nn.Module):
    """Multi-head attention in plain matrix products, so that its ONNX form is plain too."""

    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, memory, mask=None):
        split = lambda t: t.unflatten(2, (self.heads, -1)).transpose(1, 2)
        query, key, value = split(self.query(x)), split(self.key(memory)), split(self.value(memory))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores + mask
        return self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A layer of the decoder: words look at earlier words, then at the picture."""

    def __init__(self, width):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.words, self.picture = Attention(width), Attention(width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, x, picture, mask):
        y = self.norms[0](x)
        x = x + self.words(y, y, mask)
        # Several captions of one picture ask it together.
        y = self.norms[1](x).reshape(picture.shape[0], -1, x.shape[2])
        x = x + self.picture(y, picture).reshape(x.shape)
        return x + self.feed(self.norms[2](x))


class TransformerCaptioner(nn.Module):
    """A transformer decoder over the 144 places of the trunk's grid."""

    def __init__(self, vocabulary, width=128, layers=2, longest=16):
        super().__init__()
        self.project = nn.Linear(CHANNELS, width)
        self.places = nn.Parameter(torch.randn(1, GRID * GRID, width) * 0.1)
        self.norm = nn.LayerNorm(width)
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(1, longest, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.words = nn.Linear(width, vocabulary)
        self.register_buffer("mask", torch.full((longest, longest), -1e4).triu(1), persistent=False)

    def encode(self, grid):
        """The picture as a sequence [n, 144, width]."""
        return self.norm(self.project(grid.flatten(2).transpose(1, 2)) + self.places)

    def decode(self, words, picture):
        """words [n, length] -> logits [n, length, vocabulary]."""
        length = words.shape[1]
        x = self.embedding(words) + self.positions[:, :length]
        for block in self.blocks:
            x = block(x, picture, self.mask[:length, :length])
        return self.words(self.last(x))

    def forward(self, grid, words):
        return self.decode(words.flatten(0, 1), self.encode(grid))


class Answerer(nn.Module):
    """A GRU reads the question, and scales and shifts the channels of three 1 x 1 convolutions by it (FiLM).

    What the first of them finds anywhere in the picture (its maximum and mean) takes part in steering the other two: a question
    about two objects is answered in two looks. The last one's rectified output is pooled for the answer.
    """

    def __init__(self, vocabulary, answers, width=64, words=128, embedding=32):
        super().__init__()
        self.register_buffer("coordinates", coordinates(), persistent=False)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.gru = nn.GRU(embedding, words, batch_first=True)
        # The first two looks' view of the picture is the same for every question.
        self.view = nn.Conv2d(CHANNELS + 2, 2 * width, 1)
        self.again = nn.Conv2d(width, width, 1, bias=False)
        self.third = nn.Conv2d(width, width, 1)
        self.steer = nn.ModuleList(nn.Linear(size, 2 * width) for size in (words, words + 2 * width, words + 2 * width))
        self.answer = nn.Sequential(nn.Linear(words + 4 * width, 128), nn.ReLU(), nn.Linear(128, answers))

    def read(self, question):
        """The GRU's state after the last word that is not padding (0): [n, words]."""
        out, _ = self.gru(self.embedding(question))
        there = (question != 0).float()
        last = there - F.pad(there[:, 1:], (0, 1))
        return (out * last.unsqueeze(2)).sum(1)

    def film(self, i, grid, meaning):
        scale, shift = self.steer[i](meaning).unsqueeze(2).unsqueeze(3).chunk(2, 1)
        return F.relu(torch.addcmul(shift, grid, 1 + scale))

    def forward(self, grid, question, owner=None):
        """question [m, length], and the row of the grid that each is about (its own unless told) -> logits [m, answers]."""
        view = self.view(torch.cat([grid, self.coordinates.expand(grid.shape[0], -1, -1, -1)], 1))
        if owner is not None:
            view = view[owner]
        once, twice = view.chunk(2, 1)
        meaning = self.read(question)
        first = self.film(0, once, meaning)
        found = torch.cat([meaning, pool(first)], 1)
        second = self.film(1, twice + self.again(first), found)
        third = self.film(2, self.third(second), found)
        return self.answer(torch.cat([found, pool(third)], 1))


def pool(grid):
    return torch.cat([grid.amax((2, 3)), grid.mean((2, 3))], 1)


class Namer(nn.Module):
    """Which pairs of properties are in the picture, e.g. something red and round: a label of the whole picture, never of a place.

    It takes part in training only, and teaches the trunk what objects are before captions and answers can.
    """

    def __init__(self, sizes=(5, 6, 2, 3)):
        super().__init__()
        self.sizes = sizes
        self.pairs = [(a, b) for b in range(len(sizes)) for a in range(b)]
        self.names = nn.Conv2d(CHANNELS, sum(sizes[a] * sizes[b] for a, b in self.pairs), 1)

    def forward(self, grid):
        return self.names(grid).amax((2, 3))

    def labels(self, objects):
        """objects [n, 4, 4], 1 + index of each property, 0 where there is none -> [n, pairs]."""
        there = objects[:, :, 0] > 0
        columns = []
        for a, b in self.pairs:
            pair = (objects[:, :, a] - 1) * self.sizes[b] + objects[:, :, b] - 1
            hot = F.one_hot(pair.clamp(min=0), self.sizes[a] * self.sizes[b]) * there.unsqueeze(2)
            columns.append(hot.amax(1))
        return torch.cat(columns, 1).float()
