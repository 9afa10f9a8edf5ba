"""Make the golden values of Pillow, torchvision, PyTorch and NumPy that the tests of src/image and src/render compare with.

    pip install pillow==13.0.0 torch==2.15.0 torchvision==0.29.2 numpy==2.4.6
    python test/image/make_goldens.py && npx biome format --write test/image test/render
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

HERE = Path(__file__).parent
random = np.random.default_rng(1)


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


# Noise for the fixed point, black and white blocks for the overshoot of bicubic and Lanczos, which is clipped.
pixels = random.integers(0, 256, (23, 37, 3), dtype=np.uint8)
pixels[:12, 20:28] = 255
pixels[:12, 28:] = 0
image = Image.fromarray(pixels)

SIZES = [(16, 9), (50, 31), (37, 8), (9, 23), (61, 3), (30, 5), (37, 23), (1, 1)]
FILTERS = {"nearest": 0, "bilinear": 2, "bicubic": 3, "lanczos": 1}
resized = [
    {"filter": name, "width": width, "height": height, "data": encode(image.resize((width, height), number))}
    for width, height in SIZES
    for name, number in FILTERS.items()
]

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
preprocessed = []
for shortest, crop in [(15, (12, 12)), (16, (15, 16)), (14, (9, 11)), (12, (20, 16)), (10, (13, 13))]:
    how = [
        transforms.Resize(shortest, transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop((crop[1], crop[0])),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
    out = transforms.Compose(how)(image).numpy()
    preprocessed.append({"shortestEdge": shortest, "crop": crop, "data": encode(out)})

upsampled = []
for (h, w), (height, width) in [((3, 4), (7, 9)), ((7, 7), (30, 20)), ((5, 5), (3, 2)), ((1, 1), (2, 3)), ((2, 3), (2, 3))]:
    values = random.standard_normal((h, w)).astype(np.float32)
    out = torch.nn.functional.interpolate(
        torch.tensor(values)[None, None], size=(height, width), mode="bilinear", align_corners=False
    )
    upsampled.append({"grid": [h, w], "size": [height, width], "map": encode(values), "data": encode(out.numpy())})

write(
    HERE / "goldens.json",
    {
        "picture": {"width": 37, "height": 23, "data": encode(pixels)},
        "grey": encode(np.asarray(image.convert("L"))),
        "resized": resized,
        "preprocessed": {"mean": MEAN, "std": STD, "cases": preprocessed},
        "upsampled": upsampled,
    },
)

files = []
for shape in [(2, 3), (4,), (), (1, 2, 2), (0, 5), (1000000, 0, 123456789, 1, 1, 1, 1, 1, 1, 1)]:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 4 - 0.25
    buffer = io.BytesIO()
    np.save(buffer, values)
    files.append({"shape": shape, "values": encode(values), "npy": base64.b64encode(buffer.getvalue()).decode()})
write(HERE.parent / "array" / "npy-goldens.json", files)

# Every type, byte order, order of axes and version of .npy that is read as an input: 0 to 5, or whether they are odd.
arrays = []
for code in ["<f2", "<f4", "<f8", ">f4", "|i1", "<i2", "<i4", ">i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"]:
    values = np.arange(6).reshape(2, 3)
    arrays.append((code, (values % 2 if code == "|b1" else values).astype(code), None))
fortran = np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4))
arrays += [("fortran", fortran, None), ("version 2", fortran, (2, 0)), ("version 3", fortran, (3, 0))]
files = []
for name, array, version in arrays:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    values = [float(v) for v in array.ravel()]
    npy = base64.b64encode(buffer.getvalue()).decode()
    files.append({"name": name, "type": array.dtype.newbyteorder("=").name, "values": values, "npy": npy})
write(HERE.parent / "array" / "npy-types.json", files)
