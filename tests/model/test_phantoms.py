"""The seeded abdomens and the analytic volumes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from model.phantoms import ABDOMEN_LABELS, AbdomenPhantom, landmark_phantom, make_abdomen, orientation_stamp

FROZEN_VOXELS = [3052, 45800, 4083, 9498]
FROZEN_MEAN_HU = -683.885
PANCREAS, LIVER, SPLEEN, KIDNEYS = 1, 2, 3, 4
COARSE = ((48, 64, 64), 6.0)


@pytest.fixture(scope="module")
def phantom() -> AbdomenPhantom:
    return make_abdomen(11)


@pytest.fixture(scope="module")
def coarse_phantoms() -> list[AbdomenPhantom]:
    return [make_abdomen(seed, *COARSE) for seed in range(8)]


def centre(phantom: AbdomenPhantom, label: int) -> np.ndarray:
    return np.array(ndimage.center_of_mass(phantom.labels == label))


def test_a_phantom_has_the_stated_shape_types_and_geometry(phantom: AbdomenPhantom) -> None:
    assert phantom.values.shape == phantom.labels.shape == (96, 128, 128)
    assert phantom.values.dtype == np.int16
    assert phantom.labels.dtype == np.uint8
    assert phantom.spacing == (3.0, 3.0, 3.0)
    assert phantom.origin == (-190.5, -190.5, -142.5)
    assert set(np.unique(phantom.labels)) == {0, *(value for value, _ in ABDOMEN_LABELS)}


def test_equal_seeds_give_equal_voxels_and_others_do_not() -> None:
    first, again, other = (make_abdomen(seed, *COARSE) for seed in (3, 3, 4))

    assert first.traits == again.traits
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.labels != other.labels).mean() > 0.01


def test_the_voxels_of_a_seed_never_change(phantom: AbdomenPhantom) -> None:
    # The shipped model was trained and validated on these voxels: a change here needs a new model.
    # With a little room, since the last bit of an exponential differs between machines.
    volumes = [int((phantom.labels == value).sum()) for value, _ in ABDOMEN_LABELS]

    assert volumes == pytest.approx(FROZEN_VOXELS, rel=2e-3)
    assert float(phantom.values.mean(dtype=np.float64)) == pytest.approx(FROZEN_MEAN_HU, abs=0.2)


def test_organs_lie_where_anatomy_puts_them(phantom: AbdomenPhantom) -> None:
    liver, spleen, pancreas = (centre(phantom, k) for k in (LIVER, SPLEEN, PANCREAS))
    middle = 63.5

    assert liver[2] < middle - 8, "the liver is on the patient's right, at small x"
    assert spleen[2] > middle + 15, "the spleen is on the patient's left"
    assert liver[2] < pancreas[2] < spleen[2]
    assert spleen[1] > pancreas[1], "the spleen is further back"
    kidneys, count = ndimage.label(phantom.labels == KIDNEYS)
    sides = [np.argwhere(kidneys == i + 1).mean(0)[2] for i in range(count) if (kidneys == i + 1).sum() > 500]
    assert min(sides) < middle - 8
    assert max(sides) > middle + 8


def test_lung_is_above_the_liver_and_air_around_the_body(phantom: AbdomenPhantom) -> None:
    top, right_half = phantom.values[-6], slice(20, 60)
    inside = top[50:80, right_half]

    assert -900 < np.median(inside[inside < -500]) < -780
    assert phantom.values[:, :4].max() < -850


def test_the_pancreas_is_thin_curved_and_plausibly_large(phantom: AbdomenPhantom) -> None:
    mask = phantom.labels == PANCREAS
    millilitres = mask.sum() * 0.027
    thickness = 2 * ndimage.distance_transform_edt(mask, sampling=3.0).max()
    extent = np.ptp(np.argwhere(mask), axis=0) * 3.0

    assert 40 <= millilitres <= 110
    assert 12 <= thickness <= 33
    assert extent[2] > 80, "from the duodenum to the splenic hilum"


def test_volumes_and_pieces_are_plausible_over_seeds(coarse_phantoms: list[AbdomenPhantom]) -> None:
    for phantom in coarse_phantoms:
        litres = [(phantom.labels == value).sum() * 0.216 / 1000 for value, _ in ABDOMEN_LABELS]
        assert 0.035 <= litres[0] <= 0.115, phantom.seed
        assert 0.55 <= litres[1] <= 2.2, phantom.seed
        assert 0.02 <= litres[2] <= 0.45, phantom.seed
        assert 0.08 <= litres[3] <= 0.50, phantom.seed
        pieces, _ = ndimage.label(phantom.labels == LIVER, np.ones((3, 3, 3)))
        assert np.bincount(pieces.ravel())[1:].max() > 0.95 * (phantom.labels == LIVER).sum(), phantom.seed


def test_position_alone_does_not_find_the_pancreas(coarse_phantoms: list[AbdomenPhantom]) -> None:
    masks = np.stack([p.labels == PANCREAS for p in coarse_phantoms])
    for i, mask in enumerate(masks):
        mean = np.delete(masks, i, axis=0).mean(0)
        scores = [
            2 * (guess & mask).sum() / (guess.sum() + mask.sum())
            for guess in (mean >= t for t in (0.1, 0.25, 0.4, 0.55))
        ]
        assert max(scores) < 0.62, coarse_phantoms[i].seed


def test_bowel_is_as_grey_as_the_pancreas(phantom: AbdomenPhantom) -> None:
    mask = phantom.labels == PANCREAS
    hu = np.median(phantom.values[mask])
    around = ndimage.binary_dilation(mask, iterations=6) & (phantom.labels == 0)

    assert (np.abs(phantom.values[around] - hu) < 25).mean() > 0.12


def test_a_seed_below_zero_or_an_empty_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="seed >= 0"):
        make_abdomen(-1)
    with pytest.raises(ValueError, match="shape"):
        make_abdomen(0, (0, 8, 8))


def test_landmarks_lie_where_their_centre_of_mass_is() -> None:
    volume, centres = landmark_phantom((40, 50, 60), seed=5)

    assert len(centres) >= 4
    for c in centres:
        low = np.floor(c).astype(int) - 5
        part = volume[tuple(slice(a, a + 12) for a in low)].astype(np.float64)
        np.testing.assert_allclose(np.array(ndimage.center_of_mass(part)) + low, c, atol=1e-3)


def test_each_letter_of_the_stamp_lies_near_its_own_face() -> None:
    stamp = orientation_stamp((40, 50, 60))
    lit = stamp > 0

    assert lit[20, :12, 20:40].any()
    assert lit[20, -12:, 20:40].any()
    # L is the only letter whose lower row is full while its upper right is empty: it tells left from right.
    left = lit[20, 22:29, 53:58]
    assert left[-1].all()
    assert not left[0, 1:].any()
    assert lit[-10:, 25].any()
    assert lit[:10, 25].any()
    assert not lit[14:18].any()


def test_small_volumes_are_refused_by_the_analytic_phantoms() -> None:
    with pytest.raises(ValueError, match="14 voxels"):
        landmark_phantom((10, 40, 40), seed=0)
    with pytest.raises(ValueError, match="32 voxels"):
        orientation_stamp((31, 40, 40))
