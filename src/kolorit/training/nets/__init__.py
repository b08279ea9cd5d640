"""One network a file; NETS names them. A net takes ``(L, hints)`` and gives a dict of tensors."""

from __future__ import annotations

from kolorit.training.nets import hinted_unet

NETS = {
    "hinted_unet": hinted_unet.build,
}
