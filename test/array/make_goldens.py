"""Writes distributions.json: the normal distribution and Student's t by scipy.

    pip install scipy
    python test/array/make_goldens.py
"""
import json
from pathlib import Path

import scipy
from scipy import stats

xs = [-37, -9, -5.5, -3, -2.83, -2.8, -1.5, -1, -0.3, -1e-8, 0, 0.1, 0.7, 1, 1.959963984540054, 2.5, 2.83, 4, 8]
dfs = [0.5, 1, 1.7, 2, 3, 4, 5, 7, 10, 14.3, 19, 30, 39, 40, 41, 99, 250, 1000, 54321, 1e7]
shares = [0.5, 0.6, 0.9, 0.975, 0.995, 0.9999]
goldens = {
    "scipy": scipy.__version__,
    "normal": [[x, float(stats.norm.cdf(x))] for x in xs],
    "student": [[p, df, float(stats.t.ppf(p, df))] for df in dfs for p in shares],
}
(Path(__file__).parent / "distributions.json").write_text(json.dumps(goldens).replace("]], ", "]],\n") + "\n")
