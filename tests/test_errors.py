"""Exit codes are a public contract: this table, the classes and the docstring say the same."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from kolorit import errors
from kolorit.errors import InputUnreadable, KoloritError

SOURCE = Path(__file__).resolve().parents[1] / "src" / "kolorit"

# A class that does not exist yet has its number kept for it.
EXIT_CODES = {
    "SomeInputsFailed": 1,
    "InputUnreadable": 3,
    "OutputUnwritable": 4,
    "ModelUnavailable": 5,
    "DeviceUnavailable": 6,
    "LimitExceeded": 7,
    "AddressInUse": 8,
    "ConfigInvalid": 9,
    "HintsInvalid": 10,
    "DataCorrupt": 11,
    "CheckpointRefused": 12,
    "TrainingDiverged": 14,
    "GateFailed": 13,
    "Busy": 15,
    "TooMany": 16,
    "NotThere": 17,
    "KeyReused": 18,
    "InternalError": 70,
}
# 0 is success, 2 click's wrong command line, from 126 on the shell's and the signals'
TAKEN = {0, 2, *range(126, 256)}


def family(root: type[KoloritError]) -> list[type[KoloritError]]:
    """All classes below root, in any depth, in the order they were made."""
    children = root.__subclasses__()
    return children + [cousin for child in children for cousin in family(child)]


def faults(classes: list[type[KoloritError]], docstring: str) -> list[str]:
    """What is wrong with these classes, in words."""
    rows = re.findall(r"^ +(\w+) +(\d+) +(\d+) {2,}\S", docstring, re.MULTILINE)
    listed = {name: (int(code), int(status)) for name, code, status in rows}
    wrong = []
    owners: dict[int, str] = {}
    slugs: dict[str, str] = {}
    for error in classes:
        name, code = error.__name__, error.exit_code
        if code in TAKEN or not 0 < code < 126:
            wrong.append(f"{name}: exit code {code} is taken")
        if EXIT_CODES.get(name) != code:
            wrong.append(f"{name}: exit code {code}, the table says {EXIT_CODES.get(name)}")
        if owners.setdefault(code, name) != name:
            wrong.append(f"{name}: exit code {code} is {owners[code]}'s")
        if slugs.setdefault(error.slug, name) != name:
            wrong.append(f"{name}: slug {error.slug} is {slugs[error.slug]}'s")
        if error.slug != re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower():
            wrong.append(f"{name}: slug {error.slug} is not its name")
        if listed.get(name) != (code, error.status):
            wrong.append(f"{name}: {code} {error.status}, the docstring says {listed.get(name)}")
        if not 200 <= error.status < 600:
            wrong.append(f"{name}: {error.status} is no web status")
        if not (error.__doc__ or "").strip() or not error.remedy.strip():
            wrong.append(f"{name}: says nothing")
    gone = listed.keys() - {error.__name__ for error in classes}
    return wrong + [f"{name}: in the docstring only" for name in sorted(gone)]


def ours() -> list[type[KoloritError]]:
    return [error for error in family(KoloritError) if error.__module__.startswith("kolorit")]


def test_classes_table_and_docstring_agree() -> None:
    assert len(ours()) >= 10
    assert faults(ours(), errors.__doc__ or "") == []


def test_errors_live_in_one_file() -> None:
    """No other file derives from an error class."""
    names = {error.__name__ for error in [KoloritError, *ours()]}
    assert strays(SOURCE, names) == []


def strays(source: Path, names: set[str]) -> list[str]:
    """Classes outside errors.py that derive from one of the named classes."""
    found = []
    for path in sorted(source.rglob("*.py")):
        if path == source / "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                if bases & names:
                    found.append(f"{path.name}: {node.name}")
    return found


def test_a_planted_stray_is_caught(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text("class A(KoloritError): ...", "utf-8")
    (tmp_path / "b.py").write_text("def f():\n    class B(errors.KoloritError): ...", "utf-8")
    assert strays(tmp_path, {"KoloritError"}) == ["b.py: B"]


@pytest.mark.parametrize(
    ("change", "caught"),
    [
        ({"exit_code": 4}, "exit code 4 is OutputUnwritable's"),
        ({"exit_code": 2}, "exit code 2 is taken"),
        ({"exit_code": 14}, "the table says 3"),
        ({"slug": "output-unwritable"}, "slug output-unwritable is OutputUnwritable's"),
        ({"slug": "unreadable"}, "is not its name"),
        ({"status": 404}, "the docstring says (3, 400)"),
        ({"status": 0}, "no web status"),
        ({"remedy": " "}, "says nothing"),
    ],
)
def test_a_planted_fault_is_caught(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, object], caught: str
) -> None:
    for name, value in change.items():
        monkeypatch.setattr(InputUnreadable, name, value)
    classes = sorted(ours(), key=lambda error: error is InputUnreadable)  # the changed one last
    assert any(caught in fault for fault in faults(classes, errors.__doc__ or ""))


def test_a_class_missing_from_the_docstring_is_caught() -> None:
    text = (errors.__doc__ or "").replace("HintsInvalid ", "HintInvalid  ")
    wrong = faults(ours(), text)
    assert "HintsInvalid: 10 422, the docstring says None" in wrong
    assert "HintInvalid: in the docstring only" in wrong


@pytest.mark.parametrize("error", ours(), ids=lambda error: error.__name__)
def test_an_error_crosses_a_process(error: type[KoloritError]) -> None:
    """Workers send errors back pickled: class, cause, file and remedy arrive."""
    sent = error("it is torn", file=Path("farm.jpg"), remedy="Scan it again.")
    came = pickle.loads(pickle.dumps(sent))
    assert type(came) is error
    assert (str(came), came.cause, came.file, came.remedy) == (
        "it is torn (farm.jpg)",
        "it is torn",
        "farm.jpg",
        "Scan it again.",
    )


def test_without_a_remedy_the_class_gives_one() -> None:
    assert InputUnreadable("it is torn").remedy == InputUnreadable.remedy
    assert str(InputUnreadable("it is torn")) == "it is torn"
