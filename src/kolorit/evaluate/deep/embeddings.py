"""The picture as a point: SqueezeNet's deepest features, mean over places.

No FID: that is the TensorFlow Inception's alone (inception.py). MobileNetV2's features stand with
its classifier (classifier.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from kolorit.evaluate.deep.backbones import CPU, load_backbone, to_tensor
from kolorit.evaluate.deep.distance import read_stages
from kolorit.evaluate.deep.kinds import Embedding


def load_squeezenet512(weights: Path) -> Embedding:
    """The last of SqueezeNet's seven stages (512,h/16,w/16), mean over its places, at any size.

    Raises ConfigInvalid as `load_backbone`, and for pictures of less than 32 pixels a side.
    """
    net = load_backbone("squeezenet", weights, CPU, torch.float32)

    def place(rgb: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(read_stages(net, to_tensor(rgb))[-1][0].mean((1, 2)).numpy())

    return Embedding("squeezenet512", 512, place)
