"""training/recipe_file.py: TOML in, one frozen dataclass out, all else refused before a run."""

from __future__ import annotations

import json
import tomllib
from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kolorit.errors import ConfigInvalid
from kolorit.training.as_run import REACH
from kolorit.training.data import Batch
from kolorit.training.losses import ADVERSARIAL, LOSSES, PENALTIES
from kolorit.training.nets import CRITICS, NETS
from kolorit.training.optimiser import OPTIMISERS
from kolorit.training.recipe import Adversary, Recipe, crops_at, final_from
from kolorit.training.recipe_file import (
    _THROUGH_LAB,
    ADVERSARY_RANGES,
    RANGES,
    load_recipe,
    recipe_from_json,
    shipped_recipes,
)

WITH_CRITIC = '\n[adversary]\nloss = "hinge"\nweight = 0.1\n'


@pytest.fixture
def adversarial(tiny_recipe: Path) -> Path:
    """The tiny recipe with a critic."""
    tiny_recipe.write_text(tiny_recipe.read_text() + WITH_CRITIC)
    return tiny_recipe


def load(path: Path, *changes: str, smoke: bool = False) -> Recipe:
    return load_recipe(str(path), changes, smoke=smoke)


def refuse(path: Path, *changes: str, smoke: bool = False) -> ConfigInvalid:
    """The error; it names the file, or the one change, unless it is about a word of it."""
    with pytest.raises(ConfigInvalid) as caught:
        load(path, *changes, smoke=smoke)
    if "--set" not in caught.value.cause and len(changes) < 2:
        names = [f"--set {change.partition('=')[0].strip()}" for change in changes]
        assert caught.value.file == (names[0] if names else str(path))
    return caught.value


# What is shipped


@pytest.mark.parametrize("smoke", [False, True])
@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_every_shipped_recipe_loads_and_names_what_exists(name: str, smoke: bool) -> None:
    recipe = load_recipe(name, smoke=smoke)
    assert recipe.name == name
    assert recipe.net in NETS
    assert set(recipe.losses) <= set(LOSSES)
    assert set(recipe.penalties) <= set(PENALTIES)
    assert recipe.optimiser in OPTIMISERS
    if recipe.adversary:
        assert recipe.adversary.critic in CRITICS
        assert recipe.adversary.loss in ADVERSARIAL
    assert all(px % 16 == 0 for px in recipe.crops + recipe.final_crops)
    assert recipe.steps <= 4 if smoke else recipe.steps > 100
    assert recipe_from_json(json.dumps(asdict(recipe)), Path("recipe.json")) == recipe
    with pytest.raises(FrozenInstanceError):
        recipe.steps = 1  # type: ignore[misc]


def test_those_that_the_workshop_promises_are_there() -> None:
    assert set(shipped_recipes()) >= {
        *("seed-a-faithful", "seed-a-as-run", "seed-a-mended", "seed-a-gan", "seed-a-attention"),
        *("eccv16", "unet-l2", "hinted-default", "finetune-my-folder"),
    }
    for name, path in shipped_recipes().items():
        head = path.read_text().partition("\nnet")[0]
        assert f"kolorit train {name}" in head
        assert all(f"{word}: " in head for word in ("machine", "time", "score")), name


# Reading


def test_overrides_are_typed_and_survive_json(tiny_recipe: Path) -> None:
    changes = ("steps=9", "lr=1", "sources=other", "losses={smooth_l1=2}", "crops=[32, 48]")
    recipe = load(tiny_recipe, *changes)
    assert (recipe.steps, recipe.lr, recipe.crops) == (9, 1.0, (32, 48))
    assert (recipe.sources, recipe.losses) == ({"other": 1.0}, {"smooth_l1": 2.0})
    assert type(recipe.lr) is type(recipe.losses["smooth_l1"]) is float
    assert recipe_from_json(json.dumps(asdict(recipe)), tiny_recipe) == recipe


def test_the_name_is_the_file_s_unless_it_says_another(tiny_recipe: Path) -> None:
    assert load(tiny_recipe).name == "tiny"
    assert load(tiny_recipe, "name=another").name == "another"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("photos", {"photos": 1.0}),
        ('"photos"', {"photos": 1.0}),
        ('["photos", "/my/own"]', {"photos": 1.0, "/my/own": 1.0}),
        ('{photos = 1, "my own" = 2.5}', {"photos": 1.0, "my own": 2.5}),
    ],
)
def test_sources_as_text_list_or_table(
    tiny_recipe: Path, text: str, want: dict[str, float]
) -> None:
    recipe = load(tiny_recipe, f"sources={text}")
    assert recipe.sources == want
    assert recipe_from_json(json.dumps(asdict(recipe)), tiny_recipe) == recipe


def test_an_adversary_survives_json(adversarial: Path) -> None:
    changes = ("adversary.critic_config={norm='instance', base=8}", "adversary.begin=7")
    recipe = load(adversarial, *changes)
    config = {"norm": "instance", "base": 8}
    assert recipe.adversary == Adversary("hinge", 0.1, critic_config=config, begin=7)
    again = recipe_from_json(json.dumps(asdict(recipe)), adversarial)
    assert isinstance(again.adversary, Adversary)
    assert again == recipe


def test_a_saved_recipe_is_checked_like_any_other(tiny_recipe: Path) -> None:
    saved = asdict(load(tiny_recipe))
    for key, value in (("stepz", 3), ("steps", "many"), ("steps", 0), ("adversary", {"loss": "x"})):
        with pytest.raises(ConfigInvalid, match=key) as caught:
            recipe_from_json(json.dumps({**saved, key: value}), tiny_recipe)
        assert caught.value.file == str(tiny_recipe)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"net"', "[" * 100_000])
def test_what_is_no_saved_recipe_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"recipe\.json"):
        recipe_from_json(text, Path("recipe.json"))


def test_broken_and_missing_recipes(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    for content in (b"net = ", b"net = '\xff'", b"steps = " + b"9" * 5000, b"x = " + b"[" * 9999):
        broken.write_bytes(content)
        with pytest.raises(ConfigInvalid, match="cannot be read") as caught:
            load_recipe(str(broken))
        assert caught.value.file == str(broken)
    with pytest.raises(ConfigInvalid) as caught:
        load_recipe("no-such-recipe")
    assert "hinted-small" in caught.value.remedy
    with pytest.raises(ConfigInvalid, match="no recipe"):
        load_recipe(str(tmp_path / "gone.toml"))


@pytest.mark.parametrize("key", ["net", "losses", "sources"])
def test_missing_keys_are_named(tmp_path: Path, key: str) -> None:
    path = tmp_path / "few.toml"
    given = {"net": 'net = "unet"', "losses": "losses = {l2 = 1}", "sources": 'sources = "photos"'}
    path.write_text("\n".join(given.values()))
    assert load(path).steps == 4000
    path.write_text("\n".join(line for name, line in given.items() if name != key))
    assert f"'{key}' is missing" in refuse(path).cause


# --set


def test_set_reaches_into_tables(adversarial: Path) -> None:
    recipe = load(
        adversarial,
        *("losses.l1=2", "net_config.deep=32", "adversary.weight=0.5", "loss_options.l2.scale=9"),
        *("losses.l2 = 1", "about.licence = CC0"),
    )
    assert recipe.losses == {"classification": 1.0, "smooth_l1": 0.05, "l1": 2.0, "l2": 1.0}
    assert (recipe.net_config["deep"], recipe.net_config["s16"]) == (32, 16)
    assert recipe.adversary == Adversary("hinge", 0.5)
    assert recipe.loss_options == {"l2": {"scale": 9}}
    assert recipe.about == {"licence": "CC0"}


def test_set_can_make_an_adversary_and_says_what_it_lacks(tiny_recipe: Path) -> None:
    made = load(tiny_recipe, "adversary.weight=0.5", "adversary.loss=wgan")
    assert made.adversary == Adversary("wgan", 0.5)
    lacking = refuse(tiny_recipe, "adversary.weight=0.5")
    assert lacking.cause == "the key 'adversary.loss' is missing"
    assert "adversary.loss" in lacking.remedy
    assert "'adversary.weight' is missing" in refuse(tiny_recipe, "adversary.loss=hinge").cause


def test_values_of_set_are_toml_or_a_bare_word(tiny_recipe: Path) -> None:
    assert load(tiny_recipe, "start=runs/a=b").start == "runs/a=b"
    assert load(tiny_recipe, 'start="none"').start == "none"
    assert load(tiny_recipe, "lr=1e-4", "steps=1_000").steps == 1000
    assert load(tiny_recipe, "tensorboard=true").tensorboard is True
    for endless in ("9" * 5000, "[" * 9999):  # which Python's reader gives up on
        assert load(tiny_recipe, f"name={endless}").name == endless


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("steps", "no '='"),
        ("steps.x=3", "'steps' is no table"),
        ("net_config.deep.x=3", "'deep' is no table"),
        ("sources.photos=2", "'sources' is no table"),  # which is a list there
        ("losses.l1=much", "losses"),
        ("smoke.steps=3", "unknown key 'smoke'"),
        ("=3", "unknown key ''"),
        ("adversary=3", "adversary"),
    ],
)
def test_wrong_words_of_set(tiny_recipe: Path, change: str, words: str) -> None:
    assert words in refuse(tiny_recipe, change).cause


def test_what_is_at_fault_is_named(tiny_recipe: Path) -> None:
    """The change without which all is well, wherever it stands; the file for its own faults."""
    assert refuse(tiny_recipe, "steps=3", "lr=-1", "seed=1").file == "--set lr"
    assert refuse(tiny_recipe, " lr = -1", "batch=8").file == "--set lr"
    together = ("batch=9", "accumulate=3")  # right together, each wrong alone
    assert load(tiny_recipe, *together).batch == 9
    assert refuse(tiny_recipe, *together, "lrr=1").file == "--set lrr"
    assert refuse(tiny_recipe, "lr=-1", "clip=-1").file == "--set lr --set clip"
    tiny_recipe.write_text("lr = -1\n" + tiny_recipe.read_text())
    assert refuse(tiny_recipe).file == str(tiny_recipe)
    assert refuse(tiny_recipe, "steps=3", "seed=1").file == str(tiny_recipe)
    assert load(tiny_recipe, "lr=1").lr == 1
    assert refuse(tiny_recipe, "lr=1", "clip=-1").file == "--set clip"


def test_changes_leave_no_trace(tiny_recipe: Path) -> None:
    """Finding the fault tries some of them, and they reach into the same tables."""
    error = refuse(tiny_recipe, "losses.l1=1", "losses.l1=-1", "net_config.deep=3")
    assert (error.cause, error.file) == ("losses.l1 = -1.0", "--set losses.l1")


# [smoke]

SMOKE = '\n[smoke]\nsteps = 2\ncrops = [16]\nsources = "few"\nlosses = {l1 = 1}\n'


def test_smoke_changes_a_recipe_and_set_comes_last(tiny_recipe: Path) -> None:
    tiny_recipe.write_text(tiny_recipe.read_text() + SMOKE)
    small, whole = load(tiny_recipe, smoke=True), load(tiny_recipe)
    assert (small.steps, small.crops, small.sources) == (2, (16,), {"few": 1.0})
    assert small.losses == {"l1": 1.0}  # a table is replaced whole
    assert (whole.steps, whole.crops, whole.sources) == (4, (32,), {"photos": 1.0})
    assert small.net_config == whole.net_config
    assert load(tiny_recipe, "steps=3", smoke=True).steps == 3


@pytest.mark.parametrize("smoke", [False, True])
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("stepz = 2", "unknown key 'smoke.stepz'"),
        ('steps = "few"', "smoke.steps"),
        ("[smoke.smoke]", "unknown key 'smoke.smoke'"),
        ('adversary = {loss = "hinge", weihgt = 1}', "'adversary.weihgt'"),
    ],
)
def test_a_wrong_smoke_table_is_refused_even_when_it_is_off(
    tiny_recipe: Path, smoke: bool, line: str, words: str
) -> None:
    tiny_recipe.write_text(f"{tiny_recipe.read_text()}\n[smoke]\n{line}\n")
    assert words in refuse(tiny_recipe, smoke=smoke).cause


@pytest.mark.parametrize("smoke", [False, True])
def test_smoke_that_is_no_table(tiny_recipe: Path, smoke: bool) -> None:
    tiny_recipe.write_text(f"smoke = 3\n{tiny_recipe.read_text()}")
    assert "no table" in refuse(tiny_recipe, smoke=smoke).cause


def test_what_smoke_makes_of_a_recipe_is_checked_when_it_is_on(tiny_recipe: Path) -> None:
    tiny_recipe.write_text(f"{tiny_recipe.read_text()}\n[smoke]\ncrops = [160]\n")
    assert load(tiny_recipe).crops == (32,)
    assert "crops holds 160" in refuse(tiny_recipe, smoke=True).cause


# Keys and kinds


@pytest.mark.parametrize("change", ["stepz=3", "shards=photos", "encoder=none"])
def test_unknown_keys_are_refused_with_the_known_ones(tiny_recipe: Path, change: str) -> None:
    error = refuse(tiny_recipe, change)
    assert error.cause == f"unknown key '{change.partition('=')[0]}'"
    assert all(f.name in error.remedy for f in fields(Recipe))


def test_unknown_keys_of_an_adversary_are_refused(adversarial: Path) -> None:
    error = refuse(adversarial, "adversary.wieght=3")
    assert error.cause == "unknown key 'adversary.wieght'"
    assert all(f.name in error.remedy for f in fields(Adversary))


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("steps", "many", "a whole number"),
        ("steps", "1.5", "a whole number"),
        ("steps", "4.0", "a whole number"),
        ("steps", "true", "a whole number"),
        ("steps", "[4]", "a whole number"),
        ("lr", "fast", "a number"),
        ("lr", "true", "a number"),
        ("net", "3", "text"),
        ("net", "1979-05-27", "text"),
        ("tensorboard", "1", "true or false"),
        ("crops", "32", "a list of whole numbers"),
        ("crops", "[32.0]", "a list of whole numbers"),
        ("crops", "[true]", "a list of whole numbers"),
        ("anew", "deep", "a list of names"),
        ("anew", "[1]", "a list of names"),
        ("losses", "[1]", "a table of numbers"),
        ("losses", "l1", "a table of numbers"),
        ("losses", "{l1 = true}", "a table of numbers"),
        ("penalties", '{kernel_l2 = "1"}', "a table of numbers"),
        ("sources", "[1]", "a table of numbers"),
        ("sources", "[[]]", "a table of numbers"),
        ("sources", '{photos = "1"}', "a table of numbers"),
        ("sources", "true", "a table of numbers"),
        ("net_config", "[]", "a table"),
        ("looks", "3", "a table"),
        ("loss_options", "{l2 = 1}", "a table of tables"),
        ("adversary", "[]", "a table"),
    ],
)
def test_wrong_kinds_are_refused(tiny_recipe: Path, key: str, value: str, kind: str) -> None:
    error = refuse(tiny_recipe, f"{key}={value}")
    assert error.cause.startswith(f"{key} = ")
    assert error.remedy == f"Give {kind}."


def test_wrong_kinds_in_an_adversary_are_refused(adversarial: Path) -> None:
    for key, value in (("loss", "3"), ("weight", "x"), ("begin", "1.5"), ("critic_config", "3")):
        assert refuse(adversarial, f"adversary.{key}={value}").cause.startswith(f"adversary.{key}")


# Ranges


@pytest.mark.parametrize("key", sorted(RANGES))
def test_ranges_end_where_they_say(tiny_recipe: Path, key: str) -> None:
    least, most = RANGES[key]
    whole = type(getattr(load(tiny_recipe), key)) is int
    below = least - (1 if whole else least / 1e3 or 1e-3)
    above = most + (1 if whole else most / 1e3)
    for value in (below, above, *(() if whole else ("nan", "inf", "-inf"))):
        error = refuse(tiny_recipe, f"{key}={value}")
        assert error.cause.startswith(f"{key} = ")
        assert error.remedy.startswith("Use ")
    fits = {"batch": ("accumulate=1",), "accumulate": ("batch=1000000000",)}
    small = ("crops=[32]", "final_crops=[]")
    for value in (least, most):
        load(tiny_recipe, *small, *fits.get(key, ()), f"{key}={value}")


def test_every_number_has_a_range() -> None:
    for kind, ranges in ((Recipe, RANGES), (Adversary, ADVERSARY_RANGES)):
        assert {f.name for f in fields(kind) if f.type in ("int", "float")} == set(ranges)


@pytest.mark.parametrize(
    "change",
    [
        *("steps=0", "batch=0", "accumulate=0", "lr=0", "lr=nan", "encoder_lr=-1", "clip=0"),
        *("validation=0", "validation=1.0", "size=-1", "rotate=50", "ema=1.01", "hints=-0.1"),
        *("final_share=2", "factor=0", "factor=2", "patience=0", "drop_every=0", "warmup=-1"),
        *("store_px=16", "validate_every=0", "keep=-1", "weight_decay=-1", "seed=-1"),
    ],
)
def test_what_makes_no_sense_is_out_of_range(tiny_recipe: Path, change: str) -> None:
    assert refuse(tiny_recipe, change).cause.startswith(change.partition("=")[0])


@pytest.mark.parametrize("key", sorted(ADVERSARY_RANGES))
def test_ranges_of_an_adversary(adversarial: Path, key: str) -> None:
    """alone = -joint would make rounds of no step."""
    least, most = ADVERSARY_RANGES[key]
    for value in (least, most):
        critic = load(adversarial, f"adversary.{key}={value}").adversary
        assert getattr(critic, key) == value
    whole = type(getattr(critic, key)) is int
    for value in (-400, least - (1 if whole else 1e-13), *(() if whole else ("nan", "inf"))):
        assert refuse(adversarial, f"adversary.{key}={value}").cause.startswith(f"adversary.{key}")


@pytest.mark.parametrize("table", ["losses", "penalties", "sources"])
@pytest.mark.parametrize("value", ["-0.1", "nan", "inf"])
def test_no_weight_is_below_nothing(tiny_recipe: Path, table: str, value: str) -> None:
    assert refuse(tiny_recipe, f"{table}={{l1 = {value}}}").cause.startswith(f"{table}.l1 = ")


@pytest.mark.parametrize("key", ["grey", "lab", "precision", "schedule"])
def test_choices_are_listed(tiny_recipe: Path, key: str) -> None:
    error = refuse(tiny_recipe, f"{key}=sepia")
    assert error.cause == f"{key} = 'sepia'"
    assert getattr(load(tiny_recipe), key) in error.remedy.removeprefix("Use one of: ").split(", ")


def test_numbers_too_large_for_a_float(tiny_recipe: Path) -> None:
    for change in (f"lr={10**400}", f"losses={{l1 = {10**400}}}"):
        assert "too large" in refuse(tiny_recipe, change).cause


@given(st.text(max_size=12))
def test_no_value_ends_in_a_trace(text: str) -> None:
    """Whatever is typed behind a key is taken or refused in words."""
    for key in ("steps", "lr", "sources", "losses", "crops", "adversary", "looks", "about"):
        try:
            assert isinstance(load_recipe("unet-l2", (f"{key}={text}",)), Recipe)
        except ConfigInvalid as error:
            assert error.remedy


# What goes together


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("crops=[40]", "crops holds 40"),
        ("crops=[0]", "crops holds 0"),
        ("crops=[-16]", "crops holds -16"),
        ("crops=[]", "crops is empty"),
        ("crops=[32, 80]", "crops holds 80"),  # the store has 64 pixels
        ("final_crops=[96]", "final_crops holds 96"),
    ],
)
def test_crops_fit_the_store(tiny_recipe: Path, change: str, words: str) -> None:
    assert words in refuse(tiny_recipe, change).cause
    assert load(tiny_recipe, "crops=[16, 48]", "final_crops=[]").crops == (16, 48)


def test_a_batch_is_shared_out_whole(tiny_recipe: Path) -> None:
    assert "batch = 4 with accumulate = 3" in refuse(tiny_recipe, "accumulate=3").cause
    assert load(tiny_recipe, "accumulate=4").accumulate == 4


def test_something_is_learned_from_something(tiny_recipe: Path) -> None:
    for losses in ("{}", "{l1 = 0}", "{l1 = 0, l2 = 0.0}"):
        assert "no loss" in refuse(tiny_recipe, f"losses={losses}").cause
    for sources in ("[]", "{}", "{photos = 0}"):
        assert "no source" in refuse(tiny_recipe, f"sources={sources}").cause


def test_options_are_for_losses_that_are_there(tiny_recipe: Path) -> None:
    error = refuse(tiny_recipe, "loss_options.l2.scale=110.0")
    assert "'l2'" in error.cause
    assert "classification, smooth_l1" in error.remedy
    assert load(tiny_recipe, "losses.l2=0", "loss_options.l2.scale=110.0").losses["l2"] == 0


AS_RUN = ("lab=as-run", "hints=0", "losses={l2=1}")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("losses.ssim=0.1", "ssim"),
        ("losses.classification=1", "classification"),
        ("hints=0.1", "hints"),
        ("ageing=0.1", "ageing"),
        ('adversary={loss="hinge", weight=1}', "adversary"),
    ],
)
def test_the_wrong_lab_goes_with_few_things(tiny_recipe: Path, change: str, word: str) -> None:
    assert load(tiny_recipe, *AS_RUN).lab == "as-run"
    assert load(tiny_recipe, change).lab == "true"
    error = refuse(tiny_recipe, *AS_RUN, change)
    assert word in error.cause
    assert "as-run" in error.cause
    assert load(tiny_recipe, *AS_RUN, "losses.ssim=0").losses["ssim"] == 0  # is not computed


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_losses_that_need_true_lab_are_known(name: str) -> None:
    """Each loss refuses a batch that is no Lab, or is not in the list of those that do."""
    ab = torch.zeros(1, 2, 64, 64)
    out = {"ab": ab, "logits": torch.zeros(1, 313, 16, 16)}
    batch = Batch(torch.full((1, 1, 64, 64), 50.0), torch.zeros(1, 3, 64, 64), ab, REACH)
    options = {"prior": torch.full((313,), 1 / 313)} if name == "rebalanced" else {}
    if name in _THROUGH_LAB:
        with pytest.raises(ConfigInvalid, match="not true Lab"):
            LOSSES[name](out, batch, **options)
    else:
        assert LOSSES[name](out, batch, **options) == 0


def test_the_best_is_by_a_value_that_a_validation_has(tiny_recipe: Path) -> None:
    for value in ("loss", "ab_rmse", "smooth_l1"):
        assert load(tiny_recipe, f"best_by={value}").best_by == value
    for value in ("l2", "psnr", ""):
        error = refuse(tiny_recipe, f"best_by={value}")
        assert error.remedy == "Use one of: loss, ab_rmse, classification, smooth_l1."
    refuse(tiny_recipe, "best_by=smooth_l1", "losses.smooth_l1=0")  # is not computed


def test_a_critic_and_its_generator_meet(adversarial: Path) -> None:
    assert "adversary.joint = 0" in refuse(adversarial, "adversary.joint=0").cause
    assert load(adversarial, "adversary.joint=1", "adversary.alone=0").adversary is not None


@pytest.mark.parametrize(
    "look",
    [
        "3",
        "{}",
        "{zz = 1}",
        "{prior_exponent = 0, temperature = 1}",
        '{prior_exponent = 0, temperature = 1, regression = "all"}',
        "{prior_exponent = 0, temperature = true, regression = 1}",
        "{prior_exponent = 0, temperature = 0, regression = 1}",
        "{prior_exponent = 0, temperature = 1.5, regression = 1}",
        "{prior_exponent = 0, temperature = nan, regression = 1}",
    ],
)
def test_a_look_that_no_card_takes_is_refused(tiny_recipe: Path, look: str) -> None:
    assert "'vivid'" in refuse(tiny_recipe, f"looks={{vivid = {look}}}").cause


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("about.date=2024-01-01", "about"),
        ("about.score=nan", "about"),
        ("net_config.deep=inf", "net_config"),
        ("optimiser_options.t0=12:30:00", "optimiser_options"),
        ("looks={vivid={prior_exponent=nan, temperature=1, regression=1}}", "looks"),
    ],
)
def test_what_a_run_cannot_save_is_refused(tiny_recipe: Path, change: str, key: str) -> None:
    """A NaN would come back from JSON unlike itself, and no run could go on."""
    assert refuse(tiny_recipe, change).cause.startswith(f"{key} cannot be saved")


# recipe.py


def test_the_last_part_of_a_run_has_its_own_crops() -> None:
    made: dict[str, Any] = {"steps": 10, "crops": (32,), "final_crops": (64,), "final_share": 0.25}
    recipe = Recipe("r", "unet", {"l2": 1.0}, {"photos": 1.0}, **made)
    assert final_from(recipe) == 8
    assert [crops_at(recipe, step)[0] for step in range(10)] == [32] * 8 + [64] * 2
    same = Recipe("r", "unet", {"l2": 1.0}, {"photos": 1.0}, **{**made, "final_crops": ()})
    assert crops_at(same, 9) == (32,)
    assert final_from(Recipe("r", "unet", {}, {}, steps=10)) == 10


def test_shipped_recipes_are_plain_toml() -> None:
    """One level of names that the dataclass has; [smoke] changes no more than that."""
    for path in shipped_recipes().values():
        table = tomllib.loads(path.read_text("utf-8"))
        assert set(table) <= {f.name for f in fields(Recipe)} | {"smoke"}
        assert set(table["smoke"]) <= {f.name for f in fields(Recipe)} - {"name", "looks", "about"}


def test_a_critic_has_no_loss_scale_and_the_card_its_own_keys(tiny_recipe: Path) -> None:
    critic = 'adversary={loss="hinge", weight=1.0}'
    load_recipe(str(tiny_recipe), (critic, "precision=bf16-mixed"))
    with pytest.raises(ConfigInvalid, match="16-mixed with an adversary"):
        load_recipe(str(tiny_recipe), (critic, "precision=16-mixed"))
    load_recipe(str(tiny_recipe), ("about.licence=CC0",))
    with pytest.raises(ConfigInvalid, match=r"about\.bins"):
        load_recipe(str(tiny_recipe), ("about.bins=3",))
