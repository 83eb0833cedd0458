"""The picture by numbers: what lands on which device pixel, in which colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.display import (
    BACKGROUND,
    Look,
    Part,
    Scratch,
    Viewport,
    attention_alpha,
    attention_colours,
    compose,
)
from app.core.labels import LabelEntry, LabelTable
from app.core.planes import Plane, SliceFrame, slice_frame
from app.core.tools.brush import Covered
from app.core.tools.guard import Guard
from app.core.tools.proposal import Proposal, proposal_adding, proposal_removing
from model.attention import AttentionMap
from model.grid import Box, Grid
from model.volume import Volume

GRID = Grid((6, 10, 12), (5.0, 2.0, 1.0), (-30.0, 10.0, 100.0))
TABLE = LabelTable("t", (LabelEntry(1, "pancreas", (255, 0, 0)), LabelEntry(2, "liver", (0, 0, 255))))
LOOK = Look(level=127.5, width=255.0, outline=False, mask_opacity=1.0)


def drawn(
    volume: Volume,
    look: Look = LOOK,
    *,
    labels: np.ndarray | None = None,
    attention: AttentionMap | None = None,
    plane: Plane = Plane.AXIAL,
    slice_index: int = 0,
    viewport: Viewport | None = None,
    scratch: Scratch | None = None,
    hidden: frozenset[int] = frozenset(),
    preview: Proposal | None = None,
) -> np.ndarray:
    frame = slice_frame(volume.grid, plane)
    viewport = viewport or Viewport.fitted(frame, 120, 200)
    out = np.full((viewport.height_px, viewport.width_px), 0x12345678, np.uint32)
    compose(
        out, volume, labels, TABLE, attention, look, frame, slice_index, viewport, scratch,
        hidden=hidden, preview=preview,
    )  # fmt: skip
    return out


def rgb(colour: int) -> tuple[int, int, int]:
    return int(colour) >> 16 & 255, int(colour) >> 8 & 255, int(colour) & 255


def grey(picture: np.ndarray) -> np.ndarray:
    """The blue channel, after checking that the picture is grey and opaque."""
    assert ((picture >> 24) == 0xFF).all()
    assert ((picture & 255) == (picture >> 8 & 255)).all()
    assert ((picture & 255) == (picture >> 16 & 255)).all()
    return (picture & 255).astype(int)


def pixel_of_mm(frame: SliceFrame, viewport: Viewport, grid: Grid, mm: tuple[float, ...]) -> tuple[int, int]:
    """Device row and column that show a point of the patient."""
    z, y, x = grid.to_voxel(mm)
    _, row, column = frame.from_voxel((z, y, x))
    x_px, y_px = viewport.to_pixel(frame, row, column)
    return int(y_px), int(x_px)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("plane", list(Plane))
def test_a_bright_voxel_lands_where_its_millimetres_say(plane: Plane, dtype: type) -> None:
    values = np.zeros(GRID.shape, dtype)
    values[4, 7, 2] = 255
    frame = slice_frame(GRID, plane)
    viewport = Viewport(301, 257, 3.3, 4.1, 7.0)
    picture = drawn(
        Volume(values, GRID),
        replace(LOOK, smooth=False),
        plane=plane,
        slice_index=frame.slice_at((4, 7, 2)),
        viewport=viewport,
    )
    bright = np.argwhere(grey(picture) == 255)
    row, column = pixel_of_mm(frame, viewport, GRID, tuple(GRID.to_mm((4, 7, 2))))
    assert np.abs(bright.mean(axis=0) - (row, column)).max() <= 1
    height, width = bright.max(axis=0) - bright.min(axis=0) + 1
    assert abs(height - frame.row_mm * 7) <= 1  # as large as its millimetres
    assert abs(width - frame.column_mm * 7) <= 1


def test_the_patients_right_is_drawn_on_the_left() -> None:
    values = np.zeros(GRID.shape, np.int16)
    values[:, :, :3] = 255  # x grows to the patient's left, so this is the right
    picture = grey(drawn(Volume(values, GRID)))
    middle = picture[100]
    assert middle[:20].max() == 255
    assert middle[60:].max() == 0


def test_everything_outside_the_scan_is_background() -> None:
    frame = slice_frame(GRID, Plane.AXIAL)
    viewport = Viewport(60, 80, 4.5, 5.5, 2.0)  # the slice is 24 × 40 device pixels
    picture = drawn(Volume(np.full(GRID.shape, 255, np.uint8), GRID), viewport=viewport)
    assert (picture[20:60, 18:42] == 0xFFFFFFFF).all()
    assert (picture == BACKGROUND).sum() == 60 * 80 - 24 * 40
    far = replace(viewport, centre_row=1000.0)
    assert (drawn(Volume(np.full(GRID.shape, 255, np.uint8), GRID), viewport=far) == BACKGROUND).all()
    assert frame.rows == 10


def test_grey_is_linear_between_voxel_centres() -> None:
    grid = Grid((1, 2, 3))
    values = np.array([[[0, 100, 200], [50, 150, 250]]], np.int16)
    viewport = Viewport(30, 20, 0.5, 1.0, 10.0)
    picture = grey(drawn(Volume(values, grid), viewport=viewport))
    for y in range(20):
        for x in range(30):
            row = min(1.0, max(0.0, (y + 0.5) / 10 - 0.5))
            column = min(2.0, max(0.0, (x + 0.5) / 10 - 0.5))
            assert abs(picture[y, x] - (50 * row + 100 * column)) <= 0.51


def test_the_window_maps_its_ends_to_black_and_white_and_can_be_inverted() -> None:
    grid = Grid((1, 1, 5))
    values = np.array([[[-1000, -160, 40, 240, 3000]]], np.int16)
    look = Look(level=40, width=400, smooth=False)
    viewport = Viewport(5, 1, 0, 2, 1.0)
    assert grey(drawn(Volume(values, grid), look, viewport=viewport))[0].tolist() == [0, 0, 128, 255, 255]
    inverted = replace(look, inverted=True)
    assert grey(drawn(Volume(values, grid), inverted, viewport=viewport))[0].tolist() == [255, 255, 128, 0, 0]


def test_large_whole_numbers_and_what_is_no_number_are_windowed_without_a_warning() -> None:
    viewport = Viewport(3, 1, 0, 1, 1.0)
    big = np.array([[[2**30, 2**30 + 50, 2**30 + 100]]], np.int32)
    look = Look(level=2**30 + 50, width=100, smooth=False)
    assert grey(drawn(Volume(big, Grid((1, 1, 3))), look, viewport=viewport))[0].tolist() == [0, 128, 255]
    odd = np.array([[[np.nan, np.inf, -np.inf]]], np.float32)
    for smooth in (False, True):
        picture = grey(drawn(Volume(odd, Grid((1, 1, 3))), replace(look, smooth=smooth), viewport=viewport))
        assert picture[0].tolist() == [0, 255, 0]


def test_a_filled_label_covers_its_voxels_with_its_colour_and_opacity() -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0, 3:6, 4:8] = 1
    volume = Volume(np.full(GRID.shape, 100, np.uint8), GRID)
    viewport = Viewport(120, 200, 4.5, 5.5, 10.0)
    picture = drawn(volume, labels=labels, viewport=viewport)
    red = np.argwhere(picture == 0xFFFF0000)
    assert red.min(axis=0).tolist() == [60, 40]
    assert red.max(axis=0).tolist() == [119, 79]
    assert len(red) == 60 * 40
    half = drawn(volume, replace(LOOK, mask_opacity=0.5), labels=labels, viewport=viewport)
    assert rgb(half[80, 60]) == pytest.approx((178, 50, 50), abs=1)
    assert rgb(half[10, 10]) == (100, 100, 100)


@pytest.mark.parametrize("thickness", [1, 2])
@pytest.mark.parametrize("px_per_mm", [10.0, 3.7])
def test_outlines_are_as_thick_as_asked_in_device_pixels_at_any_zoom(
    thickness: int, px_per_mm: float
) -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0, 3:6, 4:8] = 1
    volume = Volume(np.full(GRID.shape, 100, np.uint8), GRID)
    viewport = Viewport(130, 210, 4.5, 5.5, px_per_mm, outline_px=thickness)
    filled = drawn(volume, labels=labels, viewport=viewport) == 0xFFFF0000
    line = drawn(volume, replace(LOOK, outline=True, mask_opacity=0.0), labels=labels, viewport=viewport)
    red = line == 0xFFFF0000
    top, left = np.argwhere(filled).min(axis=0)
    bottom, right = np.argwhere(filled).max(axis=0) + 1
    inner = filled.copy()
    inner[top + thickness : bottom - thickness, left + thickness : right - thickness] = False
    assert (red == inner).all()
    assert set(np.unique(grey(line[~red]))) == {0, 100}  # the scan, and what surrounds it


def test_touching_labels_have_each_their_line_and_none_runs_along_the_border_of_the_view() -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0, :, :6] = 1
    labels[0, :, 6:] = 2
    volume = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    viewport = Viewport(40, 40, 4.5, 5.5, 10.0)  # inside the slice on all sides
    picture = drawn(volume, replace(LOOK, outline=True, mask_opacity=0.0), labels=labels, viewport=viewport)
    assert (picture[:, 19] == 0xFFFF0000).all()
    assert (picture[:, 20] == 0xFF0000FF).all()
    assert (np.delete(picture, (19, 20), axis=1) == 0xFF000000).all()


def test_a_label_the_table_does_not_know_is_white_and_wide_labels_are_drawn_too() -> None:
    labels = np.zeros(GRID.shape, np.uint16)
    labels[0] = 700
    assert (
        drawn(Volume(np.zeros(GRID.shape, np.uint8), GRID), labels=labels) == 0xFFFFFFFF
    ).sum() == 120 * 200


def attention_of(grid: Grid, values: np.ndarray) -> AttentionMap:
    return AttentionMap(2, 1, grid, np.rint(values * 65535).astype(np.uint16))


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("codes", ["LPS", "RAI", "SRA", "PIL"])
def test_attention_lies_over_the_place_it_belongs_to_and_has_the_colour_of_its_value(
    plane: Plane, codes: str
) -> None:
    """The map has a grid of its own: coarser, shifted, and here even with other axes than the scan."""
    rng = np.random.default_rng(3)
    coarse = Grid((3, 5, 4), (10.3, 4.4, 3.1), (-28.0, 11.0, 103.0))
    turned = coarse.reordering(codes)
    attention = attention_of(
        turned.apply_grid(coarse), np.ascontiguousarray(turned.apply(rng.random(coarse.shape)))
    )
    volume = Volume(np.full(GRID.shape, 60, np.uint8), GRID)
    frame = slice_frame(GRID, plane)
    viewport = Viewport(90, 70, (frame.rows - 1) / 2, (frame.columns - 1) / 2, 3.0)
    index = frame.count // 2
    picture = drawn(
        volume,
        replace(LOOK, attention_opacity=1.0),
        attention=attention,
        plane=plane,
        slice_index=index,
        viewport=viewport,
    )
    tinted = 0
    for y in range(0, 70, 4):
        for x in range(0, 90, 4):
            row, column = viewport.to_slice(frame, x + 0.5, y + 0.5)
            if not (-0.5 <= row < frame.rows - 0.5 and -0.5 <= column < frame.columns - 0.5):
                assert picture[y, x] == BACKGROUND
                continue
            value = float(attention.at_mm(GRID.to_mm(frame.to_voxel(index, row, column))))
            if np.isnan(value):
                assert rgb(picture[y, x]) == (60, 60, 60)  # beyond the map nothing is tinted
                continue
            step = round(value * 255)
            alpha = attention_alpha(1.0)[step]
            expected = 60 * (1 - alpha) + attention_colours()[step] * alpha
            assert rgb(picture[y, x]) == pytest.approx(tuple(expected), abs=4)
            tinted += 1
    assert tinted > 30


def test_full_attention_at_full_opacity_is_the_last_colour_of_the_ramp() -> None:
    volume = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    attention = attention_of(GRID, np.ones(GRID.shape))
    picture = drawn(volume, replace(LOOK, attention_opacity=1.0), attention=attention)
    assert {rgb(pixel) for pixel in np.unique(picture)} == {tuple(int(v) for v in attention_colours()[255])}


def test_a_mask_is_outlined_but_not_filled_over_attention_so_that_colours_can_be_read() -> None:
    volume = Volume(np.full(GRID.shape, 60, np.uint8), GRID)
    attention = attention_of(GRID, np.ones(GRID.shape))
    labels = np.ones(GRID.shape, np.uint8)
    look = replace(LOOK, attention_opacity=1.0, mask_opacity=1.0)
    with_mask = drawn(volume, look, labels=labels, attention=attention)
    inner = {rgb(pixel) for pixel in np.unique(with_mask[8:-8, 8:-8])}
    assert inner == {tuple(int(v) for v in attention_colours()[255])}
    assert rgb(drawn(volume, look, labels=labels)[20, 20]) not in inner


def test_a_map_that_is_not_parallel_to_the_view_is_sampled_where_it_lies() -> None:
    turn = np.radians(20)
    direction = ((0.0, 0.0, 1.0), (-np.sin(turn), np.cos(turn), 0.0), (np.cos(turn), np.sin(turn), 0.0))
    grid = Grid((3, 4, 4), (10.0, 5.0, 4.0), (-28.0, 11.0, 100.0), direction)
    attention = attention_of(grid, np.random.default_rng(0).random(grid.shape))
    frame = slice_frame(GRID, Plane.AXIAL)
    viewport = Viewport(60, 80, 4.5, 5.5, 4.0)
    volume = Volume(np.full(GRID.shape, 60, np.uint8), GRID)
    picture = drawn(
        volume, replace(LOOK, attention_opacity=1.0), attention=attention, slice_index=2, viewport=viewport
    )
    for y, x in ((40, 30), (30, 20), (55, 40), (10, 8)):
        value = float(
            attention.at_mm(GRID.to_mm(frame.to_voxel(2, *viewport.to_slice(frame, x + 0.5, y + 0.5))))
        )
        if np.isnan(value):
            assert rgb(picture[y, x]) == (60, 60, 60)
            continue
        alpha = attention_alpha(1.0)[round(value * 255)]
        expected = 60 * (1 - alpha) + attention_colours()[round(value * 255)] * alpha
        assert rgb(picture[y, x]) == pytest.approx(tuple(expected), abs=4)


def test_a_slice_that_the_map_does_not_reach_is_not_tinted() -> None:
    volume = Volume(np.full(GRID.shape, 60, np.uint8), GRID)
    attention = attention_of(Grid((2, 10, 12), (5.0, 2.0, 1.0), GRID.origin), np.ones((2, 10, 12)))
    assert rgb(drawn(volume, attention=attention, slice_index=1)[100, 60]) != (60, 60, 60)
    assert rgb(drawn(volume, attention=attention, slice_index=2)[100, 60]) == (60, 60, 60)


def test_bare_and_a_hidden_mask_leave_the_scan_alone() -> None:
    volume = Volume(np.full(GRID.shape, 60, np.uint8), GRID)
    labels = np.ones(GRID.shape, np.uint8)
    attention = attention_of(GRID, np.ones(GRID.shape))
    bare = drawn(volume, replace(LOOK, bare=True), labels=labels, attention=attention)
    assert set(np.unique(grey(bare))) == {60}
    hidden = drawn(volume, replace(LOOK, mask_visible=False), labels=labels)
    assert set(np.unique(grey(hidden))) == {60}


def test_a_hidden_label_is_drawn_as_if_it_were_not_there() -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0, 3:6, 4:8] = 1
    alone = labels.copy()
    labels[0, 5:9, 6:10] = 2
    alone[0, 5:6, 6:8] = 0
    volume = Volume(np.full(GRID.shape, 100, np.uint8), GRID)
    look = replace(LOOK, outline=True)
    shown = drawn(volume, look, labels=labels, hidden=frozenset({2}))
    assert np.array_equal(shown, drawn(volume, look, labels=alone))
    assert not np.array_equal(shown, drawn(volume, look, labels=labels))


@pytest.mark.parametrize("codes", ["LPS", "RAI", "SLA"])
@pytest.mark.parametrize("plane", list(Plane))
def test_a_preview_is_hatched_where_voxels_would_change_and_nowhere_else(plane: Plane, codes: str) -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[1:4, 2:6, 3:9] = 1
    volume = Volume(np.full(GRID.shape, 100, np.uint8), GRID).reordered(codes)
    where = Volume(labels, GRID).reordered(codes).values > 0
    box = Box.around(where)
    assert box is not None
    change = proposal_adding(
        np.zeros(where.shape, np.uint8),
        Covered(box, np.ascontiguousarray(where[box.slices])),
        Guard(1),
        "grow",
    )
    frame = slice_frame(volume.grid, plane)
    viewport = Viewport(200, 200, (frame.rows - 1) / 2, (frame.columns - 1) / 2, 6.0)
    for index in range(frame.count):
        plain = drawn(volume, plane=plane, slice_index=index, viewport=viewport)
        shown = drawn(volume, plane=plane, slice_index=index, viewport=viewport, preview=change)
        full = drawn(volume, plane=plane, slice_index=index, viewport=viewport, labels=where.astype(np.uint8))
        differs, filled = np.argwhere(shown != plain), np.argwhere(full != plain)
        assert len(differs) == 0 if len(filled) == 0 else len(filled) / 8 < len(differs) < len(filled) / 2
        if len(filled):
            assert (differs.min(axis=0) == filled.min(axis=0)).all()  # the line round it
            assert (differs.max(axis=0) == filled.max(axis=0)).all()
            assert set(np.unique(shown[shown != plain])) == {0xFFFE7F7F}  # lighter than the label


def test_what_would_be_taken_away_is_hatched_in_white_the_other_way_and_a_bare_scan_stays_bare() -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0, 2:8, 2:10] = 1
    volume = Volume(np.full(GRID.shape, 100, np.uint8), GRID)
    where = Covered(Box((0, 2, 2), (1, 8, 10)), np.ones((1, 6, 8), bool))
    viewport = Viewport(120, 200, 4.5, 5.5, 10.0)
    taken = proposal_removing(labels, where, Guard(1), "erase")
    added = proposal_adding(np.zeros_like(labels), where, Guard(1), "grow")
    bare = drawn(volume, replace(LOOK, bare=True), viewport=viewport, preview=taken)
    assert set(np.unique(grey(bare))) == {100}
    white = drawn(volume, viewport=viewport, preview=taken) == 0xFFFFFFFF
    red = drawn(volume, viewport=viewport, preview=added) == 0xFFFE7F7F
    inside = (slice(60, 130), slice(30, 90))
    assert white[inside].any()
    rows, columns = np.nonzero(white[inside])
    assert len(set((rows - columns) % 5)) == 1
    rows, columns = np.nonzero(red[inside])
    assert len(set((rows + columns) % 5)) == 1


def test_what_a_view_keeps_between_frames_never_shows_in_the_picture() -> None:
    rng = np.random.default_rng(1)
    volumes = [Volume(rng.integers(0, 255, GRID.shape, dtype=np.uint8), GRID) for _ in range(2)]
    scratch = Scratch()
    for look in (LOOK, replace(LOOK, inverted=True), replace(LOOK, level=60.0)):
        for plane in Plane:
            for index in (0, 3):
                for volume in (*volumes, volumes[0]):
                    kept = drawn(volume, look, plane=plane, slice_index=index, scratch=scratch)
                    assert (kept == drawn(volume, look, plane=plane, slice_index=index)).all()


def test_a_buffer_of_another_size_is_refused() -> None:
    frame = slice_frame(GRID, Plane.AXIAL)
    viewport = Viewport.fitted(frame, 30, 20)
    volume = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    with pytest.raises(ValueError, match="20×30"):
        compose(np.zeros((30, 20), np.uint32), volume, None, TABLE, None, LOOK, frame, 0, viewport)


def test_a_point_of_the_view_and_its_place_in_the_slice_agree_both_ways() -> None:
    frame = slice_frame(GRID, Plane.SAGITTAL)
    viewport = Viewport(123, 77, 2.2, 3.3, 4.5)
    row, column = viewport.to_slice(frame, 17.25, 60.5)
    assert viewport.to_pixel(frame, row, column) == pytest.approx((17.25, 60.5))
    assert viewport.rows_shown(frame)[60] == pytest.approx(row)
    assert viewport.columns_shown(frame)[16] == pytest.approx(viewport.to_slice(frame, 16.5, 0)[1])


def test_the_attention_ramp_gets_lighter_step_by_step() -> None:
    linear = (attention_colours() / 255.0) ** 2.2
    light = (linear @ [0.2126, 0.7152, 0.0722]) ** (1 / 3)
    assert attention_colours().shape == (256, 3)
    assert (np.diff(light) > -2e-3).all()
    assert light[255] - light[0] > 0.7
    quarters = light[[0, 64, 128, 191, 255]]
    assert np.diff(quarters).min() > 0.5 * np.diff(quarters).max()


def random_attention(rng: np.random.Generator, oblique: bool) -> AttentionMap:
    values = rng.integers(0, 65536, (3, 5, 6), np.uint16)
    turn = 0.3 if oblique else 0.0
    c, s = float(np.cos(turn)), float(np.sin(turn))
    grid = Grid(
        (3, 5, 6), (10.0, 4.0, 2.0), (-29.0, 11.0, 102.0), ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))
    )
    return AttentionMap(2, 1, grid, values)


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    plane=st.sampled_from(list(Plane)),
    codes=st.sampled_from(["LPS", "RAI", "SLA"]),
    start=st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 11)),
    size=st.tuples(*(st.integers(1, 4),) * 3),
    zoom=st.floats(0.3, 20.0),
    centre=st.tuples(st.floats(-2, 12), st.floats(-2, 12)),
    outline_px=st.integers(1, 3),
    extras=st.sampled_from(["", "attention", "oblique", "preview", "hidden"]),
)
def test_drawing_what_changed_gives_the_whole_picture(
    seed, plane, codes, start, size, zoom, centre, outline_px, extras
) -> None:
    """A box of the mask changes; only its pixels are drawn again."""
    rng = np.random.default_rng(seed)
    volume = Volume(rng.integers(0, 255, GRID.shape, dtype=np.uint8), GRID).reordered(codes)
    shape = volume.grid.shape
    labels = rng.integers(0, 3, shape).astype(np.uint8)
    frame = slice_frame(volume.grid, plane)
    viewport = Viewport(70, 50, centre[0], centre[1], zoom, outline_px)
    look = replace(LOOK, outline=True, mask_opacity=0.4)
    attention = random_attention(rng, extras == "oblique") if extras in ("attention", "oblique") else None
    hidden = frozenset({2}) if extras == "hidden" else frozenset()
    preview = None
    if extras == "preview":
        covered = Covered(Box.whole(shape), np.ascontiguousarray(rng.random(shape) < 0.5))
        preview = proposal_adding(np.zeros(shape, np.uint8), covered, Guard(1), "grow")
    box = Box(start, tuple(a + b for a, b in zip(start, size, strict=True))).clipped(shape)
    assume(box.size > 0)
    index = frame.slice_at(tuple(float(first) for first in box.start))
    picture = np.zeros((50, 70), np.uint32)

    def draw(out: np.ndarray, part: Part | None) -> None:
        compose(
            out, volume, labels, TABLE, attention, look, frame, index, viewport,
            hidden=hidden, preview=preview, part=part,
        )  # fmt: skip

    draw(picture, None)
    labels[box.slices] = rng.integers(0, 3, box.shape)
    assert frame.touches(box, index)
    draw(picture, viewport.part_of(frame, box))
    whole = np.zeros((50, 70), np.uint32)
    draw(whole, None)
    assert (picture == whole).all()


def test_parts_join_and_an_empty_one_adds_nothing() -> None:
    one, none = Part(2, 5, 10, 12), Part(4, 4, 0, 9)
    assert none.is_empty
    assert (one.joined(none), none.joined(one)) == (one, one)
    assert one.joined(Part(0, 3, 11, 20)) == Part(0, 5, 10, 20)
    assert one.grown(3, 6, 13) == Part(0, 6, 7, 13)
