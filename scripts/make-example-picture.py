"""Make examples/images/cat-and-cup.jpg: two classes in one picture, a cat on the left and a cup of espresso on the right.

    pip install pillow==13.0.0 scikit-image==0.26.0
    python scripts/make-example-picture.py

Both photographs are CC0 and ship in scikit-image's wheel. 640 x 480 is near enough to square that the centre crop
of a 224 network still holds both objects.
"""

from pathlib import Path

import skimage
from PIL import Image

HALF = (320, 480)
SOURCES = Path(skimage.__file__).parent / "data"
TARGET = Path(__file__).parent.parent / "examples" / "images" / "cat-and-cup.jpg"

# left, top, right, bottom in each photograph, 2 : 3 like the half it fills: both eyes, and the whole cup.
PARTS = {"chelsea.png": (142, 0, 342, 300), "coffee.png": (160, 0, 426.67, 400)}

canvas = Image.new("RGB", (HALF[0] * len(PARTS), HALF[1]))
for column, (name, box) in enumerate(PARTS.items()):
    with Image.open(SOURCES / name) as photograph:
        part = photograph.convert("RGB").resize(HALF, Image.Resampling.LANCZOS, box=box)
    canvas.paste(part, (column * HALF[0], 0))
canvas.save(TARGET, quality=90, optimize=True)
