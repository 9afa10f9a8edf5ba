"""Make src/render/glyphs.ts: the outlines of Roboto Regular (Apache License 2.0) as SVG path data.

    pip install fonttools==4.68.0
    pip download font-roboto==0.0.1 --no-deps && tar xzf font-roboto-0.0.1.tar.gz
    python scripts/make-glyphs.py font-roboto-0.0.1/font_roboto/files/Roboto-Regular.ttf

Coordinates are whole parts of 320 of the type size, fine enough for pictures, y downwards, relative throughout, so that a line of text is its
glyphs' paths one after another, each behind a move to the pen.
"""

import sys
from pathlib import Path

from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

EM = 320
PRINTABLE = [*range(0x20, 0x7F), *range(0xA0, 0x100)]
# What captions and labels need beyond Latin-1: dashes, quotes, bullet, ellipsis, minus, almost equal, at most, at least.
TYPOGRAPHY = [0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x2212, 0x2248, 0x2264, 0x2265]
TARGET = Path(__file__).parent.parent / "src" / "render" / "glyphs.ts"

HEAD = '''/**
 * @file The outlines of Roboto Regular, so that a picture needs no font where it is drawn and comes out the same everywhere.
 *
 * Made by scripts/make-glyphs.py; do not edit. Roboto: Copyright 2011 Google Inc., Apache License 2.0.
 */

/** One glyph a line: its code point (hexadecimal, where it is not the next one), advance and path; in parts of 320 of the type size, y downwards, relative. */
'''


class RelativePath(BasePen):
    """Relative SVG path data in whole units, closing each contour, a command that repeats written once; the pen's place is
    tracked after rounding."""

    def __init__(self, glyphs, scale):
        super().__init__(glyphs)
        self.scale, self.place, self.start, self.parts, self.last = scale, (0, 0), (0, 0), [], ""

    def offset(self, *points):
        whole = [(round(x * self.scale), round(-y * self.scale)) for x, y in points]
        numbers = [part - base for point in whole for part, base in zip(point, self.place)]
        self.place = whole[-1]
        return numbers

    def draw(self, command, numbers):
        text = "".join(f"{n}" if i == 0 or n < 0 else f" {n}" for i, n in enumerate(numbers))
        again = "" if numbers[0] < 0 else " "
        self.parts.append((again if command == self.last else command) + text)
        self.last = command

    def _moveTo(self, to):
        self.draw("m", self.offset(to))
        self.start = self.place

    def _lineTo(self, to):
        x, y = self.offset(to)
        if y == 0:
            self.draw("h", [x])
        elif x == 0:
            self.draw("v", [y])
        else:
            self.draw("l", [x, y])

    def _qCurveToOne(self, control, to):
        self.draw("q", self.offset_curve(control, to))

    def offset_curve(self, control, to):
        base = self.place
        first = self.offset(control)
        self.place = base
        return first + self.offset(to)

    def _closePath(self):
        self.parts.append("z")
        self.last = ""
        self.place = self.start


def main(path):
    font = TTFont(path)
    glyphs, names = font.getGlyphSet(), font.getBestCmap()
    scale = EM / font["head"].unitsPerEm
    lines, last = [], None
    for code in PRINTABLE + TYPOGRAPHY:
        glyph = glyphs[names[code]]
        pen = RelativePath(glyphs, scale)
        glyph.draw(pen)
        named = "" if code - 1 == last else f"{code:x}:"
        last = code
        lines.append(f"{named}{round(glyph.width * scale)}{''.join(pen.parts)}".rstrip())
    TARGET.write_text(HEAD + "export const glyphs = `\n" + "\n".join(lines) + "\n`;\n")


main(sys.argv[1])
