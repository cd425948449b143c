"""How well a fit can be followed."""

from __future__ import annotations

from tests.tour import trip_of_fit

MOST_CLIMBS = 6


def test_a_fit_seldom_calls_into_a_higher_layer() -> None:
    trip = trip_of_fit()
    assert len(trip.modules) > 50, "else it was not followed"
    assert len(trip.climbs) <= MOST_CLIMBS, trip.climbs
