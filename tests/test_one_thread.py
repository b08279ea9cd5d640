"""With one thread, colouring is the work of one thread: numpy's BLAS and the runtime stay asleep.

A matrix product of some size wakes a BLAS thread for each core, and each then spins for about
0.1 s: more than all of the colouring takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
TASKS = Path("/proc/self/task")

pytestmark = [
    pytest.mark.skipif(not TASKS.is_dir(), reason="threads are counted in /proc, as on Linux"),
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="with one core nothing else can run"),
]

# ticks that all threads but the first worked while BODY ran
_COUNT = """
import os, time
from pathlib import Path
import numpy as np
{setup}

def others():
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        if task.name != str(os.getpid()):
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks

before = others()
for _ in range(3):
    {body}
    time.sleep(0.15)  # what was woken spins meanwhile
print(others() - before)
"""
_COLOUR = (
    "from kolorit import Colorizer\ncolorizer = Colorizer(threads=1)\n"
    "grey = np.arange(600 * 800, dtype=np.uint32).reshape(600, 800).astype(np.uint8)"
)


def ticks_of_others(setup: str, body: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _COUNT.format(setup=setup, body=body)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "2"},
    )
    return int(done.stdout)


@pytest.mark.parametrize("how", ["luma", "lab"])
def test_no_other_thread_works(how: str) -> None:
    assert ticks_of_others(_COLOUR, f"colorizer.colorize(grey, merge='{how}')") == 0


def test_a_planted_matrix_product_is_seen() -> None:
    product = "np.ones((1000, 300), np.float32) @ np.ones((300, 300), np.float32)"
    assert ticks_of_others(_COLOUR, product) > 0
