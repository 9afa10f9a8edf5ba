"""Writes designs.json: the Sobol sequence by SciPy, and weighted least squares with a ridge by scikit-learn.

    pip install scipy scikit-learn
    python test/array/make_designs.py
"""
import json
from pathlib import Path

import numpy
import scipy
import sklearn
from scipy.stats import qmc
from sklearn.linear_model import Ridge

points = qmc.Sobol(256, scramble=False).random(64)
# Sums say of every point and every dimension whether it is right; a few dimensions are there in full.
shown = [0, 1, 2, 7, 31, 100, 200, 255]


def fit(rows, columns, ridge, intercept):
    i = numpy.arange(rows * columns)
    x = numpy.sin(0.9 * i + 0.03 * i * i).reshape(rows, columns)
    y = numpy.cos(1.3 * numpy.arange(rows)) + 2
    weights = 1 + numpy.sin(0.4 * numpy.arange(rows)) ** 2
    found = Ridge(alpha=ridge, fit_intercept=intercept, solver="cholesky", tol=1e-14).fit(x, y, sample_weight=weights)
    return {"rows": rows, "columns": columns, "ridge": ridge, "intercept": intercept, "coefficients": found.coef_.tolist()}


goldens = {
    "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__,
    "points": points.sum(1).tolist(),
    "dimensions": points.sum(0).tolist(),
    "columns": [[d, (points[:, d] * 64).round().astype(int).tolist()] for d in shown],
    "fits": [fit(12, 3, 0, False), fit(30, 7, 1, True), fit(40, 12, 0.1, True), fit(9, 6, 5, False), fit(5, 8, 2, True)],
}
assert (points[:, shown] * 64 % 1 == 0).all()
(Path(__file__).parent / "designs.json").write_text(json.dumps(goldens).replace("], ", "],\n") + "\n")
