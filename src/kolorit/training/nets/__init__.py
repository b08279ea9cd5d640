"""One network a file; NETS names them. A net takes ``(L, hints)`` and gives a dict of tensors."""

from __future__ import annotations

from kolorit.training.nets import (
    autoencoder,
    eccv16,
    hinted_unet,
    patchgan,
    seed_a,
    split_brain,
    unet,
)

NETS = {
    "hinted_unet": hinted_unet.build,
    "seed_a": seed_a.build,
    "eccv16": eccv16.build,
    "unet": unet.build,
    "autoencoder": autoencoder.build,
    "split_brain": split_brain.build,
}

HINTED = ("hinted_unet",)  # look at the user's hints

CRITICS = {  # take (L, ab) and give logits
    "patchgan": patchgan.build,
}
