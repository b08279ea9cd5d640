"""A run that was stopped, by Ctrl-C or by kill -9, ends as if it had not been: bit for bit.

Row R10 of the reliability table: weights, averages, optimisers, history, log and pictures.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.recipe import Recipe
from kolorit.training.recipe_file import load_recipe

from .conftest import SMALL, Make, differences, jpeg, rows_of, run_quietly, write_shard
from .test_update import adversary

SOURCE = Path(__file__).resolve().parents[2] / "src"


def assert_same_runs(one: Path, other: Path) -> None:
    """Every file of two runs."""
    names = [sorted(p.relative_to(run).as_posix() for p in run.rglob("*")) for run in (one, other)]
    assert names[0] == names[1]
    assert rows_of(one) == rows_of(other)
    for name in names[0]:
        if name.endswith(".safetensors"):
            assert differences(load_checkpoint(one / name), load_checkpoint(other / name)) == []
        elif name.endswith((".jpg", "recipe.json")):
            assert (one / name).read_bytes() == (other / name).read_bytes(), name


# Ctrl-C

VARIANTS: dict[str, tuple[str, ...]] = {
    "plain": ("keep=2",),
    "parts": ("accumulate=2",),
    "critic": (adversary(alone=1, joint=2, critic_config='{norm="batch", base=4}'),),
    "spectral critic": (
        adversary(begin=2, alone=1, critic_config='{norm="instance", base=4, spectral=true}'),
    ),
    "random critic": (adversary(loss='"wgan"', alone=1, gradient_penalty=10.0),),
    "plateau": (
        *("schedule=plateau", "validate_every=1", "patience=1", "factor=0.5", "lr=1e-6"),
        *("encoder_lr=1e-6", "warmup=0"),
    ),
    "one cycle": ("schedule=one-cycle",),
    "many things": (
        "optimiser=sgd",
        "ageing=0.7",
        "hints=0.5",
        "rotate=10.0",
        "final_crops=[64]",
        "final_share=0.5",
        "penalties={spectral_norm=0.001}",
        "ema=0.0",
    ),
    "half precision": ("precision=bf16-mixed",),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupted_equals_straight(small: Make, tmp_path: Path, variant: str) -> None:
    recipe = small(*VARIANTS[variant])
    straight, stopped = tmp_path / "straight" / "run", tmp_path / "stopped" / "run"
    run_quietly(recipe, straight)
    for step in (4, 6):  # checkpoints are at 2, 3, 4, 6
        with pytest.raises(KeyboardInterrupt):
            run_quietly(recipe, stopped, resume=step > 4, say=_StopAt(step))
    run_quietly(recipe, stopped, resume=True)
    assert_same_runs(straight, stopped)
    if variant == "plateau":
        assert len({row["lr"] for row in rows_of(stopped) if "lr" in row}) > 2


def test_the_shipped_network_goes_on(shards: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    """Some of its weights are frozen, the encoder learns at a rate of its own."""
    config = "net_config={deep=16, s16=16, s8=16, s4=16, s2=8, deep_blocks=1, frozen=4}"
    recipe = load_recipe(str(tiny_recipe), (config, "encoder_lr=1e-4", "grid_every=4"))
    straight, stopped = tmp_path / "straight" / "run", tmp_path / "stopped" / "run"
    run_quietly(recipe, straight)
    with pytest.raises(KeyboardInterrupt):
        run_quietly(recipe, stopped, say=_StopAt(3))
    run_quietly(recipe, stopped, resume=True)
    assert_same_runs(straight, stopped)


class _StopAt:
    """Interrupts the run where it says that it has done a step, which is before it saves."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, line: str) -> None:
        if line.startswith(f"step {self.step} of"):
            raise KeyboardInterrupt


# kill -9, in processes of their own: one imports everything, and forks those that train

WORKER = '''
import json, os, shutil, signal, socket, sys, time
from pathlib import Path

import torch
torch.set_num_threads(1)

from kolorit.errors import TrainingDiverged
from kolorit.training import checkpoint, data, loop
from kolorit.training import update as update_module
from kolorit.training.loop import train
from kolorit.training.recipe import Recipe
from kolorit.training.recipe_file import recipe_from_json

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in(place):
    """Kill this process inside a save: where, and in which of the saves."""
    name, count = place
    save_file, fsync, replace, append = checkpoint.save_file, os.fsync, Path.replace, loop.append
    calls = {"n": 0}

    def then(real, after):
        def planted(*given):
            calls["n"] += 1
            if calls["n"] == count and not after:
                die()
            answer = real(*given)
            if calls["n"] == count:
                die()
            return answer
        return planted

    def half(tensors, path, meta):
        calls["n"] += 1
        if calls["n"] == count:
            (path.parent / ".tmpHalf").write_bytes(b"half")
            die()
        return save_file(tensors, path, meta)

    if name == "half":
        checkpoint.save_file = half
    elif name == "written":
        checkpoint.save_file = then(save_file, True)
    elif name == "renaming":
        Path.replace = then(replace, False)
    elif name == "renamed":
        Path.replace = then(replace, True)
    elif name == "logging":
        loop.append = then(append, False)


def diverge_at(step):
    """The loss of this process alone is infinite at a step, and its gradient is not."""
    update, weigh, now = loop.update, update_module.weigh, {}

    def counting(fabric, run, recipe, batch, done):
        now["step"] = done + 1
        return update(fabric, run, recipe, batch, done)

    def planted(*given):
        total, raw = weigh(*given)
        return total + (float("inf") if now["step"] == step else 0.0), raw

    loop.update, update_module.weigh = counting, planted


def start(recipe, out, rank, ranks, place):
    child = os.fork()
    if child:
        return child
    try:
        if ranks > 1:
            os.environ.update(
                MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), NODE_RANK="0",
                LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks),
            )
        if place and place[0] == "diverge" and rank == ranks - 1:
            diverge_at(place[1])
        elif place and rank == 0:
            kill_in(place)
        shown = []
        picture = data._picture
        data._picture = lambda store, recipe, at: (
            shown.append((at, picture(store, recipe, at))) or shown[-1][1]
        )
        update, ends = loop.update, []

        def spy(fabric, run, *rest):
            answer = update(fabric, run, *rest)
            weights = [*run.net.parameters(), *(run.critic.parameters() if run.critic else ())]
            ends.append([w.double().sum().item().hex() for w in weights])
            return answer

        loop.update = spy
        out.parent.mkdir(parents=True, exist_ok=True)
        begun = (out / "recipe.json").exists()
        train(recipe, out, resume=begun, accelerator="cpu", devices=ranks, say=lambda line: None)
        report = {"shown": shown, "weights": ends}
        (out.parent / f"rank-{rank}.json").write_text(json.dumps(report))
        os._exit(0)
    except TrainingDiverged as error:
        os._exit(error.exit_code)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)


def sitting(recipe, out, ranks, after=None, place=None):
    """Train until the end, or until all is killed; gives each rank's exit code."""
    global port
    port += 1
    began = time.monotonic()
    children = [start(recipe, out, rank, ranks, place) for rank in range(ranks)]
    if after is not None:
        time.sleep(after)
        for child in children:
            os.kill(child, signal.SIGKILL)
    codes = []
    for child in children:
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if codes[-1] == -9:  # the others would wait for it
            for other in children[len(codes):]:
                os.kill(other, signal.SIGKILL)
    return {"codes": codes, "seconds": time.monotonic() - began}


for job in json.loads(sys.stdin.read()):
    recipe = recipe_from_json(job["recipe"], Path("job"))
    folder, ranks = Path(job["folder"]), job["ranks"]
    done = [sitting(recipe, folder / "straight" / "run", ranks)]
    whole = done[0]["seconds"]
    for kill in job["kills"]:
        after = kill * whole if isinstance(kill, float) else None
        place = None if isinstance(kill, float) else kill
        done.append(sitting(recipe, folder / "killed" / "run", ranks, after, place))
    done.append(sitting(recipe, folder / "killed" / "run", ranks))
    print(json.dumps(done), flush=True)
'''

# After a share of the straight run's time, in the n-th save, or where one process diverges.
Kill = float | tuple[str, int]


def kill_and_resume(*jobs: tuple[Recipe, Path, list[Kill], int]) -> list[list[list[int]]]:
    """For each job a straight run, and one that is killed as often as is said, then ended.

    Gives the exit codes of the processes of every sitting, the straight one first.
    """
    wanted = [
        {"recipe": json.dumps(asdict(recipe)), "folder": str(folder), "kills": kills, "ranks": n}
        for recipe, folder, kills, n in jobs
    ]
    ran = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    answers = []
    for line, (_, _, _, ranks) in zip(ran.stdout.splitlines(), jobs, strict=True):
        codes = [sitting["codes"] for sitting in json.loads(line)]
        assert codes[0] == codes[-1] == [0] * ranks, ran.stderr
        answers.append(codes)
    return answers


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[list[int]]]]:
    """The folder of two jobs, one/ and two/, of one process and of two; and their exit codes."""
    folder = tmp_path_factory.mktemp("killed")
    write_shard(folder / "photos" / "a.tar", {f"{k:03d}.jpg": jpeg(k) for k in range(20)})
    (folder / "small.toml").write_text(SMALL)
    changes = (f'sources=["{folder}/photos"]', "keep=1", adversary(alone=1))
    recipe = load_recipe(str(folder / "small.toml"), changes)
    shared = load_recipe(str(folder / "small.toml"), (*changes, "accumulate=2"))
    codes = kill_and_resume(
        (recipe, folder / "one", [("half", 3), 0.6], 1),
        (shared, folder / "two", [("diverge", 4), ("half", 2)], 2),
    )
    return folder, codes


def test_killed_twice_equals_straight(killed: tuple[Path, list[list[list[int]]]]) -> None:
    """Once in the middle of a save, once at no chosen moment."""
    folder, (codes, _) = killed
    assert codes[1] == [-9]
    assert_same_runs(folder / "one" / "straight" / "run", folder / "one" / "killed" / "run")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_equals_straight(small: Make, tmp_path: Path, seed: int) -> None:
    """200 steps, five kills by the clock and one at each place in a save."""
    rng = random.Random(seed)
    kills: list[Kill] = [rng.uniform(0, 0.15) for _ in range(5)]
    for name in ("half", "written", "renaming", "renamed", "logging"):
        kills.insert(rng.randrange(len(kills)), (name, rng.randint(1, 4)))
    recipe = small("steps=200", "save_every=5", "validate_every=20", "grid_every=50", "keep=2")
    (codes,) = kill_and_resume((recipe, tmp_path, kills, 1))
    assert codes.count([-9]) >= 8
    assert_same_runs(tmp_path / "straight" / "run", tmp_path / "killed" / "run")


# two processes


def test_two_processes_share_the_work(killed: tuple[Path, list[list[list[int]]]]) -> None:
    """After each step equal weights of network and critic, though of disjoint pictures."""
    folder = killed[0] / "two" / "straight"
    one, two = (json.loads((folder / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert one["weights"] == two["weights"]
    assert len({tuple(step) for step in one["weights"]}) == 6
    places = [{at for at, _ in report["shown"]} for report in (one, two)]
    assert not places[0] & places[1]
    assert places[0] | places[1] == set(range(6 * 4))
    pictures = [picture for _, picture in sorted(one["shown"] + two["shown"])]
    epoch = len(set(pictures))
    assert 10 < epoch < 20  # some are held out
    assert len(set(pictures[:epoch])) == epoch


def test_two_processes_that_are_killed_equal_straight(
    killed: tuple[Path, list[list[list[int]]]],
) -> None:
    """At first one of them diverges, and both stop at the same step with the state before it."""
    folder, (_, codes) = killed
    assert codes[1] == [14, 14]
    assert codes[2][0] == -9
    assert_same_runs(folder / "two" / "straight" / "run", folder / "two" / "killed" / "run")


@pytest.mark.slow
def test_two_processes_killed_at_random_moments(small: Make, tmp_path: Path) -> None:
    kills: list[Kill] = [0.15, ("written", 2), 0.2, ("renamed", 3), 0.1]
    recipe = small("steps=60", "save_every=4", "validate_every=10", "grid_every=30")
    kill_and_resume((recipe, tmp_path, kills, 2))
    assert_same_runs(tmp_path / "straight" / "run", tmp_path / "killed" / "run")
