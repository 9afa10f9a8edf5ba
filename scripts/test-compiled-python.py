"""Compiled models in Python: onnx.checker takes them, onnxruntime and onnx.reference give the numbers that gradcam gives.

    python scripts/test-compiled-python.py

Needs the packages onnx, onnxruntime and numpy, and the repository built (npm run build). Each model is compiled by the command
line; onnxruntime and gradcam may differ by 1e-4 of the largest value. Ends with 1 where anything is wrong.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

root = Path(__file__).resolve().parent.parent
tolerance = 1e-4

# The bundled model and some of PyTorch's: model, method, batches, whether the reference evaluator is quick enough for it.
cases = [
    ("models/efficientnet-lite0/onnx/model.onnx", "grad-cam", [1, 2], True),
    ("models/efficientnet-lite0/onnx/model.onnx", "guided-backprop", [1], False),
    ("test/conformance/resnet_bn_kept_op16/model.onnx", "grad-cam", [1, 3], True),
    ("test/conformance/resnet_bn_kept_op16/model.onnx", "gradient", [1], True),
    # Maxima are scattered by MaxUnpool before operator set 16; the reference reads its output_shape otherwise than onnxruntime.
    ("test/conformance/vgg_fc_op11/model.onnx", "grad-cam", [1, 3], False),
    ("test/conformance/vgg_fc_op11/model.onnx", "deconvolution", [1], False),
    ("test/conformance/squeezenet_ceil_op10/model.onnx", "grad-cam", [1, 3], True),
    ("test/conformance/densenet_op14/model.onnx", "grad-cam", [1, 3], True),
    ("test/conformance/densenet_op14/model.onnx", "guided-grad-cam", [1, 3], False),
    ("test/conformance/resnet_bn_kept_op16/model.onnx", "guided-grad-cam", [1], True),
    ("test/conformance/unet_seg_op13/model.onnx", "grad-cam", [1, 3], True),
]

# Detectors: boxes and a map for each, by the picture of the reference cases.
detectors = ["yolov8", "yolov5", "yolox", "yolo26", "nms"]


def gradcam(*args):
    done = subprocess.run(["node", *map(str, args)], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, args))}: {done.stderr}")
    return done.stdout


def numbers(shape):
    at = np.arange(np.prod(shape), dtype=np.float64)
    return (np.sin(at * 0.37) + np.cos(at * 0.011)).astype(np.float32).reshape(shape)


def distance(got, want):
    """The largest difference, of the largest value."""
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}"
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-30))


def check(model, method, batches, with_reference, folder):
    compiled = folder / "compiled.onnx"
    written = json.loads(gradcam("dist/cli/bin.js", "compile", model, "--method", method, "--out", compiled, "--json"))
    onnx.checker.check_model(str(compiled), full_check=True)
    proto = onnx.load(str(compiled))
    noted = {p.key: p.value for p in proto.metadata_props}
    problems = []
    if noted.get("gradcam.method") != method or "gradcam.preprocess" not in noted:
        problems.append(f"metadata {sorted(noted)}")

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(compiled), options, providers=["CPUExecutionProvider"])
    plain = onnxruntime.InferenceSession(str(root / model), options, providers=["CPUExecutionProvider"])
    reference = ReferenceEvaluator(proto) if with_reference else None
    image, own = plain.get_inputs()[0], [output.name for output in plain.get_outputs()]
    explanation = next(o["name"] for o in written["outputs"] if o["name"] in ("gradcam_map", "gradcam_pixels"))
    fetch = [*own, explanation, "gradcam_class"]
    worst, seen = 0.0, False
    for batch in batches:
        if isinstance(image.shape[0], int) and image.shape[0] != batch:
            continue
        x = numbers([batch, *[d if isinstance(d, int) else 64 for d in image.shape[1:]]])
        (folder / "input.f32").write_bytes(x.tobytes())
        shape = ",".join(map(str, x.shape))
        classes = [-1, 0, 3]
        printed = gradcam("scripts/test-compiled-reference.mjs", model, method, folder / "input.f32", shape, *classes)
        for target, want in zip(classes, json.loads(printed)):
            feeds = {image.name: x}
            if target >= 0:
                feeds["gradcam_target"] = np.array([target])
            runs = {"onnxruntime": session.run(fetch, feeds)}
            if reference and (batch == 1 or x.size < 100_000):
                runs["onnx.reference"] = reference.run(fetch, feeds)
            for name, (*outputs, shown, explained) in runs.items():
                say = f"{name}, batch {batch}, class {target}"
                if explained.tolist() != want["class"]:
                    problems.append(f"{say}: explains {explained.tolist()}, not {want['class']}")
                seen = seen or bool(np.any(want["values"]))
                far = distance(shown, np.array(want["values"], dtype=np.float32).reshape(want["shape"]))
                for output, alone in zip(outputs, plain.run(own, {image.name: x})):
                    far = far if isinstance(far, str) else max(far, distance(output, alone))
                if isinstance(far, str) or not far <= tolerance:
                    problems.append(f"{say}: {far}")
                else:
                    worst = max(worst, far)
        if batch > 1:
            each = np.arange(batch)
            if session.run(["gradcam_class"], {image.name: x, "gradcam_target": each})[0].tolist() != each.tolist():
                problems.append("a class for each image is not taken")
    for wrong in ([10**6], [0] * 5):
        try:
            session.run(None, {image.name: numbers([1, *x.shape[1:]]), "gradcam_target": np.array(wrong)})
            problems.append(f"the class {wrong} is taken")
        except Exception:  # the runtime's own errors have no common class
            pass
    if not seen:
        problems.append("every explanation is blank, which compares nothing")
    return problems, worst


def check_detector(name, folder):
    """One run finds and explains what gradcam finds and explains."""
    model = f"test/detect/references/{name}/model.onnx"
    compiled = folder / "compiled.onnx"
    gradcam("dist/cli/bin.js", "compile", model, "--task", "detection", "--out", compiled)
    onnx.checker.check_model(str(compiled), full_check=True)
    scale = json.loads((root / f"test/detect/references/{name}/case.json").read_text())["picture"]["scale"]
    x = np.load(root / "test/detect/references/picture.npy").astype(np.float32) * np.float32(scale)
    (folder / "input.f32").write_bytes(x.tobytes())
    shape = ",".join(map(str, x.shape))
    printed = gradcam("scripts/test-compiled-reference.mjs", model, "hires-cam", folder / "input.f32", shape, "boxes")
    wanted = json.loads(printed)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(compiled), options, providers=["CPUExecutionProvider"])
    fetch = [f"gradcam_{key}" for key in ("boxes", "scores", "labels", "maps")]
    boxes, scores, labels, maps = session.run(fetch, {session.get_inputs()[0].name: x})
    if labels.tolist() != [one["class"] for one in wanted]:
        return [f"classes {labels.tolist()}, not {[one['class'] for one in wanted]}"], 0.0
    worst = 0.0 if wanted else 1.0
    for i, one in enumerate(wanted):
        rows, columns = one["shape"]
        map_ = np.array(one["values"], dtype=np.float32).reshape(rows, columns)
        own = maps[i][:: maps.shape[1] // rows, :: maps.shape[2] // columns]
        worst = max(worst, distance(own, map_), abs(float(scores[i]) - one["score"]))
        worst = max(worst, distance(boxes[i], np.array(one["box"], dtype=np.float32)))
    return [] if worst <= tolerance else [f"differs by {worst}"], worst


def main():
    wrong = 0
    for name in detectors:
        with tempfile.TemporaryDirectory() as folder:
            problems, worst = check_detector(name, Path(folder))
        wrong += bool(problems)
        print(f"{'wrong' if problems else 'right'}  {name}, a detector: at most {worst:.1e}", *problems, sep="\n  ")
    for model, method, batches, with_reference in cases:
        with tempfile.TemporaryDirectory() as folder:
            problems, worst = check(model, method, batches, with_reference, Path(folder))
        wrong += bool(problems)
        print(f"{'wrong' if problems else 'right'}  {model}, {method}: at most {worst:.1e}", *problems, sep="\n  ")
    count = len(cases) + len(detectors)
    print(f"{count - wrong} of {count} right; onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
