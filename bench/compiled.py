"""What a compiled ResNet-50 costs in Python's onnxruntime, beside the plain model.

    python bench/compiled.py [ROUNDS]

Needs onnxruntime and numpy, and the repository built (npm run build). Two threads; the two run in turn, 50 ms apart, each twice a
round, of which the second counts; the ratio is the median of the rounds'.
"""
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime

root = Path(__file__).resolve().parent.parent
write = """
import { writeFileSync } from "node:fs";
import { resnet50 } from "./bench/networks.mjs";
writeFileSync(process.argv[1], resnet50());
"""


def session(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    # Two sessions share the cores: neither may spin on those that the other needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def milliseconds(run):
    time.sleep(0.05)
    run()
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def main(rounds):
    with tempfile.TemporaryDirectory() as folder:
        plain, compiled = Path(folder) / "plain.onnx", Path(folder) / "compiled.onnx"
        subprocess.run(["node", "--input-type=module", "-e", write, plain], cwd=root, check=True)
        command = ["node", "dist/cli/bin.js", "compile", plain, "--out", compiled]
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
        added = compiled.stat().st_size - plain.stat().st_size
        sessions = [session(plain), session(compiled)]
    at = np.arange(3 * 224 * 224)
    image = (np.sin(at * 0.37) + np.cos(at * 0.011)).astype(np.float32).reshape(1, 3, 224, 224)
    times = [[milliseconds(lambda s=s: s.run(None, {"input": image})) for s in sessions] for _ in range(rounds + 1)][1:]
    ratio = median(b / a for a, b in times)
    print(f"ResNet-50: plain {median(a for a, _ in times):.1f} ms, compiled {median(b for _, b in times):.1f} ms")
    print(f"ratio {ratio:.3f}; {added} bytes added; onnxruntime {onnxruntime.__version__}, {rounds} rounds")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
