"""Lines of text, painted in Debian's DejaVu fonts, with where each of their characters is."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

#: What is read: class i + 1 is character i, class 0 the blank.
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
HEIGHT = 32
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSans-Oblique")
FOLDER = Path("/usr/share/fonts/truetype/dejavu")


@functools.lru_cache
def font(name, size):
    return ImageFont.truetype(str(FOLDER / f"{name}.ttf"), size)


def line(seed, longest=10):
    """A line's picture [HEIGHT, w], 0 to 255, its text, and the span of each character's advance in pixels."""
    draw = np.random.default_rng(seed)
    text = "".join(draw.choice(list(CHARACTERS), draw.integers(3, longest + 1)))
    face = font(str(draw.choice(FONTS)), int(draw.integers(18, 25)))
    left, right = (int(draw.integers(3, 14)) for _ in range(2))
    ends = [left + face.getlength(text[: i + 1]) for i in range(len(text))]
    paper, ink = draw.integers(170, 256), draw.integers(0, 90)
    if draw.random() < 0.3:
        paper, ink = ink, paper
    picture = Image.new("L", (int(ends[-1]) + right, HEIGHT), int(paper))
    ImageDraw.Draw(picture).text((left, int(draw.integers(0, 5))), text, fill=int(ink), font=face)
    noisy = np.asarray(picture, np.float32) + draw.normal(0, draw.uniform(0, 12), (HEIGHT, picture.width))
    return noisy.clip(0, 255).astype(np.uint8), text, list(zip([left, *ends[:-1]], ends))


def batch(lines):
    """Network's inputs [n, 1, HEIGHT, w] of lines of several lengths, padded with zeros behind, and the texts as classes."""
    width = max(picture.shape[1] for picture, _, _ in lines)
    width += -width % 4
    pictures = np.zeros((len(lines), 1, HEIGHT, width), np.float32)
    for at, (picture, _, _) in enumerate(lines):
        pictures[at, 0, :, : picture.shape[1]] = (picture / 255 - 0.5) / 0.5
    return pictures, [[CHARACTERS.index(c) + 1 for c in text] for _, text, _ in lines]
