"""Metrics that need deep features: what there is, what it needs, and what of it can be had here.

Weights come from files under KOLORIT_WEIGHTS; nothing is fetched. What is not there is said to be
missing, and no other number stands under its name. torch is imported by loading and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.columns import Words
from kolorit.evaluate.deep.kinds import Classifier, Distance, Embedding, set_columns
from kolorit.evaluate.places import data_root

Metric = Distance | Embedding | Classifier

SQUEEZENET = "squeezenet1_1_caffe_fp16.safetensors"
MOBILENET = "mobilenet_v2_imagenet_fp16.safetensors"
CLASSES = "imagenet_classes.txt"
HEADS = "lpips_v0.1_lin.safetensors"
ALEXNET, VGG16 = "alexnet-owt-7be5be79.pth", "vgg16-397923af.pth"
INCEPTION = "pt_inception-2015-12-05-6726825d.pth"
SOURCES = {  # who publishes these files, under these names
    ALEXNET: "as torchvision publishes it",
    VGG16: "as torchvision publishes it",
    INCEPTION: "as pytorch-fid publishes it",
}

SHA256 = {  # of the files whose names hold none; another file under such a name is refused
    SQUEEZENET: "d407c19a7f2730a03dfd338110804893ae86f6c4ce2a2e84c7d588e904e56a8f",
    MOBILENET: "6acae2a3459c3f69b419415b65def8597da4babd42a8b5504079c258de5780bf",
    CLASSES: "acf75ef0abe89694b19056e0796401068b459c457baa30335f240c7692857355",
    HEADS: "62507ae05149fb01e2f0faf54def9384af37f116541ecbc8bf4760558de6e31c",
}


@dataclass(frozen=True)
class Offer:
    """A metric before it is loaded. load: of the paths of ``files``, in their order."""

    load: Callable[..., Metric]
    files: tuple[str, ...]
    columns: dict[str, Words]
    packages: tuple[str, ...] = ("torch", "safetensors")


def load_deep(
    wanted: Sequence[str] | None = None, *, threads: int | None = 1
) -> tuple[list[Metric], dict[str, str]]:
    """Those of METRICS (None: all) that can be had, loaded; and why the others cannot.

    threads: how many torch takes in this process from now on, one since judges run side by side;
    None leaves that alone. Raises ConfigInvalid for an unknown name, and for a file that is there
    and is not what its name says.
    """
    missing = find_missing(wanted)
    loadable = [name for name in _names(wanted) if name not in missing]
    if loadable and threads is not None:
        import torch

        torch.set_num_threads(threads)
    folder = data_root("KOLORIT_WEIGHTS") if loadable else Path()
    offers = [METRICS[name] for name in loadable]
    _check({file for offer in offers for file in offer.files}, folder)
    return [offer.load(*(folder / file for file in offer.files)) for offer in offers], missing


def _check(files: set[str], folder: Path) -> None:
    """The .pth files have their sha256 in their names, and are checked where they are read."""
    if known := sorted(files & set(SHA256)):
        from kolorit.evaluate.deep.weights import check_bytes

        for file in known:
            what = "names of classes" if file == CLASSES else "weights"
            check_bytes(folder / file, SHA256[file], what)


def describe_deep(wanted: Sequence[str] | None = None) -> tuple[dict[str, Words], dict[str, str]]:
    """The columns of what can be had, and why the others cannot; nothing is loaded."""
    missing = find_missing(wanted)
    columns: dict[str, Words] = {}
    for name in _names(wanted):
        if name not in missing:
            columns |= METRICS[name].columns
    return columns, missing


def find_missing(wanted: Sequence[str] | None = None) -> dict[str, str]:
    """Metric -> what it needs and how to come by it, of those that cannot be had."""
    found = {name: _needs(METRICS[name]) for name in _names(wanted)}
    return {name: why for name, why in found.items() if why}


def _names(wanted: Sequence[str] | None) -> Sequence[str]:
    names = list(METRICS if wanted is None else wanted)
    if unknown := [name for name in names if name not in METRICS]:
        raise ConfigInvalid(
            f"no metric '{unknown[0]}'", remedy=f"Use some of: {', '.join(METRICS)}."
        )
    return names


def _needs(offer: Offer) -> str:
    if absent := [name for name in offer.packages if find_spec(name) is None]:
        names = ", ".join(absent).replace("_", "-")
        return f"needs {names}: pip install 'kolorit[evaluate]'"
    try:
        folder = data_root("KOLORIT_WEIGHTS")
    except ConfigInvalid as error:
        return f"needs weights: {', '.join(offer.files)}; {error.cause}"
    lacking = [name for name in offer.files if not (folder / name).is_file()]
    words = [f"{name} ({SOURCES[name]})" if name in SOURCES else name for name in lacking]
    return f"needs weights: {', '.join(words)} under KOLORIT_WEIGHTS" if words else ""


def _distance(name: str, backbone: str) -> Callable[..., Distance]:
    def load(weights: Path, heads: Path | None = None) -> Distance:
        from kolorit.evaluate.deep.distance import load_distance

        return load_distance(name, backbone, weights, heads)

    return load


def _squeezenet512(weights: Path) -> Embedding:
    from kolorit.evaluate.deep.embeddings import load_squeezenet512

    return load_squeezenet512(weights)


def _mobilenet1280(weights: Path) -> Embedding:
    from kolorit.evaluate.deep.classifier import load_mobilenet1280

    return load_mobilenet1280(weights)


def _mobilenet_v2(weights: Path, classes: Path) -> Classifier:
    from kolorit.evaluate.deep.classifier import load_classifier

    return load_classifier(weights, classes)


def _inception2048(weights: Path) -> Embedding:
    from kolorit.evaluate.deep.inception import load_inception2048

    return load_inception2048(weights)


def _of_sets(embedding: str, frechet: str, mmd: str, features: str) -> dict[str, Words]:
    """The two columns of an embedding."""
    one, other = set_columns(embedding)
    pairs = (
        "pairs of a picture with itself are left out, those with its own truth are not (the "
        "estimate of published KIDs, over the whole set): as both are of the same photographs it "
        "is too low, and below 0 for equal sets."
        if other == "kid"
        else "pairs of a picture with itself or its own truth are left out (so no KID): 0 for "
        "equal sets, below 0 by chance."
    )
    return {
        one: Words(
            frechet,
            "",
            "low",
            f"Fréchet distance, squared, of the shown pictures to the truths of the same pictures "
            f"as normal distributions in {features}; it depends on their number and compares "
            f"within a table only.",
            counted=True,
        ),
        other: Words(
            mmd,
            "",
            "low",
            f"Squared maximum mean discrepancy with kernel (x·y / D + 1)³ of the shown pictures "
            f"and the truths of the same pictures in {features}; "
            f"{pairs}",
            counted=True,
        ),
    }


def _lpips(network: str) -> Words:
    return Words(
        f"LPIPS, {network}",
        "",
        "low",
        f"LPIPS 0.1 (Zhang et al. 2018) with torchvision's {network} and the published linear "
        f"heads, at full size: mean over the pictures.",
    )


METRICS = {
    "squeezenet_distance": Offer(
        _distance("squeezenet_distance", "squeezenet"),
        (SQUEEZENET,),
        {
            "squeezenet_distance": Words(
                "SqueezeNet distance",
                "",
                "low",
                "Squared distance of the unit-normalised features of the seven stages of "
                "SqueezeNet 1.1 (Caffe), unweighted, so no LPIPS; summed over stages and channels, "
                "mean over places and pictures.",
            )
        },
    ),
    "lpips_alex": Offer(
        _distance("lpips_alex", "alexnet"), (ALEXNET, HEADS), {"lpips_alex": _lpips("AlexNet")}
    ),
    "lpips_vgg": Offer(
        _distance("lpips_vgg", "vgg16"), (VGG16, HEADS), {"lpips_vgg": _lpips("VGG16")}
    ),
    "squeezenet512": Offer(
        _squeezenet512,
        (SQUEEZENET,),
        _of_sets(
            "squeezenet512",
            "Fréchet, SqueezeNet 512",
            "MMD², SqueezeNet 512",
            "the last stage of SqueezeNet 1.1 (Caffe), mean over places, 512 features; no FID",
        ),
    ),
    "mobilenet1280": Offer(
        _mobilenet1280,
        (MOBILENET,),
        _of_sets(
            "mobilenet1280",
            "Fréchet, MobileNetV2 1280",
            "MMD², MobileNetV2 1280",
            "the pooled features of MobileNetV2 1.0, central 224 of 256 px, 1280 features; no FID",
        ),
    ),
    "inception2048": Offer(
        _inception2048,
        (INCEPTION,),
        _of_sets(
            "inception2048",
            "FID, TF Inception 2048",
            "KID, TF Inception 2048",
            "the 2048 pooled features of the TensorFlow Inception of 2015-12-05 (torch-fidelity, "
            "resized to 299 × 299 as TensorFlow 1 does)",
        ),
        ("torch", "safetensors", "torch_fidelity"),
    ),
    "mobilenet_v2": Offer(
        _mobilenet_v2,
        (MOBILENET, CLASSES),
        {
            "regained_mobilenet_v2": Words(
                "recognised again",
                "",
                "high",
                "What colouring brings back of the accuracy that MobileNetV2 1.0 (ImageNet) loses "
                "on grey: (accuracy shown - accuracy grey) / (accuracy of the truth - accuracy "
                "grey), against labels where there are any, else against its answer on the truth.",
            )
        },
    ),
}
