"""The picture of who gave what: colours of the leader, grey where nobody leads, eight at most."""

import dataclasses

import numpy as np
import pytest

from tests import toy_image_set as toy_set
from tf_facerecon.visualization import confidence_figure

TILE = confidence_figure.TILE_SIZE


@pytest.fixture(scope="module")
def person(toy_reconstructor):
    reconstructor = toy_set.build_toy_set_reconstructor(toy_reconstructor)
    return reconstructor.reconstruct([toy_set.photo(number) for number in (50, 200)])


def with_confidence(person, rows):
    images = [
        dataclasses.replace(image, confidence=np.full_like(image.confidence, value))
        for image, value in zip(person.images, rows, strict=True)
    ]
    return dataclasses.replace(person, images=tuple(images))


def middle_of_tile(picture, row, column):
    """Colour in the middle of the face of one tile, 0 to 1."""
    height = picture.shape[0] // 2
    margin = (picture.shape[1] - 3 * TILE) // 4
    left = margin + column * (TILE + margin)
    return picture[row * height + margin + TILE // 2, left + TILE // 2] / 255.0


def test_draw_preset(person):
    first = confidence_figure.draw(with_confidence(person, (1.0, 0.0)))
    second = confidence_figure.draw(with_confidence(person, (0.0, 1.0)))
    equal = confidence_figure.draw(with_confidence(person, (1.0, 1.0)))
    assert first.dtype == np.uint8 and first.shape == second.shape == equal.shape
    orange, blue, grey = (middle_of_tile(p, 0, 0) for p in (first, second, equal))
    assert orange[0] > orange[2] + 0.2  # Red over blue.
    assert blue[2] > blue[0] + 0.2
    assert np.ptp(grey) < 0.05
    # The shares below the photographs: bright for the one that gave all, dark for the other.
    assert middle_of_tile(first, 1, 1).sum() > 2 * middle_of_tile(first, 1, 2).sum()


def test_draw_of_one_and_of_many(person):
    one = dataclasses.replace(person, images=person.images[:1])
    assert confidence_figure.draw(one).shape[1] < 3 * (TILE + 40)
    images = tuple(
        dataclasses.replace(
            person.images[number % 2],
            name=f"a long name of a photograph {number}",
            confidence=np.full(toy_set.NUM_IDENTITY, 1.0 + number, np.float32),
        )
        for number in range(30)
    )
    many = confidence_figure.draw(dataclasses.replace(person, images=images))
    columns = confidence_figure.MAX_PHOTOS + 1
    assert columns * TILE < many.shape[1] < (columns + 1) * (TILE + 40)
