"""A study says what is compared, on what, how often: frozen dataclasses, all of it data.

``study_file.py`` reads one from TOML; each run saves its own copy. ``run.py`` carries it out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from kolorit.training.nets.autoencoder import Autoencoder

_LPIPS = {"alexnet": "LPIPS (AlexNet)", "vgg16": "LPIPS (VGG16)"}


@dataclass(frozen=True)
class Defects:
    """[defects]: what was wrong in the second study as it ran; each can be switched on alone.

    Three more have no switch, since they are plain settings: one seed (training.seeds and
    probe.seeds), a target of full RGB (the pretext "rgb"), arms of unequal input (the arms).
    """

    with_replacement: bool = False  # held-out classes drawn with replacement: fewer than asked for
    out_is_in: bool = False  # the "out-of-domain" pictures are the in-domain ones
    squashed: bool = False  # pictures squeezed to a square, not cropped
    distorted_input: bool = False  # the encoder's input distorted and inverted, its target clean
    uneven_range: bool = False  # encoders trained on grey in [-1, 1] are probed with [0, 1]
    uneven_augmentation: bool = False  # the raw arm's probe gets strong augmentation, others a flip
    uneven_rates: bool = False  # the raw arm's probe out of domain learns at 5e-4, all others 3e-4
    test_chooses: bool = False  # the epoch of pretexts and of the two-conv probe chosen on the test
    train_mode: bool = False  # the frozen encoder in training mode while it is probed
    last_batch_logged: bool = False  # parts of the validation loss from the last batch alone


@dataclass(frozen=True)
class Split:
    """[split]: which classes are out of domain, and what each training picture serves for.

    Of each class's official training pictures ``pretext`` is for pretexts (and unused out of
    domain, so that both domains have equally many labels), ``development`` for choosing, the rest
    for probes. The official test pictures are the test.
    """

    held_out: int = 20  # classes
    seed: int = 42
    pretext: float = 0.6
    development: float = 0.1
    classes: int = 0  # how many are used, evenly from the list; 0 = all
    train_per_class: int = 0  # official training pictures used of each; 0 = all
    test_per_class: int = 0


@dataclass(frozen=True)
class Training:
    """[training]: of every pretext alike."""

    steps: int = 4000
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 2e-5
    warmup: int = 100  # steps
    schedule: str = "cosine"  # or "constant"
    crop: int = 0  # side of random crops, a multiple of the encoder's stride; 0 = whole pictures
    validate_every: int = 1000  # steps; 512 pictures that no pretext learns from
    clip: float = 5.0
    bf16: bool = False  # networks in bfloat16 while they learn; losses never are
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Probe:
    """[probe]: what is asked of frozen features."""

    kinds: tuple[str, ...] = ("linear",)  # and those of CLASSIFIERS, put on maps
    stages: tuple[str, ...] = ("conv_in", "down1", "down2", "down3", "mid", "latent")
    fractions: tuple[float, ...] = (1.0,)  # of the labels, the same share of each class
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # each deals labels and development pictures anew
    all_classes: bool = False  # a head for every class of the set, in both domains
    bf16: bool = False  # frozen encoders and classifiers of maps in bfloat16; never the linear one

    # linear
    numbers: int = 9216  # about how many features a picture has, whatever the stage
    axes: int = 0  # principal axes of them that count, the longest; 0 = all
    weight_decays: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # chosen on development
    iterations: int = 100  # of L-BFGS, at most

    # on maps
    map_fractions: tuple[float, ...] = ()  # as fractions; none: the most labels alone
    map_stages: tuple[str, ...] = ("latent",)  # of arms that have several
    side: int = 0  # of the maps that it sees, resized; 0 = as they come
    standardised: bool = False  # each channel has mean 0 and deviation 1 over the domain's pool
    epochs: int = 10
    steps: int = 0  # at the least: with few labels there are more epochs, judged as often
    batch: int = 32
    lr: float = 3e-4
    decay: float = 2e-5
    penalties: dict[str, float] = field(default_factory=dict)  # on the classifier's weights
    feature_penalties: dict[str, float] = field(default_factory=dict)  # on what its last layer sees


@dataclass(frozen=True)
class Perceptual:
    """[perceptual]: the feature distance of losses; LPIPS where backbone and linear are its own."""

    backbone: str = "squeezenet"
    weights: str = "squeezenet1_1_caffe_fp16.safetensors"
    linear: str = "none"


@dataclass(frozen=True)
class Arm:
    """[arms.NAME]: one source of features. All else is equal."""

    features: str  # a key of SOURCES
    pretext: str = "none"  # a key of PRETEXTS, for features = "pretext"
    losses: dict[str, float] = field(default_factory=dict)  # loss -> weight; none: the pretext's
    penalties: dict[str, float] = field(default_factory=dict)  # on the pretext network's weights
    feature_penalties: dict[str, float] = field(default_factory=dict)  # on its latent
    probe_penalties: dict[str, float] = field(default_factory=dict)  # as [probe]'s, of this arm
    probe_feature_penalties: dict[str, float] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()  # of probes; none: those of [probe]
    stages: tuple[str, ...] = ()  # none: those of [probe], or the source's own
    sees: str = "grey"  # what a foreign encoder is shown: "grey" or "colour"
    size: int = 0  # side at which a foreign encoder looks; 0 = px
    side: int = 0  # of the maps that its classifiers see; 0 = [probe]'s


@dataclass(frozen=True)
class Study:
    """Everything that decides a study. Unknown keys are refused."""

    name: str
    question: str
    data: str  # a folder, here or under KOLORIT_DATA
    arms: dict[str, Arm]
    px: int = 64  # side of the pictures
    grey: str = "lightness"  # what encoders see: L* of the colours, or "luma" of gamma RGB
    decoder: str = "light"  # of pretexts; or "seed", that of the second study
    net: Autoencoder = field(default_factory=Autoencoder)  # the shape of every encoder
    baseline: str = ""  # the arm that all others are compared with
    compare: tuple[tuple[str, str], ...] = ()  # further pairs of arms
    only: tuple[str, ...] = ()  # run these arms and leave the others out
    keep_features: bool = False  # leave them in the run's folder; they are large
    split: Split = field(default_factory=Split)
    training: Training = field(default_factory=Training)
    probe: Probe = field(default_factory=Probe)
    perceptual: Perceptual = field(default_factory=Perceptual)
    defects: Defects = field(default_factory=Defects)


def arms_of(study: Study) -> dict[str, Arm]:
    """The arms that run."""
    return {k: arm for k, arm in study.arms.items() if not study.only or k in study.only}


def perceptual_name(perceptual: Perceptual) -> str:
    """What the feature distance in the losses is called; it is not always LPIPS."""
    if perceptual.linear != "none" and perceptual.backbone in _LPIPS:
        return _LPIPS[perceptual.backbone]
    if perceptual.linear != "none":
        return f"feature distance ({perceptual.backbone}) with the linear layers of LPIPS"
    return f"feature distance ({perceptual.backbone}, unweighted, 0 to 1; not LPIPS)"


def teaching(arm: Arm) -> tuple[Any, ...]:
    """What an arm's networks come from; arms of equal teaching have the same ones, seed by seed."""
    return (arm.features, arm.pretext, arm.losses, arm.penalties, arm.feature_penalties)


def as_table(study: Study) -> dict[str, Any]:
    """The study as plain tables and lists, as JSON has them."""
    return asdict(study)
