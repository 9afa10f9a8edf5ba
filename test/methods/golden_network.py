"""The network of golden.onnx in PyTorch, for the scripts that make golden numbers."""

from pathlib import Path

import onnx
import torch
from torch import nn

here = Path(__file__).parent


class Network(nn.Module):
    """As in make_goldens.py, with the batch normalisation folded into the convolution in front of it, as the file has it."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 10, 3, padding=1), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 5))
        arrays = [onnx.numpy_helper.to_array(one) for one in onnx.load(here / "golden.onnx").graph.initializer]
        with torch.no_grad():
            for parameter in self.parameters():
                found = next(i for i, array in enumerate(arrays) if array.shape == tuple(parameter.shape))
                parameter.copy_(torch.from_numpy(arrays.pop(found).copy()))

    def forward(self, x):
        return self.head(self.features(x))
