"""linear.py and map_probe.py on pictures: they learn, choose by development, touch nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kolorit.errors import ConfigInvalid, DataCorrupt
from kolorit.training.representation import linear, map_probe
from kolorit.training.representation.activations import last_linear, listening
from kolorit.training.representation.classifiers import CLASSIFIERS
from kolorit.training.representation.frozen import Wanted, digest, extract
from kolorit.training.representation.outcomes import Outcome, read_outcomes, write_outcomes
from kolorit.training.representation.pictures import to_pictures
from kolorit.training.representation.pretraining import pretrain
from kolorit.training.representation.probes import PROBES
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import SOURCES
from kolorit.training.representation.splits import Domain
from kolorit.training.representation.study import Arm, Study
from kolorit.training.representation.task import Task
from kolorit.training.representation.taught import load_taught

CPU = torch.device("cpu")
Domains = dict[str, Domain]
Make = Callable[..., Study]


def task_of(
    study: Study, source: str, stage: str, of: ClassSet, domains: Domains, folder: Path
) -> Task:
    arm = replace(study.arms["raw"], features=source)
    features = SOURCES[source](study, arm, 0, None)
    wanted = Wanted((stage,), study.probe.numbers, (stage,) if features.net is not None else ())
    stored = extract(features, wanted, of, domains, folder, CPU)
    found, maps = (stored.get((stage, form)) for form in ("features", "maps"))
    return Task(study, arm, features, stage, found, of, domains, CPU, maps)


def right(outcome: Outcome, of: ClassSet, domains: Domains) -> float:
    return float((outcome.predicted == of.label[domains[outcome.domain].test]).mean())


def test_the_linear_probe_learns(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    outcomes = PROBES["linear"](task_of(study(), "rgb", "pixels", food_set, domains, tmp_path))
    assert [(o.domain, o.fraction, o.seed) for o in outcomes] == [
        (d, f, s) for d in ("in", "out") for f in (0.5, 1.0) for s in (0, 1)
    ]
    whole = [o for o in outcomes if o.fraction == 1.0]
    assert {o.labels for o in whole} == {4 * 6, 2 * 6}  # of 20: 10 for the pool, 4 of them aside
    assert all(set(o.predicted) <= set(domains[o.domain].classes) for o in outcomes)
    assert np.mean([right(o, food_set, domains) for o in whole]) > 0.9
    assert np.mean([o.train for o in whole]) > 0.9


def test_the_weight_decay_is_chosen_by_development_and_not_by_the_test(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fits of one decay are turned round; a test that is all wrong changes no choice."""
    path = linear.path

    def planted(*args: object) -> dict[float, tuple[torch.Tensor, torch.Tensor]]:
        fits = path(*args)  # type: ignore[arg-type]
        fits[0.1] = (-fits[0.1][0], -fits[0.1][1])
        return fits

    monkeypatch.setattr(linear, "path", planted)
    task = task_of(study(), "rgb", "pixels", food_set, domains, tmp_path)
    label = food_set.label.copy()
    for d in domains.values():
        label[d.test] = np.roll(label[d.test], len(d.test) // 2)
    for of in (food_set, replace(food_set, label=label)):
        outcomes = PROBES["linear"](replace(task, of=of))
        assert {o.choice for o in outcomes} == {1e-3}
        good = of is food_set
        assert (np.mean([right(o, of, domains) for o in outcomes]) > 0.7) == good


def test_two_conv_learns_and_leaves_the_encoder_alone(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    how = study(
        "probe.epochs=8", "probe.batch=4", "probe.lr=0.003", "probe.seeds=[0]", "probe.side=8"
    )
    task = task_of(how, "rgb", "pixels", food_set, domains, tmp_path)
    outcomes = PROBES["two-conv"](task)
    assert [(o.domain, o.fraction) for o in outcomes] == [("in", 1.0), ("out", 1.0)]
    assert np.mean([right(o, food_set, domains) for o in outcomes]) > 0.7
    assert all(0 <= o.choice < 8 for o in outcomes)
    random = task_of(how, "random", "latent", food_set, domains, tmp_path / "r")
    before = digest(random.features.net)
    PROBES["two-conv"](random)
    assert digest(random.features.net) == before


@pytest.mark.slow  # 60 steps: fewer leave the counts of its norms half way
def test_a_strong_classifier_learns_from_the_picture(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    how = study(
        *("probe.epochs=3", "probe.steps=60", "probe.batch=12", "probe.lr=0.001"),
        *("probe.seeds=[0]", "probe.side=4"),
    )
    outcomes = PROBES["resnet18"](task_of(how, "rgb", "pixels", food_set, domains, tmp_path))
    assert np.mean([right(o, food_set, domains) for o in outcomes]) > 0.7
    assert np.mean([o.train for o in outcomes]) > 0.8


def test_fewer_labels_have_as_many_steps(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """24 and 12 labels in batches of 4, out of domain 12 and 6; two judgements each."""
    asked: list[int] = []
    monkeypatch.setattr(map_probe, "_epoch", lambda *args: asked.append(len(args[3])))
    how = study("probe.epochs=2", "probe.steps=12", "probe.batch=4", "probe.seeds=[0]",
                "probe.side=4", "probe.map_fractions=[0.5, 1.0]")  # fmt: skip
    outcomes = PROBES["two-conv"](task_of(how, "rgb", "pixels", food_set, domains, tmp_path))
    assert [(o.domain, o.fraction, o.labels) for o in outcomes] == [
        *(("in", 0.5, 12), ("in", 1.0, 24), ("out", 0.5, 6), ("out", 1.0, 12))
    ]
    assert asked == [12] * 4 + [24] * 2 + [6] * 6 + [12] * 4
    assert [o.choice for o in outcomes] == [1, 0, 2, 1]  # nothing learns: the first is kept


@pytest.mark.parametrize(
    "penalty",
    [
        *("probe.penalties.kernel_l2=0.3", "arms.raw.probe_penalties.kernel_l2=0.3"),
        *("probe.feature_penalties.l2=0.3", "arms.raw.probe_feature_penalties.l2=0.3"),
    ],
)
def test_a_classifiers_penalties_act(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    penalty: str,
) -> None:
    """On its kernels, or on what its last layer sees, which is least where it should be."""
    made: list[torch.nn.Module] = []

    def make(*shape: int) -> torch.nn.Module:
        made.append(CLASSIFIERS["two-conv"](*shape))
        return made[-1]

    sizes = []
    for changes in ((), (penalty,)):
        how = study("probe.epochs=4", "probe.batch=6", "probe.lr=0.003", "probe.seeds=[0]",
                    "probe.side=8", *changes)  # fmt: skip
        map_probe.probe(task_of(how, "rgb", "pixels", food_set, domains, tmp_path), make=make)
        net = made[-1].eval()
        with listening([last_linear(net)], inputs=True) as heard, torch.no_grad():
            net(torch.rand(4, 3, 8, 8))
        kernels = sum(p.square().sum() for p in net.parameters() if p.ndim > 1)
        seen = heard[0].square().sum() if "feature" in penalty else kernels
        sizes.append(seen.item())
    assert sizes[1] < 0.8 * sizes[0]


def test_an_encoder_that_counts_is_refused(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    """What probes learn from is made under guard; later the encoder is not touched at all."""
    how = study("defects.train_mode=true", "probe.epochs=1", "probe.seeds=[0]")
    features = SOURCES["random"](how, replace(how.arms["raw"], features="random"), 0, None)
    wanted = Wanted(("latent",), 64, ("latent",))
    extract(features, wanted, food_set, domains, tmp_path / "a", CPU, train_mode=True)
    net = features.net
    net.quant = torch.nn.Sequential(net.quant, torch.nn.BatchNorm2d(4))
    with pytest.raises(ConfigInvalid, match="changed while it was probed"):
        extract(features, wanted, food_set, domains, tmp_path / "b", CPU, train_mode=True)


def test_maps_of_an_encoder_are_its_answers(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    """From the file, plain and mirrored, as if the encoder were asked again."""
    task = task_of(study("probe.side=0"), "random", "latent", food_set, domains, tmp_path)
    show, domain = map_probe.maps_from(task), domains["out"]
    rows = domain.pool[[3, 0, 5, 1]]
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    flip = same.random(len(rows)) < 0.5
    assert flip.any() and not flip.all()
    rgb = np.stack([food_set.pictures[row] for row in rows])
    rgb[flip] = rgb[flip][:, :, ::-1]
    pictures = to_pictures(rgb, food_set.label[rows], task.features.preprocessing, CPU)
    with torch.no_grad():
        want = task.features.maps(pictures, ("latent",))["latent"]
    np.testing.assert_allclose(show(domain, rows, rng), want, atol=2e-3)


def test_maps_of_another_domain_are_refused(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    task = task_of(study(), "random", "latent", food_set, domains, tmp_path)
    with pytest.raises(DataCorrupt, match="not in it"):
        map_probe.maps_from(task)(domains["out"], domains["in"].pool[:4], None)


@pytest.mark.parametrize(
    ("source", "switch", "rates"),
    [("rgb", "true", [3e-4, 5e-4]), ("rgb", "false", [3e-4] * 2), ("random", "true", [3e-4] * 2)],
)
def test_the_defect_of_the_rates_is_the_raw_arms_out_of_domain(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    switch: str,
    rates: list[float],
) -> None:
    seen: list[float] = []

    def spy(*args: object) -> float:
        seen.append(args[5].param_groups[0]["lr"])  # type: ignore[attr-defined]
        return 0.0

    monkeypatch.setattr(map_probe, "_epoch", spy)
    how = study(f"defects.uneven_rates={switch}", "probe.epochs=1", "probe.seeds=[0]")
    stage = "pixels" if source == "rgb" else "latent"
    PROBES["two-conv"](task_of(how, source, stage, food_set, domains, tmp_path))
    assert seen == rates


@pytest.mark.parametrize(("switch", "chosen"), [("false", 1), ("true", 2)])
def test_the_epoch_is_chosen_by_development_or_by_the_defect_on_the_test(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    switch: str,
    chosen: int,
) -> None:
    """Development says .2 .9 .5, the test .1 .3 .8."""
    test = {d.test.tobytes() for d in domains.values()}
    scores = {True: [0.1, 0.3, 0.8], False: [0.2, 0.9, 0.5]}
    epoch = {"now": -1}
    epochs = map_probe._epoch

    def count(*args: object) -> float:
        epoch["now"] = (epoch["now"] + 1) % 3
        return epochs(*args)  # type: ignore[arg-type]

    def judge(task: Task, show: object, domain: Domain, rows: np.ndarray, *_: object) -> float:
        return scores[rows.tobytes() in test][epoch["now"]]

    monkeypatch.setattr(map_probe, "_epoch", count)
    monkeypatch.setattr(map_probe, "_accuracy", judge)
    how = study(
        f"defects.test_chooses={switch}", "probe.epochs=3", "probe.seeds=[0]", "probe.side=4"
    )
    task = task_of(how, "rgb", "pixels", food_set, domains, tmp_path)
    assert [o.choice for o in PROBES["two-conv"](task)] == [chosen, chosen]


def test_outcomes_survive_a_file(tmp_path: Path) -> None:
    made = [
        Outcome("in", 0.5, 3, 12, 1e-3, 0.9, 0.4, np.array([1, 2, 2], np.int16)),
        Outcome("out", 1.0, 0, 24, 2.0, 0.8, float("nan"), np.array([7], np.int16)),
    ]
    write_outcomes(made, tmp_path / "a.npz")
    for one, other in zip(made, read_outcomes(tmp_path / "a.npz"), strict=True):
        assert np.array_equal(one.predicted, other.predicted)
        for name in ("domain", "fraction", "seed", "labels", "choice", "train"):
            assert getattr(one, name) == getattr(other, name)
    assert np.isnan(read_outcomes(tmp_path / "a.npz")[1].development)


def test_broken_outcomes(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK no zip")
    with pytest.raises(DataCorrupt, match="cannot be read") as told:
        read_outcomes(tmp_path / "a.npz")
    assert "take the file away" in told.value.remedy.lower()


def test_an_encoder_that_was_told_the_classes_beats_one_that_was_told_nothing(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    """The whole chain, at a bottleneck of two numbers a picture, so that little is kept by luck."""
    how = study(
        *("training.steps=100", "training.batch=16", "training.lr=0.005", "net.latent=2"),
        *("probe.seeds=[0, 1, 2]", "probe.fractions=[1.0]", "probe.numbers=2"),
    )
    arm = Arm("pretext", "labels")
    path = tmp_path / "a"
    pretrain(how, arm, 1, food_set, domains, path, CPU, lambda _: None)
    found = {}
    for name, taught in (("pretext", load_taught(path, how)), ("random", None)):
        features = SOURCES[name](how, arm, 1, taught)
        wanted = Wanted(("latent",), how.probe.numbers)
        stored = extract(features, wanted, food_set, domains, tmp_path / name, CPU)
        latent = stored["latent", "features"]
        task = Task(how, arm, features, "latent", latent, food_set, domains, CPU)
        inside = [o for o in PROBES["linear"](task) if o.domain == "in"]
        found[name] = np.mean([right(o, food_set, domains) for o in inside])
    assert found["pretext"] > found["random"] + 0.3
