"""``kolorit doctor``: can a picture be coloured here, and who decides how."""

from __future__ import annotations

import os
import platform
import tempfile
from typing import Any

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.cores import allowed_cores
from kolorit.cli.extras import EXTRAS, lacking
from kolorit.cli.settings import SETTINGS, Chosen, resolve, user_file, variable
from kolorit.cli.version import versions
from kolorit.errors import KoloritError

_OTHERS = ("KOLORIT_DATA", "KOLORIT_WEIGHTS")  # variables of the workshop, no settings


@click.command(
    cls=Command, examples=(("kolorit doctor", "exit code 0 when pictures can be coloured"),)
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def doctor(as_json: bool, debug: bool) -> int:
    """Check the installation and show which settings hold."""
    found: dict[str, Any] = {
        "schema": 1,
        "versions": {"python": platform.python_version(), **versions()},
        "system": platform.platform(),
        "cores": allowed_cores(),
        "extras": {name: lacking(extra.needed) for name, extra in EXTRAS.items()},
        "optional": {name: lacking(extra.optional) for name, extra in EXTRAS.items()},
        "writable": {place: _writable(place) for place in (os.curdir, tempfile.gettempdir())},
        "unknown_variables": _unknown_variables(),
    }
    fault: KoloritError | None = None
    try:
        settings = resolve({})
        found["user_file"] = str(user_file())
        found["settings"] = {n: {"value": c.value, "from": c.origin} for n, c in settings.items()}
        found |= _colour_something(settings)
    except KoloritError as error:
        fault = error
        found["error"] = {"code": error.exit_code, "slug": error.slug, "message": str(error)}
    found["ok"] = fault is None
    if as_json:
        words.print_json(found)
    else:
        words.print_line("\n".join(words.plain(row) for row in _page(found)))
    if fault is None:
        return 0
    words.say_error(fault, debug=debug)
    return fault.exit_code


def _colour_something(settings: dict[str, Chosen]) -> dict[str, Any]:
    """Devices and model, after a small picture was truly coloured. Raises KoloritError."""
    import numpy as np

    from kolorit.colorizer import Colorizer
    from kolorit.runtime.onnx import available_devices

    device, threads = settings["device"].value, settings["threads"].value
    colorizer = Colorizer(settings["model"].value, device=device, threads=threads)
    grey = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    colorizer.run(grey, look=settings["look"].value)
    card, session = colorizer.model.card, colorizer.model.session
    return {
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
        "device": session.device,
        "devices": list(available_devices()),
    }


def _writable(folder: str) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _unknown_variables() -> list[str]:
    known = {*map(variable, SETTINGS), *_OTHERS}
    return sorted(name for name in os.environ if name.startswith("KOLORIT_") and name not in known)


def _page(found: dict[str, Any]) -> list[str]:
    """The findings for people."""
    installed = found["versions"]
    rows = [
        f"kolorit {installed['kolorit']}, Python {installed['python']}, {found['system']}",
        ", ".join(
            f"{name} {installed[name] or 'MISSING'}" for name in ("onnxruntime", "pillow", "numpy")
        ),
        f"{found['cores']} cores",
    ]
    if "model" in found:
        model = found["model"]
        rows += [
            f"model {model['name']} {model['version']}, sha256 {model['sha256'][:12]} checked",
            f"device {found['device']} (there are: {', '.join(found['devices'])})",
        ]
    for name, missing in found["extras"].items():
        less = found["optional"][name]
        there = f"not there (needs {', '.join(missing)})" if missing else "there"
        there += f", without {', '.join(less)}" if less and not missing else ""
        advice = f": pip install 'kolorit[{name}]'" if missing or less else ""
        rows.append(f"extra {name}: {there}{advice}")
    for place, good in found["writable"].items():
        rows.append(f"{'can' if good else 'CANNOT'} write to {os.path.abspath(place)}")
    for name in found["unknown_variables"]:
        rows.append(f"the variable {name} means nothing to Kolorit")
    for name, chosen in found.get("settings", {}).items():
        value = "-" if chosen["value"] is None else chosen["value"]
        rows.append(f"  {name:<11} {value!s:<10} from {chosen['from']}")
    rows.append("Pictures can be coloured." if found["ok"] else "Pictures can NOT be coloured:")
    return rows
