"""Carrying a study out: split -> pretexts -> frozen features -> probes -> table -> report.

    OUT/study.json          the study as it ran, and what its split holds
    OUT/pretexts/           an encoder for each pretext and seed, and what its decoder makes
    OUT/features/           features by stage; taken away again, since they are large
    OUT/probes/             what each probe answered
    OUT/tested.json         which studies have looked at the test pictures
    OUT/results.json        the table; OUT/report.md the same to read, with *.png
    OUT/confusions.npz      which class was taken for which

A file's name holds a hash of all that it depends on. So what is finished is not done again, by the
same command or by a study that differs elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kolorit.errors import ConfigInvalid, OutputUnwritable
from kolorit.picture.save import save
from kolorit.training.representation.figures import draw_figures
from kolorit.training.representation.frozen import Wanted, extract
from kolorit.training.representation.outcomes import Outcome, write_outcomes
from kolorit.training.representation.pictures import preprocessing_of
from kolorit.training.representation.pretraining import pretrain
from kolorit.training.representation.probes import PROBES
from kolorit.training.representation.report import write_report
from kolorit.training.representation.samples import (
    Samples,
    make_samples,
    read_samples,
    write_samples,
)
from kolorit.training.representation.sets import ClassSet, open_set
from kolorit.training.representation.sources import (
    SEEDED,
    SOURCES,
    Features,
    foreign_digest,
    kinds_of,
    moved,
    seeds_of,
    stages_for,
)
from kolorit.training.representation.splits import Domain, describe_split, split_set
from kolorit.training.representation.study import Arm, Study, arms_of, as_table
from kolorit.training.representation.table import confusions, make_results
from kolorit.training.representation.task import Task
from kolorit.training.representation.taught import load_log, load_taught
from kolorit.training.squares import Say

FORMAT = 1  # of the files; another number makes all of them anew
_WORDS = (  # change nothing that is looked at
    *("name", "question", "data", "only", "baseline", "compare", "keep_features"),
)
_WHERE = ("stages", "map_stages", "kinds")  # say which probes there are, not how they are done
_LINEAR = ("numbers", "weight_decays", "iterations")  # change no other kind of probe
_ON_MAPS = (  # change the linear probe in nothing
    *("map_fractions", "side", "standardised", "epochs", "steps", "batch", "lr", "decay"),
    *("penalties", "feature_penalties"),
)


def run_study(study: Study, out: Path, *, device: str = "auto", say: Say = print) -> Path:
    """Carry a study out in the folder ``out``, from where it stands, and return its report.

    Raises ConfigInvalid and DataCorrupt for data that do not fit, OutputUnwritable, and whatever
    pretexts and probes raise; what was finished before is kept.
    """
    if out.exists() and not out.is_dir():
        raise OutputUnwritable("a study's folder is wanted, and this is a file", file=out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = f"the study's folder cannot be made: {error.strerror}"
        raise OutputUnwritable(cause, file=out) from error
    where = find_device(device)
    squashed = study.defects.squashed
    of = open_set(study.data, study.px, out.parent / "stores", squash=squashed, say=say)
    domains = split_set(of, study.split, study.defects)
    split = describe_split(of, domains)
    about = json.dumps({"study": as_table(study), "split": split}, indent=1)
    save(about.encode(), out / "study.json", overwrite=True)
    files: dict[tuple[str, int, str, str], Path] = {}
    for name, arm in arms_of(study).items():
        for seed in seeds_of(study, arm):
            files |= _probe_arm(study, name, arm, seed, of, domains, out, where, say)
    encoders: dict[str, list[Path]] = {}  # by the first arm that has them: others may share them
    for name, arm in arms_of(study).items():
        paths = [encoder_of(study, arm, seed, of, out) for seed in seeds_of(study, arm)]
        if arm.features == "pretext" and paths not in encoders.values():
            encoders[name] = paths
    taught = {n: [load_log(p) for p in paths if p.exists()] for n, paths in encoders.items()}
    looks = note_test(study, of, out, lambda _: None)
    known = {"split": split, "pretexts": taught, "test_looked_at": looks}
    results = make_results(study, of, domains, files, known)
    save(json.dumps(results, indent=1).encode(), out / "results.json", overwrite=True)
    content = io.BytesIO()
    counts = confusions(results, of, domains, files)
    np.savez_compressed(content, allow_pickle=False, **counts)
    save(content.getvalue(), out / "confusions.npz", overwrite=True)
    samples = {
        name: _samples(study, study.arms[name], paths[0], of, domains)
        for name, paths in encoders.items()
        if paths[0].exists()
    }
    try:
        figures = draw_figures(results, counts, samples, out)
    except ImportError:
        say("no figures: they need matplotlib, pip install 'kolorit[train]'")
        figures = {}
    return write_report(results, out / "report.md", figures)


def find_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigInvalid(f"device = '{name}', and there is no such device", remedy="Use cpu.")
    return torch.device(name)


def note_test(study: Study, of: ClassSet, out: Path, say: Say) -> int:
    """Note that this study looks at the test pictures; returns how many have, this one included.

    The same study going on is one look, and so is one with further stages or kinds of probes. A
    second one is said: whoever changes a study after looking at its test has chosen by it.
    """
    path = out / "tested.json"
    asked = {k: v for k, v in as_table(study).items() if k not in _WORDS}
    for how in (asked["probe"], *asked["arms"].values()):
        for where in _WHERE:
            how.pop(where, None)
    looks: list[str] = json.loads(path.read_text("utf-8")) if path.exists() else []
    look = _key(asked, of.digest)
    if look not in looks:
        looks.append(look)
        save(json.dumps(looks).encode(), path, overwrite=True)
        if len(looks) > 1:
            say(
                f"{len(looks)} versions of this study have looked at the test pictures: what was "
                "chosen since the first is no longer independent of them"
            )
    return len(looks)


def _probe_arm(
    study: Study,
    name: str,
    arm: Arm,
    seed: int,
    of: ClassSet,
    domains: dict[str, Domain],
    out: Path,
    device: torch.device,
    say: Say,
) -> dict[tuple[str, int, str, str], Path]:
    """One arm and seed to its outcomes' files, by (arm, seed, stage, kind of probe)."""
    looks = [arm.sees, arm.size, study.probe.bf16, foreign_digest(arm)]
    taught_key = _key(*_depends_on(study, arm, seed, of), *looks)
    files = {
        (name, seed, stage, kind): out / "probes" / f"{name}-{seed}-{stage}-{kind}-{key}.npz"
        for kind in kinds_of(study, arm)
        for stage in stages_for(study, arm, kind)
        for key in [_key(taught_key, *_asks(study, arm, kind))]
    }
    wanted = {key: path for key, path in files.items() if not path.exists()}
    if not wanted:
        return files
    taught = None
    if arm.features == "pretext":
        encoder = encoder_of(study, arm, seed, of, out)
        if not encoder.exists():
            say(f"{name}, seed {seed}: teaching its encoder '{arm.pretext}'")
            pretrain(study, arm, seed, of, domains, encoder, device, say)
        taught = load_taught(encoder, study)
    features = moved(SOURCES[arm.features](study, arm, seed, taught), device)
    source_key = _key(taught_key, asdict(study.split), study.probe.numbers)
    folder = out / "features" / f"{name}-{seed}-{source_key}"
    stored = _extract(
        study, features, [key[2:] for key in wanted], of, domains, folder, device, say
    )
    note_test(study, of, out, say)
    for (_, _, stage, kind), path in wanted.items():
        found, maps = (stored.get((stage, form)) for form in ("features", "maps"))
        task = Task(study, arm, features, stage, found, of, domains, device, maps)
        outcomes = PROBES[kind](task)
        write_outcomes(outcomes, path)
        say(f"{name}, seed {seed}, {stage}, {kind}: {_in_words(outcomes)}")
    if not study.keep_features:
        shutil.rmtree(folder, ignore_errors=True)
    return files


def _extract(
    study: Study,
    features: Features,
    wanted: list[tuple[str, str]],
    of: ClassSet,
    domains: dict[str, Domain],
    folder: Path,
    device: torch.device,
    say: Say,
) -> dict[tuple[str, str], Path]:
    """The files that probes of (stage, kind) want; what is there is not made anew."""
    linear = dict.fromkeys(stage for stage, kind in wanted if kind == "linear")
    on_maps = dict.fromkeys(stage for stage, kind in wanted if kind != "linear")
    if features.net is None:
        on_maps = {}  # the picture itself is at hand, and may be distorted
    all_of = Wanted(tuple(linear), study.probe.numbers, tuple(on_maps))
    paths = all_of.paths(folder)
    lacking = [key for key, path in paths.items() if not path.exists()]
    if lacking:
        say(f"{folder.name}: {', '.join(f'{form} of {stage}' for stage, form in lacking)}")
        some = Wanted(
            tuple(stage for stage, form in lacking if form == "features"),
            study.probe.numbers,
            tuple(stage for stage, form in lacking if form == "maps"),
        )
        extract(
            features, some, of, domains, folder, device,
            train_mode=study.defects.train_mode, bf16=study.probe.bf16,
        )  # fmt: skip
    return paths


def _asks(study: Study, arm: Arm, kind: str) -> list[Any]:
    """How a kind of probe is done, but for where."""
    other = _ON_MAPS if kind == "linear" else _LINEAR
    how = {k: v for k, v in asdict(study.probe).items() if k not in (*_WHERE, *other)}
    own = [] if kind == "linear" else [arm.probe_penalties, arm.probe_feature_penalties, arm.side]
    return [asdict(study.split), how, *own]


def _samples(
    study: Study, arm: Arm, encoder: Path, of: ClassSet, domains: dict[str, Domain]
) -> Samples:
    """What a taught encoder's decoder makes of some pictures, kept beside it."""
    path = encoder.with_suffix(".npz")
    if not path.exists():
        write_samples(make_samples(load_taught(encoder, study), arm.pretext, of, domains), path)
    return read_samples(path)


def encoder_of(study: Study, arm: Arm, seed: int, of: ClassSet, out: Path) -> Path:
    """The file of an arm's taught encoder, whether it is there or not.

    Arms that differ in nothing but their probes share it.
    """
    key = _key(*_depends_on(study, arm, seed, of))
    return out / "pretexts" / f"{arm.pretext}-{seed}-{key}.safetensors"


def _in_words(outcomes: list[Outcome]) -> str:
    """How it went on the development pictures with the most labels; the test is not told here."""
    most = max(o.fraction for o in outcomes)
    by_domain: dict[str, list[float]] = {}
    for o in outcomes:
        if o.fraction == most and not math.isnan(o.development):
            by_domain.setdefault(o.domain, []).append(o.development)
    means = [f"{name} {100 * sum(v) / len(v):.1f} %" for name, v in by_domain.items()]
    return f"{', '.join(means)} of the development pictures" if means else "done"


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


def _key(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
