"""How far the coloured picture is from being as colourful as the true one."""

from __future__ import annotations

from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_rgb

_EPS = 1e-8  # under the roots, or grey has no gradient; grey then has colourfulness 1.3e-4


def colourfulness(out: dict[str, Tensor], batch: Batch, *, scale: float = 1.0) -> Tensor:
    """|C of the prediction - C of the truth| / scale, mean over pictures.

    out["ab"] and batch.ab (B,2,h,w) in ab units, batch.L (B,1,h,w) 0..100; C as in
    `colourfulness_of`, scale in the same units. The pictures are unclipped: a clamp would leave no
    gradient where colour is too strong. Raises ConfigInvalid as `spaces.read_rgb`, and for a scale
    not above 0.
    """
    if not scale > 0:
        raise ConfigInvalid(
            f"the scale of colourfulness is {scale}", remedy="Use a number above 0."
        )
    shown, truth = read_rgb(out, batch)
    return (colourfulness_of(shown) - colourfulness_of(truth)).abs().mean() / scale


def colourfulness_of(rgb: Tensor) -> Tensor:
    """Colourfulness (B,) of pictures rgb (B,3,h,w) in [0, 1]: 0 grey, 45 average, 109 extreme.

    Source: Hasler and Suesstrunk 2003; population deviations, on values of 0..255.
    """
    red, green, blue = (255 * rgb).flatten(2).unbind(1)  # (B,hw) each
    rg, yb = red - green, (red + green) / 2 - blue
    spread = rg.var(1, correction=0) + yb.var(1, correction=0)
    offset = rg.mean(1).square() + yb.mean(1).square()
    return (spread + _EPS).sqrt() + 0.3 * (offset + _EPS).sqrt()
