"""The confidence figure: colour of the largest share, grey where all are equal, eight photos."""

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


def centre_of_tile(figure, row, column):
    """Colour at the centre of a tile, 0 to 1."""
    height = figure.shape[0] // 2
    margin = (figure.shape[1] - 3 * TILE) // 4
    left = margin + column * (TILE + margin)
    return figure[row * height + margin + TILE // 2, left + TILE // 2] / 255.0


def test_draw_preset(person):
    first = with_confidence(person, (1.0, 0.0)).confidence_figure()
    second = with_confidence(person, (0.0, 1.0)).confidence_figure()
    equal = with_confidence(person, (1.0, 1.0)).confidence_figure()
    assert first.dtype == np.uint8 and first.shape == second.shape == equal.shape
    orange, blue, grey = (centre_of_tile(p, 0, 0) for p in (first, second, equal))
    assert orange[0] > orange[2] + 0.2  # Red over blue.
    assert blue[2] > blue[0] + 0.2
    assert np.ptp(grey) < 0.05
    # Heat maps below the photos: bright for the photo with share 1, dark for the other.
    assert centre_of_tile(first, 1, 1).sum() > 2 * centre_of_tile(first, 1, 2).sum()


def test_draw_of_one_and_of_many(person):
    one = dataclasses.replace(person, images=person.images[:1])
    assert one.confidence_figure().shape[1] < 3 * (TILE + 40)
    images = tuple(
        dataclasses.replace(
            person.images[number % 2],
            name=f"a long file name of photo number {number}",
            confidence=np.full(toy_set.NUM_IDENTITY, 1.0 + number, np.float32),
        )
        for number in range(30)
    )
    many = dataclasses.replace(person, images=images).confidence_figure()
    columns = confidence_figure.MAX_PHOTOS + 1
    assert columns * TILE < many.shape[1] < (columns + 1) * (TILE + 40)


def test_shape_exception_raised(person):
    with pytest.raises(ValueError, match="`vertex_shares` must have shape"):
        confidence_figure.draw_confidence_figure(
            vertices=person.neutral_vertices,
            triangles=person.decoder.face_model.triangles,
            camera=person.decoder.camera,
            crops=[person.images[0].crop],
            names=["a"],
            counted=np.array([True]),
            photo_shares=np.ones(1),
            vertex_shares=person.vertex_shares(),
        )
