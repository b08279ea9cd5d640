"""Names of a study's files: each has a hash of all that the file depends on.

What changes nothing in a file is not in its hash, so that another study finds it done. FORMAT, the
order of parts and all names of fields are in every hash: to change one is to make all files anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kolorit.training.representation.pictures import preprocessing_of
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import SEEDED, foreign_digest, kinds_of, stages_for
from kolorit.training.representation.study import Arm, Study, as_table

FORMAT = 1  # of the files; another number makes all of them anew
_WORDS = (  # change nothing that is looked at
    *("name", "question", "data", "only", "baseline", "compare", "keep_features"),
)
_WHERE = ("stages", "map_stages", "kinds")  # say which probes there are, not how they are done
_LINEAR = ("numbers", "axes", "weight_decays", "iterations")  # change no other kind of probe
_ON_MAPS = (  # change the linear probe in nothing
    *("map_fractions", "side", "standardised", "epochs", "steps", "batch", "lr", "decay"),
    *("penalties", "feature_penalties"),
)


def encoder_of(study: Study, arm: Arm, seed: int, of: ClassSet, out: Path) -> Path:
    """The file of an arm's taught encoder, whether it is there or not.

    Arms that differ in nothing but their probes share it.
    """
    key = _key(*_depends_on(study, arm, seed, of))
    return out / "pretexts" / f"{arm.pretext}-{seed}-{key}.safetensors"


def features_of(study: Study, name: str, arm: Arm, seed: int, of: ClassSet, out: Path) -> Path:
    """The folder of an arm's features, whether it is there or not."""
    key = _key(_source_key(study, arm, seed, of), asdict(study.split), study.probe.numbers)
    return out / "features" / f"{name}-{seed}-{key}"


def outcomes_of(
    study: Study, name: str, arm: Arm, seed: int, of: ClassSet, out: Path
) -> dict[tuple[str, int, str, str], Path]:
    """The files of what an arm's probes answer, by (arm, seed, stage, kind of probe)."""
    source = _source_key(study, arm, seed, of)
    return {
        (name, seed, stage, kind): out / "probes" / f"{name}-{seed}-{stage}-{kind}-{key}.npz"
        for kind in kinds_of(study, arm)
        for stage in stages_for(study, arm, kind)
        for key in [_key(source, *_asks(study, arm, kind))]
    }


def look_of(study: Study, of: ClassSet) -> str:
    """The hash of what a study looks at; further stages and kinds of probes do not change it."""
    asked = {k: v for k, v in as_table(study).items() if k not in _WORDS}
    for how in (asked["probe"], *asked["arms"].values()):
        for where in _WHERE:
            how.pop(where, None)
    return _key(asked, of.digest)


def _source_key(study: Study, arm: Arm, seed: int, of: ClassSet) -> str:
    """Of an arm's features whatever their stage."""
    shown = [arm.sees, arm.size, study.probe.bf16, foreign_digest(arm)]
    return _key(*_depends_on(study, arm, seed, of), *shown)


def _depends_on(study: Study, arm: Arm, seed: int, of: ClassSet) -> list[Any]:
    """All that an arm's encoder, or source, depends on, but for the seeds and arms beside it."""
    split = asdict(study.split)
    if not study.defects.test_chooses:  # what is kept for probes teaches nothing
        split = {k: v for k, v in split.items() if k not in ("development", "test_per_class")}
    always = [FORMAT, of.digest, split, asdict(preprocessing_of(study))]
    always += [asdict(study.defects), arm.features, seed]
    if arm.features in SEEDED:
        always += [asdict(study.net)]
    if arm.features == "pretext":
        training = {k: v for k, v in asdict(study.training).items() if k != "seeds"}
        always += [arm.pretext, arm.losses, arm.penalties, arm.feature_penalties]
        always += [study.decoder, training, asdict(study.perceptual)]
    return always


def _asks(study: Study, arm: Arm, kind: str) -> list[Any]:
    """How a kind of probe is done, but for where."""
    other = _ON_MAPS if kind == "linear" else _LINEAR
    how = {k: v for k, v in asdict(study.probe).items() if k not in (*_WHERE, *other)}
    own = [] if kind == "linear" else [arm.probe_penalties, arm.probe_feature_penalties, arm.side]
    return [asdict(study.split), how, *own]


def _key(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
