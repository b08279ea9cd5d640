"""One loss a file; LOSSES names them.

A loss takes the network's output (a dict, ab in units) and the true ab (B,2,h,w) in units and
gives one number. It refuses inputs of another space.
"""

from __future__ import annotations

from kolorit.training.losses import classification, smooth_l1

LOSSES = {
    "classification": classification.classification,
    "smooth_l1": smooth_l1.smooth_l1,
}
