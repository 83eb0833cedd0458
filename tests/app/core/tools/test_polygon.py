"""The corners of a polygon before it is closed."""

from __future__ import annotations

from app.core.planes import Plane
from app.core.tools.polygon import Polygon


def test_corners_come_and_go_one_by_one_and_three_of_them_can_be_closed() -> None:
    polygon = Polygon(Plane.CORONAL, 3).with_corner((1.0, 2.0)).with_corner((1.0, 6.0))
    assert not polygon.can_close
    whole = polygon.with_corner((5.0, 4.0))
    assert whole.can_close
    assert whole.points_rc.tolist() == [[1.0, 2.0], [1.0, 6.0], [5.0, 4.0]]
    assert whole.without_last() == polygon
    assert Polygon(Plane.CORONAL, 3).with_corner((1.0, 2.0)).without_last() is None


def test_it_lies_in_one_slice_of_one_plane() -> None:
    polygon = Polygon(Plane.CORONAL, 3)
    assert polygon.lies_in(Plane.CORONAL, 3)
    assert not polygon.lies_in(Plane.CORONAL, 4)
    assert not polygon.lies_in(Plane.AXIAL, 3)
    assert polygon.points_rc.shape == (0, 2)
