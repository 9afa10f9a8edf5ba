"""Makes odd files with their truth: python make.py OUT [--count 500] [--seed 1] [--only WORD] [--small]

--small draws as many kinds by the seed, one file each, more than a quarter of them by other tools: test/odd/cases is made by
`--count 40 --seed 14 --small`.

Kind after kind in turn, each file from a generator of its own (seed, kind, round). A kind whose tool is not installed is told as not
run, on standard output, one JSON line a kind."""
from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import pathlib
import shutil
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
    parser.add_argument("--small", action="store_true", help="one file of each of so many kinds, none large")
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
    if options.small:
        make_small(options.out, chosen, options.count, options.seed)
        return
    for i in range(options.count):
        make_one(options.out, chosen[i % len(chosen)], options.seed, i // len(chosen), i)


def make_small(out: pathlib.Path, kinds: list, count: int, seed: int) -> None:
    """A third of them written by other tools; a file above 48 KB gives way to the next kind."""
    order = list(np.random.default_rng(seed).permutation(len(kinds)))
    ours = [kinds[i] for i in order if kinds[i].tool == "our helper"]
    others = [kinds[i] for i in order if kinds[i].tool != "our helper"]
    index = 0
    for group, most in ((others, round(count / 3)), (ours, count - round(count / 3))):
        made = 0
        for kind in group:
            if made == most:
                break
            folder = make_one(out, kind, seed, 0, index)
            if folder is None:
                continue
            if sum(file.stat().st_size for file in folder.iterdir()) > 48_000:
                shutil.rmtree(folder)
                continue
            made, index = made + 1, index + 1


def say(**told) -> None:
    print(json.dumps(told), flush=True)


def make_one(out: pathlib.Path, kind, seed: int, round_: int, index: int) -> pathlib.Path | None:
    why = ""
    for trial in range(10):
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
            return None
        folder = out / f"{index:03d}-{kind.name}"
        write(folder, kind, case, truth)
        say(kind=kind.name, tool=kind.tool, made=folder.name)
        return folder
    say(kind=kind.name, tool=kind.tool, broken=f"10 draws without a truth that can be trusted: {why}")
    return None


if __name__ == "__main__":
    main()
