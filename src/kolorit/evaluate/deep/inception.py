"""The picture as a point in the features of FID: Inception 2015-12-05, ported from TensorFlow.

torch-fidelity has the network, with TensorFlow's poolings and its way of resizing: to 299 x 299
whatever the shape, without antialias, each channel from -1 to 1. Its own loader fetches, and
unpickles whatever comes; here it is given tensors that were read from a file on this computer.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.kinds import Embedding
from kolorit.evaluate.deep.weights import read_published


def load_inception2048(weights: Path) -> Embedding:
    """The last pooled features, of pictures of any size.

    Raises ConfigInvalid as `read_published`, and for weights of another network.
    """
    checked = io.BytesIO()  # the only way into the network besides a path
    torch.save(read_published(weights), checked)
    checked.seek(0)
    try:
        net = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=checked
        )
    except RuntimeError as error:
        raise ConfigInvalid(
            "these are not the weights of the Inception of FID",
            file=weights,
            remedy="Give pt_inception-2015-12-05-6726825d.pth as pytorch-fid publishes it.",
        ) from error

    def place(rgb: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]  # (1,3,H,W) uint8
        with torch.inference_mode():
            return np.asarray(net(pixels)[0][0].numpy())

    return Embedding("inception2048", 2048, place)
