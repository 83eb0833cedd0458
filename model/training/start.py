"""Where a training starts: a network of random weights, or of those of a model that was trained before."""

from __future__ import annotations

from collections.abc import Sequence

from model.bundle import Bundle, BundleLabel, load_network, read_bundle
from model.errors import DataError
from model.networks import build
from model.networks.network import SegmentationNetwork
from model.training.config import TrainConfig


def network_to_train(config: TrainConfig, labels: Sequence[BundleLabel]) -> SegmentationNetwork:
    """The network of `config` with one output a label and one for background, from torch's random state.

    Raises:
        BundleError: if `config.start` is no model.
        DataError: if the settings make no network, or the model to start from is another one or has other labels.
    """
    try:
        network = build(
            config.architecture,
            widths=config.widths,
            classes=len(labels) + 1,
            psi_bias_start=config.psi_bias_start,
        )
    except ValueError as error:
        raise DataError(str(error)) from error
    if config.start is not None:
        bundle = read_bundle(config.start)
        _refuse_another(bundle, config, labels)
        network.load_state_dict(load_network(bundle).state_dict())
    return network


def _refuse_another(bundle: Bundle, config: TrainConfig, labels: Sequence[BundleLabel]) -> None:
    compared = {
        "network": (bundle.architecture, config.architecture),
        "widths": (bundle.widths, config.widths),
        "labels": (_named(bundle.labels), _named(labels)),
    }
    for what, (there, here) in compared.items():
        if there != here:
            raise DataError(
                f"The model {bundle.name} to start from has {what} {there} and this training {here}; "
                "choose another model or leave --start out."
            )


def _named(labels: Sequence[BundleLabel]) -> list[tuple[int, str]]:
    return [(label.value, label.name) for label in labels]
