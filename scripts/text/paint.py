"""Paint lines of text to measure a recogniser on, which it was not trained on.

    python scripts/text/paint.py OUT [--count N]

OUT takes a PNG for each line, and lines.json: its text, and the span of each of its characters in pixels.
"""

import argparse
import json
from pathlib import Path

from PIL import Image

from lines import line

#: First seed: those of training and tuning are others.
HELD_OUT = 200_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lines = []
    for i in range(options.count):
        picture, text, spans = line(HELD_OUT + i)
        Image.fromarray(picture).save(options.out / f"{i}.png")
        lines.append({"file": f"{i}.png", "text": text, "spans": spans})
    (options.out / "lines.json").write_text(json.dumps(lines) + "\n")


if __name__ == "__main__":
    main()
