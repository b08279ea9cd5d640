"""What a network is worth on the held-out photographs, and a picture of it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from kolorit.errors import OutputUnwritable
from kolorit.picture.rgb import encode_rgb
from kolorit.picture.save import save
from kolorit.training.as_run import read_back
from kolorit.training.build import Losses
from kolorit.training.data import validation_batches
from kolorit.training.grid import paint_grid
from kolorit.training.losses import weigh
from kolorit.training.recipe import Recipe
from kolorit.training.store import Store

GRID = 6  # pictures


@torch.no_grad()
def validate(
    net: nn.Module, recipe: Recipe, store: Store, losses: Losses, device: torch.device
) -> dict[str, float]:
    """Means over the held-out pictures, each counting alike, without hints.

    val_loss: the weighted total; val_NAME: each loss as it is; val_ab_rmse and, of the picture left
    grey, val_grey_rmse in ab units; val_colour_ratio: mean chroma as a share of the truth's.
    """
    sums: dict[str, float] = {}
    count = 0
    for batch in validation_batches(store, recipe):
        batch = batch.to(device)
        out = net(batch.L, batch.hints)
        total, parts = weigh(losses, recipe.losses, out, batch)
        values = {"loss": total, **parts}
        values["ab_square"] = (out["ab"] - batch.ab).square().mean()
        values["grey_square"] = batch.ab.square().mean()
        values["chroma"] = torch.linalg.vector_norm(out["ab"], dim=1).mean()
        values["true_chroma"] = torch.linalg.vector_norm(batch.ab, dim=1).mean()
        n = len(batch.L)
        count += n
        sums = {k: sums.get(k, 0.0) + n * v.item() for k, v in values.items()}
    means = {k: v / count for k, v in sums.items()}
    means["ab_rmse"] = means.pop("ab_square") ** 0.5
    means["grey_rmse"] = means.pop("grey_square") ** 0.5
    means["colour_ratio"] = means.pop("chroma") / max(means.pop("true_chroma"), 1e-9)
    return {f"val_{k}": v for k, v in means.items()}


@torch.no_grad()
def save_grid(
    net: nn.Module, recipe: Recipe, store: Store, device: torch.device, path: Path
) -> None:
    """Some held-out pictures as a JPEG: grey, coloured, true. Raises OutputUnwritable."""
    batch = next(validation_batches(store, recipe, GRID)).to(device)
    L, truth = batch.L.cpu().numpy(), batch.ab.cpu().numpy()
    ab = net(batch.L, batch.hints)["ab"].float().cpu().numpy()
    if recipe.lab == "as-run":  # as what it means, not as what the study took it for
        (L, truth), (_, ab) = read_back(L, truth), read_back(L, ab)
    picture = encode_rgb(paint_grid(L, ab, truth))
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(
            f"no folder can be made here: {error.strerror}", file=path
        ) from error
    save(picture, path, overwrite=True)
