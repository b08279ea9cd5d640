"""Carrying a study out: split -> pretexts -> frozen features -> probes -> table -> report.

    OUT/study.json          the study as it ran, and what its split holds
    OUT/pretexts/           an encoder for each pretext and seed, and what its decoder makes
    OUT/features/           features by stage; taken away again, since they are large
    OUT/probes/             what each probe answered
    OUT/tested.json         which studies have looked at the test pictures
    OUT/results.json        the table; OUT/report.md the same to read, with *.png
    OUT/confusions.npz      which class was taken for which

A file's name holds a hash of all that it depends on (`keys.py`). So what is finished is not done
again, by the same command or by a study that differs elsewhere.
"""

from __future__ import annotations

import io
import json
import math
import shutil
from pathlib import Path

import numpy as np
import torch

from kolorit.errors import ConfigInvalid, OutputUnwritable
from kolorit.picture.save import save
from kolorit.training.representation.figures import draw_figures
from kolorit.training.representation.frozen import Wanted, extract
from kolorit.training.representation.keys import encoder_of, features_of, look_of, outcomes_of
from kolorit.training.representation.outcomes import Outcome, write_outcomes
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
from kolorit.training.representation.sources import SOURCES, Features, moved, seeds_of
from kolorit.training.representation.splits import Domain, describe_split, split_set
from kolorit.training.representation.study import Arm, Study, arms_of, as_table
from kolorit.training.representation.table import confusions, make_results
from kolorit.training.representation.task import Task
from kolorit.training.representation.taught import load_log, load_taught
from kolorit.training.representation.weights import check_weights
from kolorit.training.squares import Say


def run_study(study: Study, out: Path, *, device: str = "auto", say: Say = print) -> Path:
    """Carry a study out in the folder ``out``, from where it stands, and return its report.

    Raises ConfigInvalid and DataCorrupt for data that do not fit, ConfigInvalid for a device or
    weights that are not there, OutputUnwritable, and whatever pretexts and probes raise; what was
    finished before is kept.
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
    check_weights(study, [name for name in arms_of(study) if _is_left(study, name, of, out)])
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
    versions = note_test(study, of, out, lambda _: None)
    known = {"split": split, "pretexts": taught, "test_looked_at": versions}
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
    """ "auto" is a GPU where there is one. Raises ConfigInvalid for what is no device here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    remedy = "Use auto, cpu or cuda."
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigInvalid(f"device = '{name}'", remedy=remedy) from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigInvalid(f"device = '{name}'", remedy=remedy)
    if device.type == "cuda" and (device.index or 0) >= _count_gpus():
        raise ConfigInvalid(f"device = '{name}', and there is no such device", remedy="Use cpu.")
    return device


def _count_gpus() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def note_test(study: Study, of: ClassSet, out: Path, say: Say) -> int:
    """Note that this study looks at the test pictures; returns how many have, this one included.

    The same study going on is one look, and so is one with further stages or kinds of probes. A
    second one is said: whoever changes a study after looking at its test has chosen by it.
    """
    path = out / "tested.json"
    seen: list[str] = json.loads(path.read_text("utf-8")) if path.exists() else []
    look = look_of(study, of)
    if look not in seen:
        seen.append(look)
        save(json.dumps(seen).encode(), path, overwrite=True)
        if len(seen) > 1:
            say(
                f"{len(seen)} versions of this study have looked at the test pictures: what was "
                "chosen since the first is no longer independent of them"
            )
    return len(seen)


def _is_left(study: Study, name: str, of: ClassSet, out: Path) -> bool:
    """Whether an arm has an encoder to be taught, or a foreign one to be read, for its probes."""
    arm = study.arms[name]
    for seed in seeds_of(study, arm):
        answered = all(p.exists() for p in outcomes_of(study, name, arm, seed, of, out).values())
        taught = arm.features == "pretext" and encoder_of(study, arm, seed, of, out).exists()
        if not (answered or taught):
            return True
    return False


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
    files = outcomes_of(study, name, arm, seed, of, out)
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
    folder = features_of(study, name, arm, seed, of, out)
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


def _samples(
    study: Study, arm: Arm, encoder: Path, of: ClassSet, domains: dict[str, Domain]
) -> Samples:
    """What a taught encoder's decoder makes of some pictures, kept beside it."""
    path = encoder.with_suffix(".npz")
    if not path.exists():
        write_samples(make_samples(load_taught(encoder, study), arm.pretext, of, domains), path)
    return read_samples(path)


def _in_words(outcomes: list[Outcome]) -> str:
    """How it went on the development pictures with the most labels; the test is not told here."""
    most = max(o.fraction for o in outcomes)
    by_domain: dict[str, list[float]] = {}
    for o in outcomes:
        if o.fraction == most and not math.isnan(o.development):
            by_domain.setdefault(o.domain, []).append(o.development)
    means = [f"{name} {100 * sum(v) / len(v):.1f} %" for name, v in by_domain.items()]
    return f"{', '.join(means)} of the development pictures" if means else "done"
