"""A recipe says what is trained, on what, for how long: one frozen dataclass.

``recipe_file.py`` reads it from flat TOML; each run saves its own copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Adversary:
    """[adversary]: a critic that learns to tell coloured photographs from true ones.

    The generator learns alone for ``begin`` steps; then come rounds of ``alone`` steps in which
    only the critic learns and ``joint`` steps in which both do. Source of the order: the NoGAN
    training of DeOldify (2019).
    """

    loss: str  # a key of ADVERSARIAL
    weight: float  # of what the critic says, in the generator's loss
    critic: str = "patchgan"  # a key of CRITICS
    critic_config: dict[str, Any] = field(default_factory=dict)
    lr: float = 2e-4  # of the critic: Adam with beta1 = 0.5
    begin: int = 0
    alone: int = 100
    joint: int = 400
    gradient_penalty: float = 0.0  # 10 for "wgan"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run. Unknown keys are refused."""

    name: str
    net: str  # a key of NETS
    losses: dict[str, float]  # loss -> weight
    sources: dict[str, float]  # folder -> how often its pictures are seen in an epoch

    # the network
    net_config: dict[str, Any] = field(default_factory=dict)
    weights: str = "none"  # of the encoder: a file (here or under KOLORIT_WEIGHTS) or "imagenet"
    start: str = "none"  # a model, an .onnx with card or a run's folder to go on from, or "none"
    anew: tuple[str, ...] = ()  # parts that start does not bring: ("encoder.features.14", "deep")

    # the losses
    loss_options: dict[str, dict[str, Any]] = field(default_factory=dict)  # loss -> its options
    penalties: dict[str, float] = field(default_factory=dict)  # on the weights: name -> weight
    adversary: Adversary | None = None

    # the photographs
    store_px: int = 192  # side of the stored squares
    crops: tuple[int, ...] = (128,)  # sides of what the net sees, one drawn for each step
    final_crops: tuple[int, ...] = ()  # the same in the last part; () = as before
    final_share: float = 0.0  # how long that part is
    crop_min: int = 128  # smallest square of the store that becomes a crop
    rotate: float = 0.0  # largest turn in degrees; corners are cut off, never filled
    ageing: float = 0.0  # share of pictures whose L is aged: grain, fading, blur, scratches, JPEG
    lab: str = "true"  # or "as-run": the conversion of the first study, see as_run.py
    grey: str = "mixed"  # L of the colours ("lightness"), of the grey file ("luma"), or "mixed"
    hints: float = 0.0  # share of pictures that get simulated hints
    validation: float = 0.02  # share of pictures held out, by their content
    validation_pictures: int = 256  # how many of them are looked at

    # the training
    steps: int = 4000
    batch: int = 32  # pictures a step, over all ranks
    accumulate: int = 1  # parts of a rank's share; norms over a batch see one part
    optimiser: str = "adamw"  # any of torch.optim, by name
    optimiser_options: dict[str, Any] = field(default_factory=dict)
    lr: float = 1.5e-3
    encoder_lr: float = 3e-4
    weight_decay: float = 0.01
    schedule: str = "cosine"  # cosine, constant, one-cycle, step, plateau
    warmup: int = 100  # steps
    lr_floor: float = 0.02  # the cosine ends at this share of lr
    factor: float = 0.1  # of a drop: step, plateau
    drop_every: int = 1000  # steps: step
    patience: int = 3  # validations without a better one: plateau
    clip: float = 5.0  # largest gradient norm
    ema: float = 0.998  # of the averaged weights that are validated and exported; 0 = the last
    precision: str = "bf16-mixed"
    seed: int = 0

    # what it shows and keeps
    log_every: int = 20
    save_every: int = 200
    validate_every: int = 500
    grid_every: int = 1000  # grey, coloured, truth
    best_by: str = "loss"  # which validation value makes a model the best: least wins
    keep: int = 0  # how many of the best are kept beside best and last
    tensorboard: bool = False

    # the model
    size: int = 256  # the trained model looks at about size x size pixels
    looks: dict[str, Any] = field(default_factory=dict)  # read-outs for the card, see runtime/card
    about: dict[str, Any] = field(default_factory=dict)  # what else the card says


def final_from(recipe: Recipe) -> int:
    """The step at which the last part of a run begins."""
    return round((1 - recipe.final_share) * recipe.steps)


def crops_at(recipe: Recipe, step: int) -> tuple[int, ...]:
    """The crop sizes to draw from at a step."""
    last = step >= final_from(recipe) and recipe.final_crops
    return recipe.final_crops if last else recipe.crops
