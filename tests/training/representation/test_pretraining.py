"""pretraining.py: it learns, from whom it may; the file that is left; the defects of its log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from kolorit.errors import CheckpointRefused, TrainingDiverged
from kolorit.training.representation import pretraining
from kolorit.training.representation.pictures import Preprocessing, to_pictures
from kolorit.training.representation.pretraining import pretrain
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain
from kolorit.training.representation.study import Study
from kolorit.training.representation.taught import load_log, load_taught

CPU = torch.device("cpu")
Make = Callable[..., Study]
Domains = dict[str, Domain]


def teach(study: Study, of: ClassSet, domains: Domains, path: Path, seed: int = 0) -> Path:
    pretrain(study, study.arms["colour"], seed, of, domains, path, CPU, lambda _: None)
    return path


def test_it_learns(study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    how = study("training.steps=24", "training.batch=16", "training.validate_every=8",
                "training.lr=0.005")  # fmt: skip
    log = load_log(teach(how, food_set, domains, tmp_path / "a.safetensors"))["log"]
    assert [row["step"] for row in log] == [8, 16, 24]
    assert log[-1]["in"]["loss"] < 0.85 * log[0]["in"]["loss"]
    assert all(row[d]["smooth_l1"] == row[d]["loss"] for row in log for d in ("in", "out"))
    assert "test" not in log[-1]
    assert log[-1]["taught"]["loss"] < log[0]["taught"]["loss"]


def test_the_same_seed_gives_the_same_bytes(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    one = load_taught(teach(study(), food_set, domains, tmp_path / "a"), study())
    torch.manual_seed(2)
    same = load_taught(teach(study(), food_set, domains, tmp_path / "b"), study())
    other = load_taught(teach(study(), food_set, domains, tmp_path / "c", seed=1), study())
    assert all(map(torch.equal, one.net.parameters(), same.net.parameters()))
    assert not all(map(torch.equal, one.net.parameters(), other.net.parameters()))
    assert not one.net.training


def test_only_the_in_domain_pretext_pictures_teach(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[np.ndarray] = []
    whole = pretraining.batches

    def spy(of: ClassSet, domain: Domain, rows: np.ndarray, size: int):  # type: ignore[no-untyped-def]
        asked.append(rows)
        return whole(of, domain, rows, size)

    monkeypatch.setattr(pretraining, "batches", spy)
    teach(study("training.steps=30"), food_set, domains, tmp_path / "a")
    taught, again, *judged = asked
    assert set(taught) == set(domains["in"].pretext) == set(again)
    seen = set(np.concatenate(judged))
    assert seen <= set(domains["in"].pool) | set(domains["out"].pool)


def test_the_file_carries_its_preprocessing(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    how = study("grey='luma'")
    taught = load_taught(teach(how, food_set, domains, tmp_path / "a"), study())
    assert taught.preprocessing.grey == "luma"
    assert (taught.preprocessing.low, taught.preprocessing.high) == (-1, 1)
    assert taught.meta["pretext"] == "ab"
    assert taught.meta["parameters"] == sum(p.numel() for p in taught.net.parameters())


def test_a_latent_of_another_size_is_refused(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    path = teach(study("net.latent=8"), food_set, domains, tmp_path / "a")
    with pytest.raises(CheckpointRefused, match="its latent is 8, that of the study is 4"):
        load_taught(path, study())


def test_what_is_no_encoder_is_refused(study: Make, tmp_path: Path) -> None:
    with pytest.raises(CheckpointRefused, match="no encoder"):
        load_taught(tmp_path / "missing", study())
    save_file({"x": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(CheckpointRefused, match="no encoder"):
        load_taught(tmp_path / "other", study())
    with pytest.raises(CheckpointRefused, match="no encoder"):
        load_log(tmp_path / "other")


def test_a_loss_that_is_no_number_ends_it(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    how = study("training.lr=1e9", "training.clip=1e9", "training.steps=20")
    with pytest.raises(TrainingDiverged, match=r"at step \d+ the loss of 'ab'"):
        teach(how, food_set, domains, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_penalties_act(study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    sizes = []
    for weight in (0, 10):
        how = study("training.steps=20", f"arms.colour.penalties.kernel_l2={weight}")
        taught = load_taught(teach(how, food_set, domains, tmp_path / f"{weight}"), how)
        sizes.append(sum(p.square().sum().item() for p in taught.net.parameters() if p.ndim > 1))
    assert sizes[1] < 0.95 * sizes[0]


def test_penalties_on_the_latent_act(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    """Its squares, over held-out pictures."""
    rgb = np.stack([food_set.pictures[row] for row in domains["in"].pool[:16]])
    pictures = to_pictures(rgb, np.zeros(16, int), Preprocessing(32), CPU)
    sizes = []
    for weight in (0, 1):
        penalty = f"arms.colour.feature_penalties.l2={weight}"
        how = study("training.steps=12", "training.lr=0.005", penalty)
        net = load_taught(teach(how, food_set, domains, tmp_path / f"{weight}"), how).net
        sizes.append(net.encoder(pictures.grey).square().mean().item())  # type: ignore[operator]
    assert sizes[1] < 0.6 * sizes[0]


class Killed(BaseException):
    """As a signal would do it: nothing on the way catches it."""


def test_a_killed_pretext_goes_on_to_the_same_weights(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    how = study("training.steps=9", "training.validate_every=2", "defects.test_chooses=true",
                "defects.distorted_input=true")  # fmt: skip
    straight = load_taught(teach(how, food_set, domains, tmp_path / "a.safetensors"), how)
    monkeypatch.setattr(pretraining, "EVERY", -1.0)
    path, steps = tmp_path / "b.safetensors", []
    cut, saving = pretraining.cut, pretraining.save_progress

    def killed(*args: object) -> np.ndarray:
        steps.append(1)
        if len(steps) == 6:
            raise Killed
        return cut(*args)  # type: ignore[arg-type]

    # Saved after every third step alone, so that two of the five are lost.
    monkeypatch.setattr(
        pretraining,
        "save_progress",
        lambda path, at, *rest: None if at.step % 3 else saving(path, at, *rest),
    )
    monkeypatch.setattr(pretraining, "cut", killed)
    with pytest.raises(Killed):
        teach(how, food_set, domains, path)
    assert not path.exists() and pretraining.unfinished(path).exists()
    torch.manual_seed(77)
    again = load_taught(teach(how, food_set, domains, path), how)
    assert len(steps) == 6 + 6
    assert all(
        map(torch.equal, again.net.state_dict().values(), straight.net.state_dict().values())
    )
    assert again.log == straight.log
    assert [p.name for p in tmp_path.iterdir() if p.name[0] == "b"] == ["b.safetensors"]


def test_an_unfinished_pretext_of_another_network_is_refused(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "a.safetensors"
    monkeypatch.setattr(pretraining, "EVERY", -1.0)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # what was finished leaves it
    teach(study(), food_set, domains, path)
    with pytest.raises(CheckpointRefused, match="cannot go on") as told:
        teach(study("net.latent=8"), food_set, domains, path)
    assert "begins anew" in told.value.remedy
    pretraining.unfinished(path).write_bytes(b"half")
    with pytest.raises(CheckpointRefused, match="cannot go on"):
        teach(study(), food_set, domains, path)


def test_the_defect_that_chooses_by_the_test_keeps_its_best_step(
    study: Make,
    food_set: ClassSet,
    domains: Domains,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Validations of 3, 1 and 2: the second one's weights stay, unless the defect is off."""
    how = study("training.steps=3", "training.validate_every=1", "defects.test_chooses=true")
    for switch, chosen in ((True, 1), (False, 2)):
        each = 4 if switch else 3  # taught, in, out and, by the defect, test
        told = iter([3.0] * each + [1.0] * each + [2.0] * each)
        states: list[dict[str, torch.Tensor]] = []

        def validate(net: torch.nn.Module, *_: object) -> dict[str, float]:
            states.append({k: v.clone() for k, v in net.state_dict().items()})  # noqa: B023
            return {"loss": next(told)}  # noqa: B023

        monkeypatch.setattr(pretraining, "_validate", validate)
        case = replace(how, defects=replace(how.defects, test_chooses=switch))
        taught = load_taught(teach(case, food_set, domains, tmp_path / f"{switch}"), case)
        want = states[chosen * each]
        assert all(torch.equal(v, want[k]) for k, v in taught.net.state_dict().items())


def test_the_mean_is_over_pictures_and_the_defect_is_the_last_batch(
    study: Make, food_set: ClassSet, domains: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of 64 and 10 whose losses are 1 and 5: 114 / 74; the defect says 5 / 74."""
    rows = np.resize(domains["in"].pool, 74)
    for last, part in ((False, (64 + 50) / 74), (True, 5 / 74)):
        told = iter([1.0, 5.0])
        monkeypatch.setattr(
            pretraining,
            "_weigh",
            lambda *_: (lambda v: (torch.tensor(v), {"smooth_l1": v}))(next(told)),  # noqa: B023
        )
        how = study(f"defects.last_batch_logged={str(last).lower()}")
        net = torch.nn.Identity()
        found = pretraining._validate(
            net, how.arms["colour"], {}, food_set, domains["in"], rows, how, CPU
        )
        assert found["smooth_l1"] == pytest.approx(part, abs=1e-4)
        assert found["loss"] == pytest.approx((64 + 50) / 74, abs=1e-4)


def test_rebalanced_classes_are_taught(
    study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    how = study("arms.colour.pretext=bins", "arms.colour.losses={ rebalanced = 1.0 }")
    log = load_log(teach(how, food_set, domains, tmp_path / "a"))["log"]
    assert 0 < log[-1]["in"]["rebalanced"] < 100


def test_bf16_learns_too(study: Make, food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    log = load_log(teach(study("training.bf16=true"), food_set, domains, tmp_path / "a"))["log"]
    assert np.isfinite(log[-1]["in"]["loss"])
