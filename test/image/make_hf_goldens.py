"""Make the golden values of transformers' image processors (the PIL ones) that the tests of src/image compare with.

    pip install transformers==5.24.0 pillow==13.0.0 torch==2.15.0
    python test/image/make_hf_goldens.py && npx biome format --write test/image
"""

import base64
import importlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
shown = json.loads((HERE / "goldens.json").read_text())["picture"]
pixels = np.frombuffer(base64.b64decode(shown["data"]), np.uint8).reshape(shown["height"], shown["width"], 3)
pictures = {"wide": Image.fromarray(pixels), "tall": Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 0, 2)))}

KEYS = """image_processor_type size do_resize do_pad pad_size size_divisor keep_aspect_ratio ensure_multiple_of image_mean
image_std do_normalize do_rescale rescale_factor rescale_offset resample do_center_crop""".split()
NORMAL = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CASES = [
    ("wide", "detr", "Detr", {"size": {"shortest_edge": 16, "longest_edge": 24}}),
    ("tall", "detr", "Detr", {"size": {"shortest_edge": 16, "longest_edge": 24}}),
    ("wide", "detr", "Detr", {"size": {"shortest_edge": 16, "longest_edge": 40}}),
    ("tall", "detr", "Detr", {"size": {"shortest_edge": 18, "longest_edge": 27}, "pad_size": {"height": 28, "width": 29}}),
    ("wide", "sam", "Sam", {"size": {"longest_edge": 24}, "pad_size": {"height": 24, "width": 26}}),
    ("tall", "sam", "Sam", {"size": {"longest_edge": 24}, "pad_size": {"height": 24, "width": 24}}),
    ("wide", "dpt", "DPT", {"size": {"height": 24, "width": 24}, "keep_aspect_ratio": True, "ensure_multiple_of": 8}),
    ("tall", "dpt", "DPT", {"size": {"height": 15, "width": 15}, "keep_aspect_ratio": True}),
    ("wide", "dpt", "DPT", {"size": {"height": 30, "width": 24}, "ensure_multiple_of": 14}),
    ("wide", "dpt", "DPT", {"size": {"height": 20, "width": 21}, "do_pad": True, "size_divisor": 16}),
    ("wide", "vit", "ViT", {"size": {"max_height": 20, "max_width": 20}}),
    ("wide", "vit", "ViT", {"size": {"height": 16, "width": 12}, "do_pad": True, "pad_size": {"height": 20, "width": 20}}),
    ("wide", "vit", "ViT", {"size": {"shortest_edge": 16, "longest_edge": 20}, "image_mean": 0.5, "image_std": 0.5}),
    ("tall", "vit", "ViT", {"size": {"shortest_edge": 9}}),
    # What these do where their files say nothing of it: include_top, and do_flip_channel_order without any mean.
    ("wide", "efficientnet", "EfficientNet", {"size": {"height": 12, "width": 14}}),
    ("wide", "efficientnet", "EfficientNet", {"size": {"height": 12, "width": 14}, "rescale_factor": 1 / 127.5, "rescale_offset": True}),
    ("tall", "efficientnet", "EfficientNet", {"size": {"height": 12, "width": 14}, "rescale_offset": True, "do_normalize": False}),
    ("wide", "mobilevit", "MobileViT", {"size": {"shortest_edge": 12}, "do_center_crop": False}),
]

goldens = []
for picture, module, name, stated in CASES:
    processors = importlib.import_module(f"transformers.models.{module}.image_processing_pil_{module}")
    processor = getattr(processors, f"{name}ImageProcessorPil")(**{**NORMAL, **stated})
    values = np.asarray(processor(pictures[picture], return_tensors="np")["pixel_values"][0], np.float32)
    said = json.loads(processor.to_json_string())
    goldens.append(
        {
            "name": f"{name}, {picture}, {json.dumps(stated)}",
            "picture": picture,
            "config": {key: said[key] for key in KEYS if said.get(key) is not None},
            "dims": list(values.shape),
            "data": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode(),
        }
    )
(HERE / "hf-goldens.json").write_text(json.dumps(goldens, indent=1) + "\n")

# A picture of 16 bits, resized: mode "I;16".
deep = np.random.default_rng(3).integers(0, 65536, (23, 37), dtype=np.uint16)
deep[:10, :10], deep[10:, :8] = 65535, 0
grey = Image.fromarray(deep)
grey.save(HERE / "deep.png")
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
filters = {"nearest": 0, "bilinear": 2, "bicubic": 3, "lanczos": 1}
resized = [
    {"filter": name, "width": width, "height": height, "data": encode(np.asarray(grey.resize((width, height), number)))}
    for width, height in [(16, 9), (50, 31), (30, 5)]
    for name, number in filters.items()
]
(HERE / "deep-goldens.json").write_text(json.dumps({"data": encode(deep), "resized": resized}, indent=1) + "\n")
