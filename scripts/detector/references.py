"""Write the reference cases of test/detect/references/, each a small detector with random weights.

    pip install -r scripts/requirements.txt
    python scripts/detector/references.py [--only NAME]... [--out test/detect/references]
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import reference_heads
import reference_torchvision
import reference_transformers
from reference_case import painting, write_case

FAMILIES = (reference_heads, reference_torchvision, reference_transformers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "test/detect/references")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    np.save(options.out / "picture.npy", painting())
    for family in FAMILIES:
        for case in family.cases():
            if not options.only or case.name in options.only:
                write_case(options.out, case)


if __name__ == "__main__":
    main()
