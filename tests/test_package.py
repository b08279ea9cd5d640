"""The parcel: what pyproject promises, what the wheel carries, how heavy it is; and the guards."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kolorit

WHEEL_LIMIT = 25 * 10**6
INSTALL_LIMIT = 200 * 10**6


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without touching it or the network."""
    folder = tmp_path_factory.mktemp("wheel")
    result = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return next(folder.glob("*.whl"))


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_base_is_four_packages(project: dict[str, Any]) -> None:
    base = project["project"]["dependencies"]
    assert names_of(base) == {"click", "numpy", "onnxruntime", "pillow"}
    assert "pillow>=13" in base
    assert project["project"]["requires-python"] == ">=3.11"


def test_extras(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    assert {"torch", "lightning-fabric", "safetensors", "onnx"} <= names_of(extras["train"])
    assert names_of(extras["depth"]) == {"tifffile"}
    assert {"pytest", "hypothesis", "ruff", "mypy", "hatchling"} <= names_of(extras["dev"])


def test_licence_is_whole(repository: Path, project: dict[str, Any]) -> None:
    text = (repository / "LICENSE").read_text("utf-8")
    assert project["project"]["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert re.findall(r"^   (\d)\. ", text, re.MULTILINE) == list("123456789")
    assert "END OF TERMS AND CONDITIONS" in text


def top_version(changelog: str) -> str | None:
    """The version of the newest entry; an entry for what is not released yet may stand above it."""
    entries = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", changelog, re.MULTILINE)
    return next((entry for entry in entries if entry != "Unreleased"), None)


def test_changelog_is_of_this_version(repository: Path, project: dict[str, Any]) -> None:
    changelog = (repository / "CHANGELOG.md").read_text("utf-8")
    assert top_version(changelog) == kolorit.__version__
    assert project["project"]["dynamic"] == ["version"]  # one source: __init__.py
    assert project["tool"]["hatch"]["version"]["path"] == "src/kolorit/__init__.py"


def test_an_older_changelog_is_caught() -> None:
    assert top_version("# Changelog\n\n## [Unreleased]\n\n## [0.0.9] - 2026-01-02\n") == "0.0.9"
    assert top_version("# Changelog\n\n## 0.1.0\n") is None


def wheel_faults(wheel: Path, source: Path, limit: int = WHEEL_LIMIT) -> list[str]:
    """What is wrong with a wheel, in words. source: the src folder it was made from."""
    wrong = []
    if wheel.stat().st_size >= limit:
        wrong.append(f"{wheel.stat().st_size / 1e6:.1f} MB")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    outside = {
        path.relative_to(source).as_posix()
        for path in (source / "kolorit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wrong += [f"{name} is missing" for name in sorted(outside - inside)]
    wrong += [f"{name} does not belong" for name in sorted(inside - outside)]
    return wrong if licences else [*wrong, "no licence"]


def test_wheel_carries_everything_and_is_light(wheel: Path, repository: Path) -> None:
    assert wheel.name == f"kolorit-{kolorit.__version__}-py3-none-any.whl"
    assert wheel_faults(wheel, repository / "src") == []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for pattern in (r"models/.+\.onnx", r"models/.+\.toml", r"recipes/.+\.toml", r"py\.typed"):
        assert any(re.fullmatch(f"kolorit/{pattern}", name) for name in names), pattern


def test_every_model_has_a_card(repository: Path) -> None:
    models = repository / "src" / "kolorit" / "models"
    networks = {path.stem for path in models.glob("*.onnx")}
    assert "default" in networks
    assert networks == {path.stem for path in models.glob("*.toml")}


def test_faults_of_a_wheel_are_caught(tmp_path: Path) -> None:
    for name in ("a.py", "models/default.onnx"):
        path = tmp_path / "kolorit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with zipfile.ZipFile(tmp_path / "k.whl", "w") as archive:
        archive.writestr("kolorit/a.py", "")
        archive.writestr("tests/b.py", "0" * 1000)
    assert wheel_faults(tmp_path / "k.whl", tmp_path, limit=1000) == [
        f"{(tmp_path / 'k.whl').stat().st_size / 1e6:.1f} MB",
        "kolorit/models/default.onnx is missing",
        "tests/b.py does not belong",
        "no licence",
    ]


def weight(site: Path, *ignored: str) -> int:
    """Bytes of everything in a site-packages folder; ignored: first letters of names."""
    return sum(
        path.stat().st_size
        for path in site.rglob("*")
        if path.is_file() and not path.relative_to(site).parts[0].startswith(ignored)
    )


def test_weight_counts(tmp_path: Path) -> None:
    for name in ("numpy/a", "numpy/b/c", "pip/d", "pip-26.dist-info/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"0" * 10)
    assert weight(tmp_path, "pip") == 20


@pytest.mark.slow
def test_bare_install_is_light_and_colours(wheel: Path, repository: Path, tmp_path: Path) -> None:
    """A new environment with the wheel and nothing else: under 200 MB, no torch, colours a file."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    programs = next(p for name in ("bin", "Scripts") if (p := tmp_path / "venv" / name).is_dir())
    python = programs / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(wheel)], check=True)

    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([python, "-c", where], text=True).strip())
    assert not (site / "torch").exists()
    assert weight(site, "pip", "setuptools", "_distutils_hack") < INSTALL_LIMIT

    photo = min((repository / "examples").glob("*.jpg"), key=lambda path: path.stat().st_size)
    (tmp_path / "out").mkdir()
    subprocess.run(
        [programs / "kolorit", photo, "-o", f"{tmp_path / 'out'}/"], check=True, cwd=tmp_path
    )
    assert [path.stat().st_size > 1000 for path in (tmp_path / "out").iterdir()] == [True]


def test_ci_runs_as_a_program(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert script.read_text("utf-8").startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_make_explains_its_targets(repository: Path) -> None:
    words = subprocess.check_output(["make", "--silent", "help"], cwd=repository, text=True)
    listed = {line.split()[0] for line in words.splitlines() if line.startswith("  ")}
    checks = {"test", "test-page", "lint", "types"}
    assert listed == {"demo", "format", "bench", "clean", "help"} | checks
    phony = re.search(
        r"^\.PHONY: (.+)$", (repository / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert phony is not None
    assert set(phony[1].split()) == listed


@pytest.mark.parametrize(
    "touch",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.1),
        lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        lambda: socket.getaddrinfo("example.org", 80),
        lambda: socket.gethostbyname("example.org"),
    ],
)
def test_the_network_is_shut(touch: Callable[[], object], no_network: list[str]) -> None:
    with pytest.raises(pytest.fail.Exception, match="network was touched"):
        touch()
    assert len(no_network) == 1
    no_network.clear()  # this once it was meant


def test_local_sockets_stay_open() -> None:
    """Pipes of the machine itself, as asyncio and multiprocessing make them."""
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"grey")
        assert other.recv(4) == b"grey"
