"""The Dockerfile's steps, tried without an engine: what it copies is there, what it installs runs.

The build stage's RUN lines are run in a copy of what COPY takes, at another place than /opt; then
the entry point is started and the health check has to pass.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def lines(repository: Path) -> list[str]:
    text = (repository / "Dockerfile").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def of(lines: list[str], word: str) -> list[str]:
    return [line.removeprefix(word).strip() for line in lines if line.startswith(f"{word} ")]


def test_it_runs_as_nobody_in_particular_and_says_whether_it_is_well(lines: list[str]) -> None:
    (user,) = of(lines, "USER")
    assert int(user) > 0
    assert of(lines, "HEALTHCHECK") and of(lines, "ENTRYPOINT")


def test_what_it_copies_is_there_and_not_ignored(repository: Path, lines: list[str]) -> None:
    taken = set((repository / ".dockerignore").read_text("utf-8").split())
    for copied in of(lines, "COPY"):
        if not copied.startswith("--from"):
            for name in copied.split()[:-1]:
                assert (repository / name).exists() and f"!{name}" in taken, name


@pytest.mark.slow
def test_its_steps(repository: Path, lines: list[str], tmp_path: Path) -> None:
    source, place = tmp_path / "source", tmp_path / "opt"
    source.mkdir()
    for copied in of(lines, "COPY"):
        if not copied.startswith("--from"):
            *names, _ = copied.split()
            for name in names:
                take = shutil.copytree if (repository / name).is_dir() else shutil.copy
                take(repository / name, source / name)
    build, _ = of(lines, "RUN")
    assert build.startswith("python -m venv /opt/kolorit")
    step = build.replace("python -m", f"{sys.executable} -m", 1).replace("/opt", str(place))
    subprocess.run(step, shell=True, check=True, cwd=source, capture_output=True)
    entry = [w.replace("/opt", str(place)) for w in json.loads(of(lines, "ENTRYPOINT")[0])]
    (health,) = re.findall(r"CMD (\[.*\])", of(lines, "HEALTHCHECK")[0])
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    entry = [w.replace("8765", "0") for w in entry]  # any free port; its address is told first
    server = subprocess.Popen(entry, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = str(urlsplit(server.stdout.readline().strip()).port)
    check = [w.replace("/opt", str(place)).replace("8765", port) for w in json.loads(health)]
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.5)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) in (0, 143)
