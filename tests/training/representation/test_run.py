"""run.py, table.py, report.py: a study from pictures to its report; going on; looking twice."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kolorit.errors import ConfigInvalid, DataCorrupt, OutputUnwritable
from kolorit.training.representation import run as running
from kolorit.training.representation.figures import draw_figures
from kolorit.training.representation.outcomes import read_outcomes
from kolorit.training.representation.run import find_device, run_study
from kolorit.training.representation.study import Perceptual, Study, perceptual_name
from kolorit.training.representation.study_file import load_study

from .conftest import TINY

Make = Callable[..., Study]


def quiet(_: str) -> None: ...


@pytest.fixture(scope="module", autouse=True)
def undrawn() -> Iterator[None]:
    """No figures: they take longer than all else of so small a study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "draw_figures", lambda *_: {})
        yield


@pytest.fixture(scope="module")
def finished(undrawn: None, tmp_path_factory: pytest.TempPathFactory, foods_once: Path) -> Path:
    """The folder of the tiny study; look at it, or copy it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(TINY)
    study = load_study(str(folder / "tiny.toml"), (f"data={foods_once}",))
    run_study(study, folder / "run", say=quiet)
    return folder / "run"


@pytest.fixture
def again(finished: Path, tmp_path: Path, foods: Path) -> Path:
    shutil.copytree(finished.parent / "stores", tmp_path / "stores")
    return Path(shutil.copytree(finished, tmp_path / "again"))


def test_what_a_study_leaves(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    rows = results["rows"]
    arms = {"raw": ["pixels"], "random": ["down1", "latent"], "colour": ["down1", "latent"]}
    assert [(r["arm"], r["stage"], r["domain"], r["fraction"]) for r in rows] == [
        (arm, stage, d, f)
        for arm, stages in arms.items()
        for stage in stages
        for d in ("in", "out")
        for f in (0.5, 1.0)
    ]
    for row in rows:
        mean, low, high = row["accuracy"]
        assert 0 <= low <= mean <= high <= 1
        assert mean == pytest.approx(np.mean(row["by_seed"]), abs=1e-4)
        assert np.shape(row["by_seed"]) == (1 if row["arm"] == "raw" else 2, 2)
        assert row["labels"] == {"in": 4, "out": 2}[row["domain"]] * 6 * row["fraction"]
        assert row["development_labels"] == {"in": 4, "out": 2}[row["domain"]] * 4
    split = results["split"]["domains"]
    assert (len(split["in"]["classes"]), len(split["out"]["classes"])) == (4, 2)
    assert split["out"]["chance"] == 0.5
    assert [run["seed"] for run in results["pretexts"]["colour"]] == [0, 1]
    assert results["test_looked_at"] == 1
    pairs = {(d["first"], d["second"]) for d in results["differences"]}
    assert pairs == {("raw", "random"), ("colour", "random")}
    assert not list((finished / "features").iterdir())
    report = (finished / "report.md").read_text()
    for words in (
        "Does it run?",
        "| colour |",
        "In domain: 4 classes",
        "chance 50.00 %",
        "Visible",
        "labelled development pictures (16 in domain, 8 out of domain)",
    ):
        assert words in report
    assert "looked at by" not in report and "Defects" not in report
    assert "nan" not in report.lower()


def test_arms_that_differ_in_their_probes_alone_share_an_encoder(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "pretrain", lambda *_: pytest.fail("taught again"))
    arm = "arms.other={ features = 'pretext', pretext = 'ab', kinds = ['two-conv'], "
    arm += "probe_penalties = { kernel_l2 = 1e-3 } }"
    how = study(arm, "only=['colour', 'other']", "probe.epochs=1", "baseline=colour")
    run_study(how, again, say=quiet)
    results = json.loads((again / "results.json").read_text())
    rows = results["rows"]
    assert list(results["pretexts"]) == ["colour"]
    other = [(r["probe"], r["stage"], r["fraction"]) for r in rows if r["arm"] == "other"]
    assert other == [("two-conv", "latent", f) for f in (1.0, 1.0)]
    assert {r["probe"] for r in rows if r["arm"] == "colour"} == {"linear"}


def test_networks_that_are_the_same_are_drawn_together(again: Path, study: Make) -> None:
    """An arm and its twin: no difference, and no doubt of it."""
    twin = "arms.twin={ features = 'pretext', pretext = 'ab' }"
    run_study(study(twin, "only=['colour', 'twin']", "baseline=colour"), again, say=quiet)
    results = json.loads((again / "results.json").read_text())
    found = [d for d in results["differences"] if d["first"] == "twin"]
    assert len(found) == 4
    assert all(d["difference"] == d["gap"] == [0, 0, 0] for d in found)


def test_the_gap_between_train_and_test_has_its_interval(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    rows = {(r["arm"], r["stage"], r["domain"], r["fraction"]): r for r in results["rows"]}
    for row in rows.values():
        mean, low, high = row["gap"]
        assert mean == pytest.approx(row["train"] - row["accuracy"][0])
        assert low <= mean <= high
    for d in results["differences"]:
        sides = ((d[k], s) for k, s in zip(("first", "second"), d["stages"], strict=True))
        first, second = (rows[(*side, d["domain"], d["fraction"])] for side in sides)
        assert d["gap"][0] == pytest.approx(first["gap"][0] - second["gap"][0])


def test_the_table_is_that_of_the_answers(finished: Path, foods_once: Path) -> None:
    """Counted again by hand from the files of one arm, and the names of its test pictures."""
    results = json.loads((finished / "results.json").read_text())
    (row,) = [
        r for r in results["rows"]
        if (r["arm"], r["stage"], r["domain"], r["fraction"]) == ("colour", "latent", "in", 1.0)
    ]  # fmt: skip
    classes = sorted(path.name for path in (foods_once / "test").iterdir())
    inside = [classes.index(name) for name in results["split"]["domains"]["in"]["classes"]]
    truth = np.repeat(inside, 6)
    shares, counts = [], np.zeros((6, 6), int)
    for path in sorted((finished / "probes").glob("colour-*-latent-*.npz")):
        some = [o for o in read_outcomes(path) if (o.domain, o.fraction) == ("in", 1.0)]
        shares.append([float((o.predicted == truth).mean()) for o in some])
        for o in some:
            for pair in zip(truth, o.predicted, strict=True):
                counts[pair] += 1
    np.testing.assert_allclose(row["by_seed"], shares, atol=1e-4)
    (best,) = [
        b["stage"] for b in results["best"] if (b["arm"], b["domain"]) == ("colour", "in")
    ]  # fmt: skip
    confusion = np.load(finished / "confusions.npz")["colour/linear/in"]
    assert confusion.sum() == 24 * 2 * 2  # pictures, seeds of pretext and probe
    assert (confusion.sum(1)[inside] == 24).all()
    assert best != "latent" or np.array_equal(confusion, counts)


def test_figures_stand_beside_the_report(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'train' is not installed")
    monkeypatch.setattr(running, "draw_figures", draw_figures)
    text = run_study(study(), again, say=quiet).read_text()
    shown = re.findall(r"\]\((\S+\.png)\)", text)
    assert shown == [
        *("accuracy-linear.png", "stages-linear.png", "labels-linear.png"),
        *("confusion-linear.png", "samples.png"),
    ]
    assert all((again / name).is_file() for name in shown)
    assert len(list((again / "pretexts").glob("ab-0-*.npz"))) == 1


def test_without_matplotlib_there_is_a_report_all_the_same(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: object) -> None:
        raise ImportError

    monkeypatch.setattr(running, "draw_figures", lacking)
    said: list[str] = []
    assert "| colour |" in run_study(study(), again, say=said.append).read_text()
    assert "kolorit[train]" in said[-1]


def test_best_stages_are_those_of_development(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    for best in results["best"]:
        rows = [
            r for r in results["rows"]
            if (r["arm"], r["domain"], r["fraction"]) == (best["arm"], best["domain"], 1.0)
        ]  # fmt: skip
        assert max(rows, key=lambda r: r["development"])["stage"] == best["stage"]


def test_what_is_finished_is_not_done_again(
    again: Path, study: Make, foods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (again / "report.md").read_text()
    for name in ("pretrain", "extract", "write_outcomes"):
        monkeypatch.setattr(running, name, lambda *_, **__: pytest.fail("done again"))
    run_study(study(f"data={foods}"), again, say=quiet)
    assert (again / "report.md").read_text() == before


def test_a_lost_probe_alone_is_made_again(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lost,) = (again / "probes").glob("colour-1-latent-*.npz")
    want = [o.predicted for o in read_outcomes(lost)]
    lost.unlink()
    monkeypatch.setattr(running, "pretrain", lambda *_: pytest.fail("taught again"))
    written: list[Path] = []
    write = running.write_outcomes
    monkeypatch.setattr(
        running, "write_outcomes", lambda o, path: (written.append(path), write(o, path))
    )
    run_study(study(), again, say=quiet)
    assert written == [lost]
    assert all(map(np.array_equal, want, [o.predicted for o in read_outcomes(lost)]))


def test_a_killed_study_goes_on(
    tmp_path: Path, study: Make, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of its probes; the end is what one straight run gives."""
    write, left = running.write_outcomes, [3]

    def killed(*args: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "write_outcomes", killed)
    with pytest.raises(KeyboardInterrupt):
        run_study(study(), tmp_path / "run", say=quiet)
    monkeypatch.setattr(running, "write_outcomes", write)
    run_study(study(), tmp_path / "run", say=quiet)
    one, other = (
        json.loads((folder / "results.json").read_text()) for folder in (tmp_path / "run", finished)
    )
    assert one["rows"] == other["rows"]
    assert one["differences"] == other["differences"]


def test_a_second_look_at_the_test_is_told(again: Path, study: Make) -> None:
    said: list[str] = []
    report = run_study(study("probe.weight_decays=[1e-2]"), again, say=said.append)
    assert [line for line in said if "2 versions of this study have looked" in line]
    assert "looked at by 2 versions" in report.read_text()
    assert json.loads((again / "results.json").read_text())["test_looked_at"] == 2


def test_a_change_of_the_pretexts_leaves_other_arms_alone(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = running.write_outcomes
    monkeypatch.setattr(
        running, "write_outcomes", lambda o, path: (written.append(path.name), write(o, path))
    )
    run_study(study("training.steps=2"), again, say=quiet)
    assert {name.split("-")[0] for name in written} == {"colour"}


def test_running_a_part_first_is_no_second_look(again: Path, study: Make) -> None:
    said: list[str] = []
    run_study(study("only=['raw', 'random']"), again, say=said.append)
    assert said == []
    assert json.loads((again / "results.json").read_text())["test_looked_at"] == 1


def test_another_kind_of_probe_is_no_second_look(again: Path, study: Make) -> None:
    said: list[str] = []
    kinds = ("probe.kinds=['linear', 'two-conv']", "arms.raw.kinds=['linear']")
    run_study(study(*kinds, "only=['raw', 'random']"), again, say=said.append)
    rows = json.loads((again / "results.json").read_text())["rows"]
    assert {(r["arm"], r["probe"]) for r in rows} == {
        ("raw", "linear"), ("random", "linear"), ("random", "two-conv")
    }  # fmt: skip
    assert not [line for line in said if "have looked" in line]


def test_a_smaller_test_shares_the_encoders(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its features are its own: those that were kept of the larger test are of other rows."""
    monkeypatch.setattr(running, "pretrain", lambda *_: pytest.fail("taught again"))
    only = "only=['raw', 'colour']"
    run_study(study("keep_features=true", "probe.iterations=50", only), again, say=quiet)
    kept = {p.name for p in (again / "features").iterdir()}
    assert len(kept) == 3
    run_study(study("split.test_per_class=3", "keep_features=true", only), again, say=quiet)
    assert len({p.name for p in (again / "features").iterdir()} - kept) == 3
    assert json.loads((again / "study.json").read_text())["split"]["domains"]["in"]["test"] == 12


def test_features_can_be_kept(tmp_path: Path, study: Make) -> None:
    how = study("keep_features=true", "only=['raw']", "baseline=raw")
    run_study(how, tmp_path / "run", say=quiet)
    (kept,) = (tmp_path / "run" / "features").glob("raw-0-*/pixels.npy")
    assert np.load(kept).shape == (96, 64)  # 4 + 2 classes, 10 of the pool and 6 of the test


def test_two_stages_of_an_arm_are_compared(tmp_path: Path, study: Make) -> None:
    how = study("only=['random']", "probe.stages=['mid', 'latent']", "probe.fractions=[1.0]")
    run_study(how, tmp_path / "run", say=quiet)
    found = json.loads((tmp_path / "run" / "results.json").read_text())["differences"]
    assert [(d["first"], d["second"], d["stages"]) for d in found] == [
        ("random", "random", ["mid", "latent"])
    ] * 2


def test_bad_places_and_data(tmp_path: Path, study: Make, foods: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnwritable, match="folder is wanted"):
        run_study(study(), tmp_path / "file", say=quiet)
    with pytest.raises(ConfigInvalid, match="no such device"):
        run_study(study(), tmp_path / "run", device="cuda:7", say=quiet)
    with pytest.raises(ConfigInvalid, match="too few pictures"):
        run_study(study("split.train_per_class=2"), tmp_path / "run", say=quiet)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:", "cuda:-1", "meta", "cpu:x"])
def test_what_is_no_device(name: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"^device = '{name}'$") as told:
        find_device(name)
    assert told.value.remedy == "Use auto, cpu or cuda."


def test_as_many_gpus_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert find_device("auto") == find_device("cuda") == torch.device("cuda")
    assert find_device("cuda:0") == torch.device("cuda", 0)
    for name in ("cuda:1", "cuda:7"):
        with pytest.raises(ConfigInvalid, match=f"'{name}', and there is no such device"):
            find_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == torch.device("cpu")
    with pytest.raises(ConfigInvalid, match="no such device"):
        find_device("cuda")


def test_missing_weights_are_told_before_anything_is_taught(
    tmp_path: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    for name in ("pretrain", "extract"):
        monkeypatch.setattr(running, name, lambda *_, **__: pytest.fail("begun"))
    for arm in ("features = 'imagenet'", "features = 'pretext', pretext = 'rgb'"):
        with pytest.raises(ConfigInvalid, match="weights that the arm 'last' needs are missing"):
            run_study(study(f"arms.last={{ {arm} }}"), tmp_path / "run", say=quiet)
    with pytest.raises(pytest.fail.Exception, match="begun"):
        last = "arms.last={ features = 'imagenet' }"
        run_study(study(last, "only=['raw']", "baseline=raw"), tmp_path / "run", say=quiet)


def test_weights_that_taught_are_needed_no_more(
    again: Path, study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = study()
    needing = replace(how.arms["colour"], losses={"smooth_l1": 1.0, "perceptual": 1.0})
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(again))
    asked: list[list[str]] = []
    monkeypatch.setattr(running, "check_weights", lambda _, arms: asked.append(arms))
    run_study(how, again, say=quiet)
    for lost in (again / "probes").glob("colour-1-latent-*.npz"):
        lost.unlink()  # its encoder is there: what taught it is not asked for
    run_study(how, again, say=quiet)
    assert asked == [[], []]
    monkeypatch.setattr(running, "pretrain", lambda *_: pytest.fail("begun"))
    with pytest.raises(pytest.fail.Exception, match="begun"):
        run_study(replace(how, arms={**how.arms, "colour": needing}), again, say=quiet)
    assert asked[2:] == [["colour"]]


def test_a_broken_answer_is_told(again: Path, study: Make) -> None:
    next((again / "probes").glob("raw-*")).write_bytes(b"")
    with pytest.raises(DataCorrupt, match="outcomes of a probe"):
        run_study(study(), again, say=quiet)


def test_the_distance_has_its_right_name() -> None:
    plain = Perceptual()
    assert perceptual_name(plain).endswith("not LPIPS)")
    assert perceptual_name(replace(plain, backbone="alexnet", linear="lin")) == "LPIPS (AlexNet)"
    assert "with the linear layers" in perceptual_name(replace(plain, linear="lin"))
