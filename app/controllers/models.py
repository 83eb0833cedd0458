"""Models: the bundles at hand, by name or folder, and which one predicts in a workspace."""

from __future__ import annotations

from pathlib import Path

from app.store import locations
from app.store.workspace import Workspace
from model.bundle import Bundle, find_bundles, read_bundle
from model.errors import BundleError
from resources import models_folder


def available_models(*more: Path) -> tuple[Bundle, ...]:
    """The bundles that ship, those in the user's data folder, and those in `more` folders."""
    return find_bundles(models_folder(), locations.models_folder(), *more)


def find_model(name: str) -> Bundle:
    """A bundle by its folder, by name, or by the first digits of its hash.

    Raises:
        BundleError: there is none, or several begin so.
    """
    path = Path(name)
    if path.is_dir():
        return read_bundle(path)
    bundles = available_models()
    fitting = [bundle for bundle in bundles if bundle.name == name]
    if not fitting and len(name) >= 6:
        fitting = [bundle for bundle in bundles if bundle.hash.startswith(name.lower())]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(bundle.name for bundle in bundles) or "none"
    if fitting:
        raise BundleError(f"Several models are called {name}; give the folder of one.")
    raise BundleError(f"There is no model {name}; known are {known}, or give a model's folder.")


def serving_bundle(workspace: Workspace) -> Bundle | None:
    """The model a workspace predicts with, wherever it lies now; None where it was given none.

    Raises:
        BundleError: it is gone, or another one lies in its place.
    """
    serving = workspace.reviews.serving_model()
    if serving is None:
        return None
    trouble = BundleError(
        f"{serving.path.name} is not the model {serving.name} that {workspace.name} was given "
        f"({serving.hash[:8]}); put that one back."
    )
    try:
        bundle = read_bundle(serving.path)
        if bundle.hash == serving.hash:
            return bundle
    except BundleError as error:
        trouble = error
    # A program that was moved or installed again still has its models, elsewhere.
    for bundle in available_models(workspace.models_folder):
        if bundle.hash == serving.hash:
            return bundle
    raise trouble
