"""The wheel, built, installed beside nothing else and started: it must carry all that the program reads.

The empty environment sees the pinned packages of this one through a .pth file, so nothing is downloaded; this
checkout itself stays out of its sight. It starts in a folder that holds a decoy `model.py`, as a user's may.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Runs a command that must succeed and gives what it printed."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more,
        text=True,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Gives the wheel of this checkout, built elsewhere: setuptools leaves build/ and *.egg-info behind."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "app", "model", "resources"):
        (source / name).symlink_to(repository / name)
    out = tmp_path_factory.mktemp("dist")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    run(*pip, "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", out, ".", cwd=source)
    (built,) = out.glob("gatelens-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Gives the interpreter of an environment that holds the wheel and only sees the packages of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    base = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=base))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--no-deps", "--no-index", "--no-compile", "--target", site, wheel, cwd=folder)
    # addsitedir() would also run the .pth file of the editable checkout; a bare path does not.
    (site / "pinned.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Path(sysconfig.get_path("scripts", scheme="venv", vars=base)) / Path(sys.executable).name


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    """Gives a working folder with modules of the program's own names, each of which would end it."""
    for name in ("model.py", "app.py", "resources.py", "torch.py"):
        (tmp_path / name).write_text(f"raise SystemExit('the decoy {name} was imported')\n")
    return tmp_path


def test_the_wheel_carries_every_file_the_program_reads(wheel: Path, repository: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        path.relative_to(repository).as_posix()
        for package in ("app", "model", "resources")
        for path in (repository / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith(".pyc")
    }
    assert shipped - carried == set()


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    roots = {name.split("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"app", "model", "resources"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_wheel_starts_beside_a_decoy(
    installed: Path, decoys: Path, gatelens_home: Path, repository: Path
) -> None:
    where = run(installed, "-P", "-c", "import app, model; print(app.__file__, model.__file__)", cwd=decoys)
    assert str(repository) not in where
    version = run(installed, "-P", "-m", "app", "--version", cwd=decoys)
    assert wheel_version(repository) in version
    models = run(installed, "-P", "-m", "app", "models", "list", cwd=decoys, GATELENS_HOME=str(gatelens_home))
    shipped = [path.name for path in (repository / "resources" / "models").glob("*") if path.is_dir()]
    assert all(name in models for name in shipped), models


def test_the_wheel_reads_a_scan_beside_a_decoy(installed: Path, decoys: Path, gatelens_home: Path) -> None:
    home = {"GATELENS_HOME": str(gatelens_home)}
    run(installed, "-P", "-m", "app", "phantom", "made", "--count", "1", "--seed", "7", cwd=decoys, **home)
    scan = Path("made", "images", "phantom_7.nii.gz")
    told = run(installed, "-P", "-m", "app", "info", scan, cwd=decoys, **home)
    assert "phantom_7" in told


def test_the_decoys_bite_without_the_switch(installed: Path, decoys: Path) -> None:
    """The negative control: started the careless way, the same folder does end the program."""
    careless = subprocess.run(
        [str(installed), "-m", "app"], cwd=decoys, capture_output=True, text=True, check=False
    )
    assert careless.returncode != 0
    assert "decoy" in careless.stderr


def wheel_version(repository: Path) -> str:
    text = (repository / "app" / "__init__.py").read_text()
    return text.split('__version__ = "')[1].split('"')[0]
