"""The bars on public data: bunnies with true normals, as `station normals` prints them."""

from pathlib import Path
from typing import Any

import pytest

from station.config import Settings
from station.documents.normals import ErrorFigures
from station.offline.normals.request import Request
from station.offline.normals.run import run


@pytest.fixture
def errors(test_data: Path, tmp_path: Path) -> Any:
    """`errors("bunny_lambert", estimator="trimmed")`."""

    def call(name: str, **options: Any) -> ErrorFigures:
        request = Request(str(test_data / name), tmp_path / "out", **options)
        found = run(request, Settings(), lambda _: None, lambda _: None).figures.errors
        assert found is not None
        assert found.pixels > 20_000
        return found

    return call


@pytest.mark.parametrize(("name", "bar_deg"), [("bunny_specular", 5.0), ("bunny_lambert", 4.1)])
def test_the_default_is_within_its_bar(errors: Any, name: str, bar_deg: float) -> None:
    found = errors(name)
    assert found.mean_deg <= bar_deg
    assert found.median_deg < found.p95_deg < 10


@pytest.mark.parametrize(("name", "bar_deg"), [("bunny_specular", 4.5), ("bunny_lambert", 3.6)])
def test_the_best_offered_is_within_its_bar(errors: Any, name: str, bar_deg: float) -> None:
    """These pictures lack a tenth of their level; the estimated black level puts it back."""
    assert errors(name, black="estimate").mean_deg <= bar_deg


@pytest.mark.parametrize(("name", "mean_deg"), [("bunny_specular", 13.22), ("bunny_lambert", 4.77)])
def test_least_squares_is_the_one_of_text_books(errors: Any, name: str, mean_deg: float) -> None:
    assert errors(name, estimator="least-squares").mean_deg == pytest.approx(mean_deg, abs=0.02)
