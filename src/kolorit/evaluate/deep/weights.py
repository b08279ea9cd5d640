"""Files of weights: where they stand, and how they are read without running anything in them.

.safetensors   tensors and no code; of known ones the sha256 stands beside the name (`check_bytes`)
.pth           a state dict as it was published, the start of its sha256 in its name, as in
               alexnet-owt-7be5be79.pth; what has the name and other bytes is refused
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.places import data_root


def weights_path(name: str) -> Path:
    """Where a file of weights is: under KOLORIT_WEIGHTS, or the path itself if it is absolute."""
    path = Path(name)
    return path if path.is_absolute() else data_root("KOLORIT_WEIGHTS") / path


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file; ConfigInvalid where it is missing or something else.

    Ordinary tensors even where a validation in inference mode asks first: training goes on with
    them.
    """
    _find(path)
    try:
        with torch.inference_mode(False):
            return load_file(path)
    except SafetensorError as error:
        raise ConfigInvalid(
            f"this is no safetensors file: {error}",
            file=path,
            remedy="Save the state dict with safetensors.torch.save_file.",
        ) from error


def read_published(path: Path) -> dict[str, Tensor]:
    """All tensors of a published .pth file, whose name ends with the start of its sha256.

    A number such as LPIPS has its name from these very weights, so the bytes are compared. Only
    tensors are unpickled. Raises ConfigInvalid for a file that is missing, has other bytes, or
    holds something else.
    """
    _find(path)
    named = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
    if not named:
        raise ConfigInvalid(
            "this name has no sha256 in it, so nobody knows which weights these are",
            file=path,
            remedy="Give the published file under its own name, or a safetensors file.",
        )
    check_bytes(path, named[1])
    try:
        with torch.inference_mode(False):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ConfigInvalid("this is no state dict", file=path, remedy=_FROM_TORCH) from error
    if not isinstance(found, dict) or not all(isinstance(x, Tensor) for x in found.values()):
        raise ConfigInvalid("this is no state dict", file=path, remedy=_FROM_TORCH)
    return found


def check_bytes(path: Path, sha256: str, what: str = "weights") -> None:
    """Raises ConfigInvalid unless the sha256 of a file is this, or begins so."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(sha256):
        raise ConfigInvalid(
            f"these are not the published {what}: their sha256 begins with {digest[:8]}",
            file=path,
            remedy="Fetch the file again, or take it away.",
        )


_FROM_TORCH = "Give what torch.save(net.state_dict(), ...) writes."


def _find(path: Path) -> None:
    if not path.is_file():
        raise ConfigInvalid(
            "these weights are missing",
            file=path,
            remedy="Put the file there, or name another one; safetensors, torchvision's names.",
        )
