"""Growing against a flood one step at a time, by the compiled kernel and by scipy."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from app.core.tools import region_grow
from app.core.tools.region_grow import grow, neighbourhood_range
from model.errors import Cancelled
from model.grid import Box
from tests.app.core.tools.slow_references import axes, ball, flooded, masks, painted, spacings

BY_FACES = ndimage.generate_binary_structure(3, 1)
ONE_MM = (1.0, 1.0, 1.0)
ways = pytest.mark.parametrize("way", ["numba", "scipy"])


@pytest.fixture(autouse=True)
def _kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides numba where a test asks for the way without it."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("way") == "scipy":
        monkeypatch.setattr(region_grow, "_compiled", lambda: None)


@ways
@given(mask=masks(), spacing=spacings, data=st.data())
@settings(max_examples=60)
def test_growing_fills_what_a_flood_reaches(way, mask, spacing, data) -> None:
    seed = data.draw(st.tuples(*(st.integers(0, n - 1) for n in mask.shape)))
    radius_mm = data.draw(st.sampled_from([None, 0.0, 1.0, 2.5, 5.0]))
    flat = data.draw(st.sampled_from([None, 0, 1, 2]))
    values = np.where(mask, 100, 40).astype(np.int16)
    values.flags.writeable = False

    found = grow(values, seed, 90, 110, spacing=spacing, radius_mm=radius_mm, flat_axis=flat)

    steps = [(np.arange(n) - place) * mm for n, place, mm in zip(mask.shape, seed, spacing, strict=True)]
    z, y, x = np.meshgrid(*steps, indexing="ij")
    allowed = mask & (True if radius_mm is None else z**2 + y**2 + x**2 <= radius_mm**2 + 1e-9)
    if flat is not None:
        allowed = allowed & ((z, y, x)[flat] == 0)
    assert (painted(found, mask.shape) == flooded(allowed, seed, BY_FACES)).all()


@ways
@pytest.mark.parametrize("dtype", ["int16", "uint8", "uint16", "float32", "float16", ">i2", ">f4", "bool"])
def test_values_of_every_type_are_compared_exactly(way: str, dtype: str) -> None:
    values = np.zeros((2, 3, 4), dtype)
    values[0, :, 1] = 1
    found = grow(values, (0, 2, 1), 0.5, 1.0, spacing=ONE_MM)
    assert found is not None
    assert found.box == Box((0, 0, 1), (1, 3, 2))
    assert grow(values, (0, 0, 0), 0.1, 0.9, spacing=ONE_MM) is None


@ways
def test_a_limit_between_two_floats_keeps_out_what_lies_outside(way: str) -> None:
    values = np.full((1, 1, 3), np.float32(0.1))  # 0.100000001490116…, more than 0.1
    assert grow(values, (0, 0, 1), 0.0, 0.1, spacing=ONE_MM) is None
    assert grow(values, (0, 0, 1), 0.1, 0.2, spacing=ONE_MM) is not None


@ways
def test_the_radius_is_in_millimetres_along_every_axis(way: str) -> None:
    found = grow(np.zeros((9, 9, 9), np.int16), (4, 4, 4), 0, 0, spacing=(4.0, 2.0, 1.0), radius_mm=4.0)
    assert found is not None
    assert found.box == Box((3, 2, 0), (6, 7, 9))
    assert (found.mask == ball(4.0, (4.0, 2.0, 1.0))[1:-1, 1:-1, 1:-1]).all()


@ways
def test_what_is_not_a_number_is_never_grown_into(way: str) -> None:
    values = np.zeros((1, 1, 5), np.float32)
    values[0, 0, 2] = np.nan
    found = grow(values, (0, 0, 0), -np.inf, np.inf, spacing=ONE_MM)
    assert found is not None
    assert found.box == Box((0, 0, 0), (1, 1, 2))
    assert grow(values, (0, 0, 2), -np.inf, np.inf, spacing=ONE_MM) is None


@pytest.mark.parametrize("seed", [(-1, 0, 0), (0, 3, 0), (0, 0, float("inf"))])
def test_a_seed_outside_the_volume_grows_nothing(seed: tuple) -> None:
    values = np.zeros((2, 3, 4), np.int16)
    assert grow(values, seed, -1, 1, spacing=ONE_MM) is None
    assert neighbourhood_range(values, seed) is None


def test_a_winding_path_needs_many_turns_of_the_kernel_and_more_room(monkeypatch) -> None:
    monkeypatch.setattr(region_grow, "_RUNS_A_TURN", 3)
    monkeypatch.setattr(region_grow, "_FIRST_ROOM", 1)
    allowed = np.random.default_rng(5).random((12, 13, 14)) < 0.6
    allowed[6, 6, 6] = True
    shares: list[float] = []

    found = grow(
        allowed.astype(np.uint8),
        (6, 6, 6),
        1,
        1,
        spacing=ONE_MM,
        report=lambda share, _: shares.append(share),
    )

    assert (painted(found, allowed.shape) == flooded(allowed, (6, 6, 6), BY_FACES)).all()
    assert len(shares) > 100
    assert shares == sorted(shares)


@ways
def test_growing_can_be_cancelled(way: str) -> None:
    with pytest.raises(Cancelled):
        grow(np.zeros((3, 3, 3), np.int16), (1, 1, 1), 0, 0, spacing=ONE_MM, cancelled=lambda: True)


def test_without_numba_scipy_grows(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    region_grow._compiled.cache_clear()
    try:
        assert region_grow._compiled() is None
        assert grow(np.zeros((3, 3, 3), np.int16), (1, 1, 1), 0, 0, spacing=ONE_MM) is not None
    finally:
        region_grow._compiled.cache_clear()


def test_where_no_compiled_code_can_be_kept_it_is_compiled_anew(monkeypatch) -> None:
    import numba

    compile_plainly = numba.njit

    def keeps_nothing(*, cache: bool = False, **options: bool):
        if cache:
            raise RuntimeError("cannot cache function '_flood_runs': no locator available")
        return compile_plainly(**options)

    monkeypatch.setattr(numba, "njit", keeps_nothing)
    region_grow._compiled.cache_clear()
    try:
        assert region_grow._compiled() is not None
    finally:
        region_grow._compiled.cache_clear()


def test_the_first_range_is_that_of_the_tissue_clicked_on() -> None:
    values = np.full((3, 5, 5), 100, np.int16)
    values[:, :, 3:] = -900  # the neighbour's values are a third of those round the seed
    values[1, 2, 2] = 104
    assert neighbourhood_range(values, (1, 2, 2)) == (100.0, 104.0)


def test_in_a_slice_the_neighbouring_slices_do_not_count() -> None:
    values = np.zeros((3, 3, 3), np.int16)
    values[1] = 50
    assert neighbourhood_range(values, (1, 1, 1), flat_axis=0) == (50.0, 50.0)
    assert neighbourhood_range(values, (1, 1, 1)) == (0.0, 50.0)


@given(masks(), axes)
@settings(max_examples=20)
def test_growing_twice_is_the_same(mask, axis) -> None:
    values = mask.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once, again = (grow(values, (0, 0, 0), -1, 1, spacing=ONE_MM, flat_axis=axis) for _ in range(2))
    assert once is not None
    assert again is not None
    assert once.box == again.box
    assert (once.mask == again.mask).all()
