"""The rules of the layers, run: imports go down only, Qt in app.ui alone, torch in the model alone.

The contracts themselves stand in pyproject.toml. Here they are run over the program, then over small trees
that break each of them once: a contract that cannot fail protects nothing. What a contract cannot see (what is
loaded when a verb runs) is tried in a child process.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

LAYERED = ("app", "model", "resources")

# A tree that keeps every rule, as small as the contracts allow.
SOUND_TREE: Mapping[str, str] = {
    "app/__init__.py": "",
    "app/__main__.py": "from app import composition\n",
    "app/composition.py": "from app import cli\ndef open_window():\n    from app import ui\n",
    "app/ui/__init__.py": "",
    "app/ui/view.py": "import PySide6.QtWidgets\nimport pyqtgraph\nfrom app.controllers import opening\n",
    "app/cli/__init__.py": "",
    "app/cli/scans.py": "from app.controllers import opening\n",
    "app/controllers/__init__.py": "",
    "app/controllers/opening.py": "from app.jobs import runner\nfrom app.store import reviews\n",
    "app/jobs/__init__.py": "",
    "app/jobs/runner.py": "from model import progress\n",
    "app/store/__init__.py": "",
    "app/store/reviews.py": "from app.core import review\n",
    "app/core/__init__.py": "",
    "app/core/review.py": "from model import progress\n",
    "model/__init__.py": "",
    "model/progress.py": "",
    "model/inference.py": "import torch\nimport monai\nimport lightning_fabric\n",
    "resources/__init__.py": "",
}

# What each breach adds to a file, and the contract that must report it.
BREACHES: tuple[tuple[str, str, str, str], ...] = (
    (
        "core imports a controller",
        "app/core/review.py",
        "from app.controllers import opening",
        "Imports go down only",
    ),
    (
        "the store imports the jobs",
        "app/store/reviews.py",
        "from app.jobs import runner",
        "Imports go down only",
    ),
    ("the command line imports the window", "app/cli/scans.py", "from app import ui", "Imports go down only"),
    (
        "an import hides in a function",
        "app/core/review.py",
        "def f():\n    import app.store",
        "Imports go down only",
    ),
    ("a module lies in no layer", "app/oddments.py", "", "Imports go down only"),
    (
        "the model imports the app",
        "model/inference.py",
        "from app.core import review",
        "The model knows no app",
    ),
    ("the model imports the app itself", "model/progress.py", "import app", "The model knows no app"),
    (
        "a controller imports Qt",
        "app/controllers/opening.py",
        "import PySide6.QtCore",
        "Qt lives in app.ui alone",
    ),
    ("composition imports pyqtgraph", "app/composition.py", "import pyqtgraph", "Qt lives in app.ui alone"),
    ("the app's own file imports Qt", "app/__init__.py", "import PySide6", "Qt lives in app.ui alone"),
    ("the model imports Qt", "model/inference.py", "from PySide6 import QtGui", "Qt lives in app.ui alone"),
    (
        "a controller imports torch",
        "app/controllers/opening.py",
        "import torch",
        "torch lives in the model alone",
    ),
    (
        "torch hides in a function",
        "app/ui/view.py",
        "def f():\n    import torch.nn",
        "torch lives in the model alone",
    ),
    (
        "core imports MONAI",
        "app/core/review.py",
        "from monai import losses",
        "torch lives in the model alone",
    ),
    (
        "a job imports fabric",
        "app/jobs/runner.py",
        "import lightning_fabric",
        "torch lives in the model alone",
    ),
)


def run_contracts(tree: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Runs every contract of `tree/pyproject.toml` over the packages in `tree`."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--cache-dir", cache],
        cwd=tree,
        # The tree's own packages, wherever this checkout is installed.
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def broken_contracts(output: str) -> list[str]:
    return [name.strip() for name in re.findall(r"^(.+?)\s+BROKEN", output, flags=re.MULTILINE)]


@pytest.fixture
def sound_tree(tmp_path: Path, repository: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text((repository / "pyproject.toml").read_text())
    for name, text in SOUND_TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_program_keeps_its_layers(repository: Path, tmp_path: Path) -> None:
    result = run_contracts(repository, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_sound_tree_passes_so_the_breaches_below_are_what_fails(sound_tree: Path, tmp_path: Path) -> None:
    result = run_contracts(sound_tree, tmp_path / "cache")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"), [b[1:] for b in BREACHES], ids=[b[0] for b in BREACHES]
)
def test_a_breach_is_reported(sound_tree: Path, file: str, line: str, contract: str) -> None:
    with (sound_tree / file).open("a") as text:
        text.write(line + "\n")

    result = run_contracts(sound_tree, sound_tree / "cache")

    assert result.returncode != 0
    assert broken_contracts(result.stdout) == [contract], result.stdout + result.stderr


def test_the_contracts_have_no_exceptions(repository: Path) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"]
    excusing = {
        "ignore_imports",
        "exhaustive_ignores",
        "unmatched_ignore_imports_alerting",
        "exclude_type_checking_imports",
    }
    assert not [key for table in (settings, *settings["contracts"]) for key in table if key in excusing]


def test_the_qt_contract_names_every_part_of_the_app_but_the_window(repository: Path) -> None:
    contracts = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    named = next(c for c in contracts if c["id"] == "qt-in-ui")["source_modules"]
    layers = next(c for c in contracts if c["id"] == "layers")["layers"]
    parts = {f"app.{part.strip()}" for layer in layers for part in layer.split("|")}
    assert parts - set(named) == {"app.ui"}


def python_files(repository: Path) -> Iterator[Path]:
    for package in LAYERED:
        yield from sorted((repository / package).rglob("*.py"))


def imported_packages(path: Path) -> set[str]:
    """Gives the top-level names that a file imports anywhere, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively in line {node.lineno}"
            names.add((node.module or "").split(".")[0])
    return names


# The import's name where it is not the package's.
PACKAGE_OF = {
    "PySide6": "PySide6-Essentials",
    "shiboken6": "PySide6-Essentials",
    "sqlalchemy": "SQLAlchemy",
    "lightning_fabric": "lightning-fabric",
    "surface_distance": "surface-distance",
    "cc3d": "connected-components-3d",
    "fill_voids": "fill-voids",
}


def test_every_package_the_program_imports_is_declared_and_pinned(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    optional = [
        need for extra, needs in project["optional-dependencies"].items() if extra != "dev" for need in needs
    ]
    declared = {re.split(r"[<>=!~\[ ;]", need)[0].lower() for need in (*project["dependencies"], *optional)}
    pins = (repository / ".ci" / "constraints.txt").read_text()
    pinned = {re.split("==", line)[0].replace("_", "-").lower() for line in pins.splitlines() if "==" in line}

    imported = set().union(*(imported_packages(path) for path in python_files(repository)))
    outside = {
        PACKAGE_OF.get(name, name).lower() for name in imported - set(sys.stdlib_module_names) - set(LAYERED)
    }

    # What is only compared with is not installed by `make`, so not pinned.
    compared = {
        re.split(r"[<>=!~\[ ;]", need)[0].lower() for need in project["optional-dependencies"]["bench"]
    }

    assert outside - declared == set()
    assert declared - compared - pinned == set()


def test_only_the_three_boundaries_catch_everything(repository: Path) -> None:
    """A blanket handler turns a bug into silence; job runner, Qt's slots and command line may have one."""
    found = []
    for path in python_files(repository):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {name.id for name in caught if isinstance(name, ast.Name)}
            # `except BaseException: clean up; raise` hides nothing.
            raises = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if (None in caught or names & {"Exception", "BaseException"}) and not raises:
                found.append(f"{path.relative_to(repository)}:{node.lineno}")
    assert len({place.split(":")[0] for place in found}) <= 3, found


def python(code: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs a few lines in a fresh interpreter with its own data folder and no screen."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "GATELENS_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


LOADED = "print(sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
QT = ("PySide6", "shiboken6", "pyqtgraph")
HEAVY = ("torch", "monai", "lightning_fabric", "SimpleITK")


def loaded_by(imports: str, *watched: str, home: Path) -> str:
    result = python(f"import sys\n{imports}\n{LOADED}", *watched, home=home)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_watch_on_loaded_modules_sees_what_is_loaded(gatelens_home: Path) -> None:
    assert loaded_by("import PySide6.QtCore", "PySide6", "torch", home=gatelens_home) == "['PySide6']"


def test_importing_the_command_line_loads_neither_qt_nor_torch(gatelens_home: Path) -> None:
    imports = "import app.cli, app.composition, app.__main__"
    assert loaded_by(imports, *QT, "torch", "monai", "lightning_fabric", home=gatelens_home) == "[]"


def test_importing_the_window_loads_neither_torch_nor_monai(gatelens_home: Path) -> None:
    imports = "import app.ui, app.ui.main_window, app.controllers"
    assert loaded_by(imports, "torch", "monai", "lightning_fabric", home=gatelens_home) == "[]"


WITHOUT_QT = """
import sys

class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"PySide6", "shiboken6", "pyqtgraph"}:
            raise ImportError(f"{name} is not on this machine")

sys.meta_path.insert(0, NoQt())
from app.__main__ import main

# Several commands, one after another, are parted by "--then"; the first that fails ends the run.
commands = [[]]
for argument in sys.argv[1:]:
    if argument == "--then":
        commands.append([])
    else:
        commands[-1].append(argument)
for command in commands:
    sys.argv[1:] = command
    code = main()
    if code:
        sys.exit(code)
"""


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a generated scan, made by the command line on a machine without Qt."""
    folder = tmp_path_factory.mktemp("phantom")
    arguments = ("phantom", str(folder), "--count", "1", "--seed", "5")
    result = python(WITHOUT_QT, *arguments, home=tmp_path_factory.mktemp("home"))
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "images" / "phantom_5.nii.gz"


def test_headless_verbs_run_where_qt_is_missing(phantom: Path, tmp_path: Path, gatelens_home: Path) -> None:
    workspace = str(tmp_path / "workspace")
    commands = (
        ("--version",),
        ("--help",),
        ("info", str(phantom)),
        ("models", "list"),
        ("models", "show", "phantom-abdomen"),
        ("workspace", "new", workspace, "--scans", str(phantom.parent), "--model", "phantom-abdomen"),
        ("workspace", "list", workspace),
        ("predict", str(phantom), "--model", "phantom-abdomen", "--out", str(tmp_path / "out")),
    )
    arguments = [word for command in commands for word in (*command, "--then")][:-1]

    result = python(WITHOUT_QT, *arguments, home=gatelens_home)

    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "out" / "phantom_5" / "labels.nii.gz").is_file()


def test_the_window_says_so_where_qt_is_missing(gatelens_home: Path) -> None:
    """A negative control of the blocker: the one verb that needs Qt must fail under it, and in a sentence."""
    result = python(WITHOUT_QT, home=gatelens_home)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
