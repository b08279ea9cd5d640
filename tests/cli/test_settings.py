"""Who decides: flags, variables, the folder's file, the user's file, defaults."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from kolorit.cli.settings import SETTINGS, resolve, user_file, variable
from kolorit.errors import ConfigInvalid

from .conftest import Kolorit, photo


def user(text: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text, "utf-8")


def test_each_wins_over_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (resolve({})["strength"].value, resolve({})["strength"].origin) == (1.0, "default")
    user("strength = 0.2\nquality = 50\n")
    assert resolve({})["strength"].origin == str(user_file())
    Path("kolorit.toml").write_text("strength = 0.3", "utf-8-sig")  # as Windows' editors do
    assert (resolve({})["strength"].value, resolve({})["strength"].origin) == (0.3, "kolorit.toml")
    monkeypatch.setenv("KOLORIT_STRENGTH", "0.4")
    assert resolve({})["strength"].origin == "KOLORIT_STRENGTH"
    chosen = resolve({"strength": "0.5", "quality": None, "json": True})
    assert (chosen["strength"].value, chosen["strength"].origin) == (0.5, "--strength")
    assert chosen["quality"].value == 50


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLORIT_LOOK", "")
    assert resolve({})["look"].origin == "default"


GOOD = {
    "model": "other",
    "look": "faithful",
    "strength": 0,
    "saturation": "1.5",
    "warmth": -0.5,
    "merge": "LAB",
    "size": "256",
    "mirror": "off",
    "device": "cpu",
    "threads": 2,
    "jobs": 3,
    "format": "png",
    "quality": 90,
    "mark": "no",
    "strip": "yes",
    "max_pixels": 10**9,
}
BAD = {
    "model": ["", 3],
    "look": [True],
    "strength": ["nan", -0.1, "1.1", True, "much"],
    "saturation": [4.1, "inf"],
    "warmth": [-1.1, "hot"],
    "merge": ["rgb", 1],
    "size": [31, 2049, "12.5", 64.0],
    "mirror": ["maybe"],
    "device": [0],
    "threads": [0, True],
    "jobs": ["-1"],
    "format": ["gif", 7],
    "quality": [0, 101],
    "mark": ["perhaps", 2],
    "strip": ["some"],
    "max_pixels": [0],
}


def test_the_tables_are_complete() -> None:
    assert GOOD.keys() == BAD.keys() == SETTINGS.keys()


@pytest.mark.parametrize("name", GOOD)
def test_values(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = SETTINGS[name]
    read = setting.read(GOOD[name])
    assert read is not None
    assert setting.read(str(read)) == read  # a flag's or a variable's text means the same
    monkeypatch.setenv(variable(name), str(read))
    assert resolve({})[name].value == read


@pytest.mark.parametrize(("name", "given"), [(n, v) for n, many in BAD.items() for v in many])
def test_bad_values(name: str, given: object) -> None:
    text = f'"{given}"' if isinstance(given, str) else str(given).lower()
    Path("kolorit.toml").write_text(f"{name} = {text}", "utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        resolve({})
    assert refused.value.file == "kolorit.toml"
    assert refused.value.cause.startswith(f"{name} = ")
    Path("kolorit.toml").unlink()
    with pytest.raises(click.BadParameter):
        resolve({name: given})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("lok = 'vivid'", "unknown key 'lok'"),
        ("strength = ", "no TOML"),
        ("[look]\nname = 1", "look = "),
        ("strength = 9", "strength = 9"),
    ],
)
def test_a_bad_file_is_named(kolorit: Kolorit, text: str, word: str) -> None:
    photo("farm.jpg")
    Path("kolorit.toml").write_text(text, "utf-8")
    ran = kolorit("farm.jpg", "--json")
    assert ran.code == 9
    assert word in ran.err
    assert "(kolorit.toml)" in ran.err
    assert ran.record["error"]["slug"] == "config-invalid"


def test_bytes_that_are_no_text_and_folders_are_no_settings() -> None:
    Path("kolorit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="no TOML"):
        resolve({})
    Path("kolorit.toml").unlink()
    Path("kolorit.toml").mkdir()
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        resolve({})


def test_a_bad_variable_is_named(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    photo("farm.jpg")
    monkeypatch.setenv("KOLORIT_THREADS", "many")
    ran = kolorit("farm.jpg")
    assert ran.code == 9
    assert "error: threads = 'many' (KOLORIT_THREADS)\nhint: It has to be a whole number" in ran.err


def test_a_look_that_the_model_lacks(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the command line it is a wrong command line; in a variable it is a wrong setting."""
    photo("farm.jpg")
    assert kolorit("farm.jpg", "--look", "wild").code == 2
    monkeypatch.setenv("KOLORIT_LOOK", "wild")
    assert kolorit("farm.jpg").code == 9


def test_settings_reach_the_picture(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    Path("kolorit.toml").write_text('format = "png"\nmark = false', "utf-8")
    assert kolorit("farm.jpg").code == 0
    assert b"compositeWithTrained" not in Path("farm.color.png").read_bytes()
    assert kolorit("farm.jpg", "--mark", "-f", "jpg").code == 0
    assert b"compositeWithTrained" in Path("farm.color.jpg").read_bytes()


def test_no_home_is_no_trouble(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    photo("farm.jpg")
    assert kolorit("farm.jpg").code == 0
