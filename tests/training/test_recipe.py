"""training/recipe.py: TOML in, one frozen dataclass out, everything unknown refused."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest

from kolorit.errors import ConfigInvalid
from kolorit.training.losses import LOSSES
from kolorit.training.nets import NETS
from kolorit.training.recipe import load_recipe, recipe_from_json, shipped_recipes


def test_every_shipped_recipe_loads_and_names_what_exists() -> None:
    assert shipped_recipes()
    for name in shipped_recipes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.net in NETS
        assert set(recipe.losses) <= set(LOSSES)
        assert all(px % 32 == 0 for px in recipe.crops + recipe.final_crops)
        with pytest.raises(FrozenInstanceError):
            recipe.steps = 1  # type: ignore[misc]


def test_overrides_are_typed_and_survive_json(tiny_recipe: Path) -> None:
    recipe = load_recipe(
        str(tiny_recipe), ("steps=9", "lr=1", "shards=other", "losses={smooth_l1=2}")
    )
    assert (recipe.steps, recipe.lr, recipe.shards, recipe.losses) == (
        9,
        1.0,
        ("other",),
        {"smooth_l1": 2.0},
    )
    assert recipe_from_json(json.dumps(asdict(recipe)), tiny_recipe) == recipe


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("stepz=3", "stepz"),
        ("steps=many", "steps"),
        ("steps=1.5", "steps"),
        ("steps=true", "steps"),
        ("grey=sepia", "grey"),
        ("losses=[1]", "losses"),
        ("shards=[]", "shards"),
        ("steps", "="),
        ("steps=0", "steps"),
        ("batch=0", "batch"),
        ("lr=nan", "lr"),
        ("validation=1.0", "validation"),
        ("size=-1", "size"),
        ("crops=[40]", "crops"),
        ("final_crops=[96]", "final_crops"),  # the store has 64 pixels
        ("net_config={deep=256.7}", "net_config"),
        ("looks={vivid={zz=1}}", "vivid"),
    ],
)
def test_wrong_keys_and_kinds_are_refused(tiny_recipe: Path, override: str, word: str) -> None:
    with pytest.raises(ConfigInvalid, match=word):
        load_recipe(str(tiny_recipe), (override,))


def test_broken_and_missing_recipes(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("net = ")
    with pytest.raises(ConfigInvalid, match=r"broken\.toml"):
        load_recipe(str(broken))
    with pytest.raises(ConfigInvalid) as caught:
        load_recipe("no-such-recipe")
    assert "hinted-small" in caught.value.remedy
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    with pytest.raises(ConfigInvalid, match="'net' is missing"):
        load_recipe(str(empty))
