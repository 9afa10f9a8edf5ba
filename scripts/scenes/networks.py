"""The networks of the bundled scene models: one trunk of four convolutions, and heads that read its 12 x 12 grid.

The trunk sees 31 x 31 pixels at each place and keeps a grid of 12 x 12 for a picture of 96 x 96, so that what a channel says is
said of a small part of the picture. Positions enter as coordinates, since captions and answers need them.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

GRID = 12
CHANNELS = 128
#: An object covers about one place in so many: a mean over the places, times this, is what one object says.
COVER = 16
#: How many shapes, colours, sizes and textures there are, and how many pairs of two of them.
PROPERTIES = (5, 6, 2, 3)
COMBINED = [(a, b) for b in range(len(PROPERTIES)) for a in range(b)]
PAIRS = sum(PROPERTIES[a] * PROPERTIES[b] for a, b in COMBINED)


def coordinates(grid):
    """[1, 2, grid, grid]: x and y of each place, -1 to 1."""
    line = torch.linspace(-1, 1, grid)
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


class Relations(nn.Module):
    """Shows every place of the grid the others: coordinates, and dilated convolutions whose windows together cover the picture.

    So a channel can say "the colour of the object that is spoken of" and be silent on other objects that have it, as those of a deep
    network's last convolution can.
    """

    def __init__(self, channels, width=96, dilations=(1, 2, 4)):
        super().__init__()
        self.register_buffer("coordinates", coordinates(GRID), persistent=False)
        self.enter = nn.Conv2d(CHANNELS + 2, width, 1)
        self.look = nn.ModuleList(nn.Conv2d(width, width, 3, padding=d, dilation=d) for d in dilations)
        self.leave = nn.Conv2d(width, channels, 1)

    def forward(self, grid):
        """[n, 128, 12, 12] -> [n, channels, 12, 12], rectified."""
        x = F.relu(self.enter(torch.cat([grid, self.coordinates.expand(grid.shape[0], -1, -1, -1)], 1)))
        for look in self.look:
            x = F.relu(x + look(x))
        return F.relu(self.leave(x))


class RecurrentCaptioner(nn.Module):
    """An LSTM whose state starts from the picture's feature, and whose output gates that feature for each word. No attention.

    The feature is the mean over the places, so that the gradient is the same at each of them and Grad-CAM's mean of it loses nothing.
    """

    def __init__(self, vocabulary, feature=256, width=256, embedding=64):
        super().__init__()
        self.relations = Relations(feature)
        self.start = nn.Linear(feature, 2 * width)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, width, batch_first=True)
        self.gate = nn.Linear(width, feature)
        self.words = nn.Linear(width + feature, vocabulary)

    def encode(self, seen):
        """What the relations gave -> features [n, feature], h0 and c0 [1, n, width]."""
        feature = seen.mean((2, 3)) * COVER
        h, c = torch.tanh(self.start(feature)).chunk(2, 1)
        return feature, h.unsqueeze(0), c.unsqueeze(0)

    def step(self, features, words, h, c):
        """One or more words: logits [n, length, vocabulary] and the next state."""
        out, (h, c) = self.lstm(self.embedding(words), (h, c))
        seen = F.relu(self.gate(out)) * features.unsqueeze(1)
        return self.words(torch.cat([out, seen], 2)), h, c

    def forward(self, seen, words):
        """words [n, length] -> logits [n, length, vocabulary]."""
        features, h, c = self.encode(seen)
        return self.step(features, words, h, c)[0]


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
        x = x + self.picture(self.norms[1](x), picture)
        return x + self.feed(self.norms[2](x))


class TransformerCaptioner(nn.Module):
    """A transformer decoder over a few tokens, each the mean over the places of channels of its own.

    So it attends to what there is in the picture, not to where; attending to places would give the gradient at each place a weight
    that Grad-CAM's mean loses.
    """

    def __init__(self, vocabulary, width=128, tokens=16, channels=32, layers=2, longest=16):
        super().__init__()
        self.relations = Relations(tokens * channels)
        self.widen = nn.Linear(channels, width, bias=False)
        self.tokens = nn.Parameter(torch.randn(1, tokens, width))
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(1, longest, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.words = nn.Linear(width, vocabulary)
        self.register_buffer("mask", torch.full((longest, longest), -1e4).triu(1), persistent=False)

    def encode(self, seen):
        """What the relations gave -> the picture as a sequence [n, tokens, width]."""
        pooled = COVER * seen.mean((2, 3)).unflatten(1, (-1, self.widen.in_features))
        return self.widen(pooled) + self.tokens

    def decode(self, words, picture):
        """words [n, length] -> logits [n, length, vocabulary]."""
        length = words.shape[1]
        x = self.embedding(words) + self.positions[:, :length]
        for block in self.blocks:
            x = block(x, picture, self.mask[:length, :length])
        return self.words(self.last(x))

    def forward(self, seen, words):
        return self.decode(words, self.encode(seen))


class Answerer(nn.Module):
    """A GRU reads the question, and scales and shifts the channels of three 1 x 1 convolutions by it (FiLM).

    What the first of them finds (the maximum and mean of each channel, and where it is) takes part in steering the other two: a
    question about two objects is answered in two looks. The last one goes over a list of places, and is pooled for the answer.
    """

    def __init__(self, vocabulary, answers, grid=GRID, width=64, words=128, embedding=32):
        super().__init__()
        self.register_buffer("coordinates", coordinates(grid), persistent=False)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.gru = nn.GRU(embedding, words, batch_first=True)
        # The first two looks' view of the picture is the same for every question.
        self.view = nn.Conv2d(CHANNELS + 2, 2 * width, 1)
        self.again = nn.Conv2d(width, width, 1, bias=False)
        self.third = nn.Conv1d(width, width, 1)
        found = words + 4 * width
        self.steer = nn.ModuleList(nn.Linear(size, 2 * width) for size in (words, found, found))
        self.answer = nn.Sequential(nn.Linear(found + 2 * width, 128), nn.ReLU(), nn.Linear(128, answers))

    def film(self, i, grid, meaning):
        scale, shift = self.steer[i](meaning).unflatten(1, (-1, *[1] * (grid.ndim - 2))).chunk(2, 1)
        return F.relu(torch.addcmul(shift, grid, 1 + scale))

    def where(self, grid):
        """The mean place of each channel's values, the larger ones counting most: [m, 2 * width]."""
        weights = (2 * grid.flatten(2)).softmax(2)
        return (weights @ self.coordinates.flatten(2).transpose(1, 2)).flatten(1)

    def forward(self, grid, question, owner=None):
        """question [m, length], and the row of the grid that each is about (its own unless told) -> logits [m, answers]."""
        view = self.view(torch.cat([grid, self.coordinates.expand(grid.shape[0], -1, -1, -1)], 1))
        if owner is not None:
            view = view[owner]
        once, twice = view.chunk(2, 1)
        said, _ = self.gru(self.embedding(question))
        meaning = after_last_word(said, question)
        first = self.film(0, once, meaning)
        found = torch.cat([meaning, pool(first), self.where(first)], 1)
        second = self.film(1, twice + self.again(first), found)
        third = self.film(2, self.third(second.flatten(2)), found)
        return self.answer(torch.cat([found, pool(third)], 1))


class Comparer(nn.Module):
    """Compares two named objects: how much speaks for "yes" to a question about a relation or a comparison.

    Every word looks for what the phrase that ends in it names, by softmax attention over the grid's places. A phrase is read by a
    convolution over five words, so that "the small star" is looked for alike whatever is asked about it. A GRU then reads the
    words, the places that they found, and how alike each find is to those of the words before, never what it is. Convolutions
    over the picture go over a list of places, so that the answerer's grid stays the model's last.
    """

    def __init__(self, vocabulary, embedding=32, width=128, heads=4, longest=16):
        super().__init__()
        self.heads, self.width = heads, width
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.register_buffer("places", coordinates(GRID).flatten(2).transpose(1, 2).unsqueeze(1), persistent=False)
        self.register_buffer("earlier", torch.ones(longest, longest).tril(-1), persistent=False)
        self.phrase = nn.Conv1d(embedding, width, 5, padding=4)
        self.query = nn.Linear(width, width)
        self.key = nn.Conv1d(width, width, 1)
        self.view = nn.Conv1d(CHANNELS, width, 1)
        self.properties = nn.Linear(width, sum(PROPERTIES))
        self.gate = nn.Linear(width, 1)
        self.gru = nn.GRU(embedding + 2 * heads + len(PROPERTIES), 64, batch_first=True)
        self.verdict = nn.Linear(64, 1)

    def forward(self, grid, question, owner=None):
        """As the answerer's -> the logit of yes over no [m, 1], and logits [m, length, 16] of the properties of what each word finds."""
        words, length = self.embedding(question), question.shape[1]
        split = lambda t: t.unflatten(1, (self.heads, -1))
        join = lambda t: t.transpose(1, 2).flatten(2)
        view = F.relu(self.view(grid.flatten(2)))
        key, value = split(self.key(view)), split(view)
        if owner is not None:
            key, value = key[owner], value[owner]
        phrases = F.relu(self.phrase(words.transpose(1, 2))[:, :, :length]).transpose(1, 2)
        query = self.query(phrases).unflatten(2, (self.heads, -1)).transpose(1, 2)
        weights = (query @ key / math.sqrt(self.width // self.heads)).softmax(3)
        finds = self.properties(join(weights @ value.transpose(2, 3)))
        told = torch.cat([words, join(weights @ self.places), self.alike(finds, phrases, self.earlier[:length, :length])], 2)
        # A state of its own, since the exporter would fix the batch of the default one.
        said, _ = self.gru(told, words.new_zeros(1, words.shape[0], self.gru.hidden_size))
        return self.verdict(after_last_word(said, question)), finds

    def alike(self, finds, phrases, earlier):
        """How alike in shape, colour, size and texture each find is to those of the words before that count: [m, length, 4]."""
        likely = torch.cat([part.softmax(2) for part in finds.split(PROPERTIES, 2)], 2)
        before = earlier @ (likely * torch.sigmoid(self.gate(phrases)))
        return torch.cat([part.sum(2, keepdim=True) for part in (likely * before).split(PROPERTIES, 2)], 2)


class ComparingAnswerer(nn.Module):
    """The answerer, with the comparer's weight put on "yes" (1) and taken from "no" (0)."""

    def __init__(self, answerer, comparer, answers):
        super().__init__()
        self.answerer, self.comparer = answerer, comparer
        self.register_buffer("sides", F.pad(torch.tensor([[-0.5, 0.5]]), (0, answers - 2)), persistent=False)

    def forward(self, grid, question, owner=None):
        return self.answerer(grid, question, owner) + self.comparer(grid, question, owner)[0] * self.sides


def after_last_word(states, question):
    """Of states [m, length, width] the one at the last word that is not padding (0): [m, width]."""
    there = (question != 0).float()
    last = there - F.pad(there[:, 1:], (0, 1))
    return (states * last.unsqueeze(2)).sum(1)


def pool(grid):
    places = grid.flatten(2)
    return torch.cat([places.amax(2), places.mean(2)], 1)


class Namer(nn.Module):
    """Which pairs of properties are in the picture, e.g. something red and round: a label of the whole picture, never of a place.

    It takes part in training only, and teaches the trunk what objects are before captions and answers can.
    """

    def __init__(self):
        super().__init__()
        self.names = nn.Conv2d(CHANNELS, PAIRS, 1)

    def forward(self, grid):
        return self.names(grid).amax((2, 3))

    @staticmethod
    def labels(objects):
        """objects [n, 4, 4], 1 + index of each property, 0 where there is none -> [n, pairs]."""
        there = objects[:, :, 0] > 0
        columns = []
        for a, b in COMBINED:
            pair = (objects[:, :, a] - 1) * PROPERTIES[b] + objects[:, :, b] - 1
            hot = F.one_hot(pair.clamp(min=0), PROPERTIES[a] * PROPERTIES[b]) * there.unsqueeze(2)
            columns.append(hot.amax(1))
        return torch.cat(columns, 1).float()
