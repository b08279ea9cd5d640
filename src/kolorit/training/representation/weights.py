"""Files of weights that an arm of a study needs and Kolorit does not bring along."""

from __future__ import annotations

from collections.abc import Iterable

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.weights import weights_path
from kolorit.training.representation.pretexts import losses_of
from kolorit.training.representation.sources import MOBILENET
from kolorit.training.representation.study import Arm, Study


def needed_weights(study: Study, arm: Arm) -> tuple[str, ...]:
    """Names of files under KOLORIT_WEIGHTS, or absolute paths; those of losses only to teach."""
    if arm.features == "imagenet":
        return (MOBILENET,)
    if arm.features != "pretext" or "perceptual" not in losses_of(arm, study.perceptual):
        return ()
    names = (study.perceptual.weights, study.perceptual.linear)
    return tuple(name for name in names if name != "none")


def check_weights(study: Study, arms: Iterable[str]) -> None:
    """Raises ConfigInvalid where a file that one of these arms needs is missing."""
    for name in arms:
        for file in needed_weights(study, study.arms[name]):
            path = weights_path(file)
            if not path.is_file():
                raise ConfigInvalid(
                    f"the weights that the arm '{name}' needs are missing",
                    file=path,
                    remedy="Put the file there, name another one under [perceptual], or leave the "
                    "arm out with `only`.",
                )
