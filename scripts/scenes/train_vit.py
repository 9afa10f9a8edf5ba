"""Train the vision transformer that the pictures of methods of attention are drawn with: which colours are in a scene.

    npm run build
    node scripts/scenes/write.mjs DATA --first 1000000 --count 12000
    pip install torch timm onnx onnxruntime
    python scripts/scenes/train_vit.py DATA [--minutes N]

It writes scripts/scenes/vit/, a network of 64 patches behind a class token, in the layout of transformers.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer

from model_files import write_json, write_onnx

COLOURS = ["red", "green", "blue", "yellow", "purple", "white"]
SIDE, BATCH, TUNE = 96, 64, 500


def data(folder):
    world = json.loads((folder / "world.json").read_text())
    pictures = np.fromfile(folder / "pictures.u8", np.uint8).reshape(world["count"], SIDE, SIDE, 3)
    objects = np.fromfile(folder / "objects.u8", np.uint8).reshape(world["count"], 4, 4)
    return pictures, np.stack([(objects[:, :, 1] == 1 + i).any(1) for i in range(len(COLOURS))], 1).astype(np.float32)


def batch(pictures, rng=None):
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    if rng is not None and rng.random() < 0.5:
        x = x.flip(3)
    return x


def score(net, pictures, labels):
    net.eval()
    with torch.no_grad():
        right = [(net(batch(pictures[i : i + 100])) > 0).numpy() == labels[i : i + 100] for i in range(0, len(pictures), 100)]
    net.train()
    return np.concatenate(right).mean(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=4)
    asked = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    pictures, labels = data(asked.data)
    tune, train = (pictures[:TUNE], labels[:TUNE]), (pictures[TUNE:], labels[TUNE:])
    net = VisionTransformer(img_size=SIDE, patch_size=12, embed_dim=48, depth=4, num_heads=3, mlp_ratio=2, num_classes=labels.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.02)
    began, step = time.time(), 0
    while (done := (time.time() - began) / 60 / asked.minutes) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        some = rng.integers(0, len(train[0]), BATCH)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(batch(train[0][some], rng)), torch.from_numpy(train[1][some]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 200 == 0:
            print(step, f"{done:.2f}", f"{loss.item():.3f}", np.round(score(net, *tune), 2).tolist(), flush=True)
    print("right, of unseen scenes:", np.round(score(net, *tune), 3).tolist())
    folder = Path(__file__).parent / "vit"
    write_onnx(folder / "model.onnx", net, {"pixel_values": torch.zeros(1, 3, SIDE, SIDE)}, ["logits"], {"pixel_values": {0: "batch"}, "logits": {0: "batch"}})
    write_json(folder / "config.json", {"model_type": "vit", "id2label": {str(i): name for i, name in enumerate(COLOURS)}})
    sizes = {"size": {"height": SIDE, "width": SIDE}, "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "resample": 2}
    write_json(folder / "preprocessor_config.json", {"image_processor_type": "ViTImageProcessor", **sizes, "image_mean": [0.5] * 3, "image_std": [0.5] * 3})


if __name__ == "__main__":
    main()
