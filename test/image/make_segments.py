"""Writes segments.json: what scikit-image's SLIC and Felzenszwalb make of pictures that the test makes again by the same formula.

    pip install scikit-image
    python test/image/make_segments.py
"""
import json
from pathlib import Path

import numpy
import skimage
from skimage.segmentation import felzenszwalb, slic


def picture(channels, height, width):
    y, x = numpy.mgrid[:height, :width]
    i = numpy.arange(channels)[:, None, None]
    values = (numpy.sin(0.11 * x * (1 + i) + 0.07 * y) + 0.6 * numpy.cos(0.09 * y * (2 + i) - 0.03 * x * i)
              + 0.1 * numpy.sin(1.7 * x + 2.3 * y + i))
    return numpy.moveaxis(values.astype(numpy.float32), 0, -1).astype(numpy.float64)


def unit(image):
    return (image - image.min()) / (image.max() - image.min()) * 2 - 1


def runs(labels):
    """Labels as [label, how often] in a row."""
    flat = labels.ravel().tolist()
    out = []
    for label in flat:
        if out and out[-1][0] == label:
            out[-1][1] += 1
        else:
            out.append([label, 1])
    return out


slics = [([3, 40, 52], 12, 0.2), ([1, 33, 20], 8, 0.5), ([3, 12, 10], 50, 0.1), ([2, 5, 60], 10, 0.3), ([3, 30, 7], 9, 1.0), ([4, 8, 8], 100, 0.1), ([3, 24, 24], 20, 0.02)]
felzenszwalbs = [([3, 40, 52], 50, 0.8, 20), ([1, 33, 20], 100, 0.8, 5), ([3, 30, 30], 500, 0.5, 10), ([2, 20, 31], 10, 0.8, 1)]
goldens = {
    "scikit-image": skimage.__version__,
    "slic": [{"dims": dims, "segments": segments, "compactness": compactness,
              "runs": runs(slic(picture(*dims), n_segments=segments, compactness=compactness, convert2lab=False, start_label=0))}
             for dims, segments, compactness in slics],
    "felzenszwalb": [{"dims": dims, "scale": scale, "sigma": sigma, "least": least,
                      "runs": runs(felzenszwalb(unit(picture(*dims)), scale=scale, sigma=sigma, min_size=least))}
                     for dims, scale, sigma, least in felzenszwalbs],
}
(Path(__file__).parent / "segments.json").write_text(json.dumps(goldens).replace("]]}, ", "]]},\n") + "\n")
