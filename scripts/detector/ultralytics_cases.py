"""Write reference cases of networks of Ultralytics, with random weights, into a directory; nothing of it is kept.

    pip install ultralytics
    python scripts/detector/ultralytics_cases.py DIRECTORY

They have the form of those in test/detect/references/: boxes by the package's own post-processing, the gradient of the best box's logit by
autograd. Exits with 3 where the package is not installed.
"""

import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": tempfile.mkdtemp()}

import numpy as np
import torch

try:
    import ultralytics
    from ultralytics import YOLO
    from ultralytics.utils.nms import non_max_suppression
except ImportError:
    sys.exit(3)

from reference_case import DOUBLE, EVERY, LEAST, MOST, SIDE, painting

CLASSES = 5
#: Architecture, arguments of the export, and numbers of a row behind the scores of classes.
CASES = [
    ("yolov5n", {}, 0),
    ("yolov8n", {}, 0),
    ("yolo11n", {}, 0),
    ("yolo11n", {"dynamic": True}, 0),
    ("yolo11n-seg", {}, 32),
    ("yolo11n-pose", {}, 51),
    ("yolo26n", {}, 0),
    ("yolov10n", {"nms": False}, None),
    ("yolo26n", {"nms": False}, None),
]


def with_classes(architecture):
    """The file of an architecture, with fewer classes: of 80, a picture of 64 x 64 would have as many places as numbers."""
    (family,) = re.findall(r"yolo\w*?\d+", architecture)
    size, task = architecture[len(family)], architecture[len(family) + 1 :]
    models = Path(ultralytics.__file__).parent / "cfg/models"
    (found,) = [*models.glob(f"*/{family}{task}.yaml"), *models.glob(f"*/{architecture}.yaml")]
    own = Path(tempfile.mkdtemp()) / f"{family}{size}{task}.yaml"
    own.write_text(re.sub(r"^nc: \d+", f"nc: {CLASSES}", found.read_text(), flags=re.MULTILINE))
    return own


def lively(module, seed):
    """Scores that differ and some of which are above the threshold."""
    torch.manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.data.uniform_(0.8, 1.4)
            layer.bias.data.normal_(0, 0.3)
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.2)
    branches = [branch for name in ("cv3", "one2one_cv3") for branch in getattr(module.model[-1], name, None) or []]
    for branch in branches:
        branch[-1].weight.data.normal_(0, 0.3)
        branch[-1].bias.data.normal_(0, 0.5)
    with torch.no_grad():
        best = scores_of(module.eval())[0].amax(0).sort().values
        for branch in branches:
            branch[-1].bias += torch.logit(torch.tensor(0.45)) - torch.logit(best[-12])


def scores_of(module):
    """The scores of the places, [1, classes, places], of the head whose boxes are still to be thinned out."""
    module.model[-1].end2end = False
    said = head_output(module, torch.from_numpy(painting().astype(np.float32) / 255))
    return said[:, 4 : 4 + module.model[-1].nc]


def write(directory, number, architecture, arguments, extra):
    yolo = YOLO(with_classes(architecture))
    lively(yolo.model, number)
    folder = directory / "-".join([architecture, *(f"{key}-{value}" for key, value in arguments.items())]).lower()
    folder.mkdir(parents=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), contextlib.chdir(folder):
        shutil.move(yolo.export(format="onnx", imgsz=SIDE, simplify=False, opset=17, **arguments), "model.onnx")
    # What fuses drops the head that is not used.
    yolo.model.model[-1].end2end = extra is None
    network = yolo.model.eval().float().fuse(verbose=False)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    picture = torch.from_numpy(painting().astype(np.float32) / 255).requires_grad_()
    if extra is None:
        said = head_output(network, picture)
        rows = said[0].detach()
        rows = rows[rows[:, 4] > LEAST]
        logit = torch.logit(said[0, 0, 4])
    else:
        said = head_output(network, picture)
        with torch.no_grad():
            (rows,) = non_max_suppression(said.detach(), LEAST, DOUBLE, nc=said.shape[1] - 4 - extra, max_det=MOST)
        scores = said[0, 4 : said.shape[1] - extra]
        logit = torch.logit(scores.flatten()[scores.argmax()])
    (gradient,) = torch.autograd.grad(logit, picture)
    unit = float(gradient.abs().max())
    np.save(folder / "gradient.npy", (gradient / unit).flatten()[::EVERY].numpy().astype(np.float16))
    case = {
        "models": [{"file": "model.onnx"}],
        "picture": {"input": "images", "scale": 1 / 255, "mean": [0.0] * 3, "std": [1.0] * 3, "batch": True},
        "feeds": {},
        "names": [str(name) for name in yolo.names.values()],
        "width": SIDE,
        "height": SIDE,
        "detections": [{"class": int(row[5]), "score": float(row[4]), "box": [float(edge) for edge in row[:4]]} for row in rows],
        "gradients": [{"question": "box:0", "value": float(logit), "file": "gradient.npy", "every": EVERY, "unit": unit}],
    }
    (folder / "case.json").write_text(json.dumps(case))
    print(f"{folder.name}: {len(rows)} boxes, best {float(rows[0, 4]) if len(rows) else 0:.3f}", flush=True)


def head_output(network, picture):
    said = network(picture)
    while isinstance(said, (tuple, list)):
        said = said[0]
    return said


def main():
    directory = Path(sys.argv[1])
    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    np.save(directory / "picture.npy", painting())
    for number, case in enumerate(CASES):
        write(directory, number, *case)


if __name__ == "__main__":
    main()
