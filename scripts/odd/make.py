"""Makes odd files with their truth: python make.py OUT [--count 500] [--seed 1] [--only WORD] [--kinds N]

Kind after kind in turn, each file from a generator of its own (seed, kind, round). A kind whose tool is not installed is told as not
run, on standard output, one JSON line a kind."""
from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import pathlib
import sys
import traceback
import warnings
import zlib

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import KINDS, write  # noqa: E402
from truth import Reject, truth_of  # noqa: E402

for found in sorted(pathlib.Path(__file__).parent.glob("kinds_*.py")):
    importlib.import_module(found.stem)


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kinds whose name holds this word")
    options = parser.parse_args()
    chosen = []
    for kind in KINDS.values():
        if options.only not in kind.name:
            continue
        missing = [package for package in kind.needs if importlib.util.find_spec(package.split(".")[0]) is None]
        if missing:
            say(kind=kind.name, tool=kind.tool, missing=missing)
        else:
            chosen.append(kind)
    if not chosen:
        sys.exit(f"no kind to make: none is called *{options.only}*, or the tools of all are missing")
    for i in range(options.count):
        make_one(options.out, chosen[i % len(chosen)], options.seed, i // len(chosen), i)


def say(**told) -> None:
    print(json.dumps(told), flush=True)


def make_one(out: pathlib.Path, kind, seed: int, round_: int, index: int) -> None:
    why = ""
    for trial in range(20):
        rng = np.random.default_rng([seed, zlib.crc32(kind.name.encode()), round_, trial])
        try:
            case = kind.make(rng)
            truth = truth_of(case, rng)
        except Reject as reason:
            why = str(reason)
            continue
        except Exception as error:  # a generator's own bug must not end the others
            trace = traceback.extract_tb(error.__traceback__)[-1]
            say(kind=kind.name, tool=kind.tool, broken=f"{type(error).__name__}: {str(error)[:300]} ({trace.name}:{trace.lineno})")
            return
        write(out / f"{index:03d}-{kind.name}", kind, case, truth)
        say(kind=kind.name, tool=kind.tool, made=f"{index:03d}-{kind.name}")
        return
    say(kind=kind.name, tool=kind.tool, broken=f"20 draws without a truth that can be trusted: {why}")


if __name__ == "__main__":
    main()
