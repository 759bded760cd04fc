"""The photograph unwrapped through texture coordinates: `export.photo_texture`."""

import dataclasses

import numpy as np
import pytest

from tf_facerecon.export import photo_texture
from tf_facerecon.visualization import mesh_views

SIZE = 128


@pytest.fixture(scope="module")
def unwrap(mean_face):
    """Texture of the frontal toy face, whose u runs from left to right, for another photograph."""
    view = mesh_views.front_view(mean_face)

    def texture(photo):
        return photo_texture.photo_texture(dataclasses.replace(mean_face, photo=photo), view, SIZE)

    return texture


def test_photo_texture_takes_the_photograph(unwrap, mean_face):
    photo = np.zeros_like(mean_face.photo)
    middle = round(mean_face.photo_landmarks[30, 0])
    photo[:, :middle] = [250, 0, 0]
    photo[:, middle:] = [0, 0, 250]
    texture = unwrap(photo)
    assert texture.shape == (SIZE, SIZE, 3) and texture.dtype == np.uint8
    centre = texture[50:70]
    assert (centre[:, 40:55, 0] > 230).all() and (centre[:, 40:55, 2] < 20).all()
    assert (centre[:, 73:90, 2] > 230).all() and (centre[:, 73:90, 0] < 20).all()


def test_photo_texture_row_0_is_the_top(unwrap, mean_face):
    photo = np.zeros_like(mean_face.photo)
    photo[: round(mean_face.photo_landmarks[30, 1])] = [0, 250, 0]
    texture = unwrap(photo)
    assert texture[25:40, 60:68, 1].min() > 200 and texture[90:100, 60:68, 1].max() < 50


def test_photo_texture_hidden_surface_takes_fitted_colours(mean_face):
    view = mesh_views.front_view(mean_face)
    hiding = dataclasses.replace(view, depth=view.depth - 1.0)  # Something 10 cm before the face.
    photo = np.full_like(mean_face.photo, 255)
    photo[..., 1:] = 0
    texture = photo_texture.photo_texture(dataclasses.replace(mean_face, photo=photo), hiding, SIZE)
    expected = np.clip(mean_face.colours, 0, 1).reshape(15, 15, 3)[7, 7] * 255
    np.testing.assert_allclose(texture[64, 64], expected, atol=2)


def test_photo_texture_beyond_the_photograph_takes_fitted_colours(mean_face):
    width = round(mean_face.photo_landmarks[30, 0])
    transform = dataclasses.replace(
        mean_face.crop_transform, left=mean_face.crop_transform.left + 2000
    )
    face = dataclasses.replace(mean_face, crop_transform=transform)
    texture = photo_texture.photo_texture(face, mesh_views.front_view(face), SIZE)
    assert width > 0 and texture.min() > 40  # No black from outside of the photograph.


def test_photo_texture_follows_uv_triangles(mean_face):
    """The same texture, whatever the order of its coordinates, and however often they are there."""
    view = mesh_views.front_view(mean_face)
    order = np.random.default_rng(3).permutation(len(mean_face.uv))
    seamed = dataclasses.replace(
        mean_face,
        uv=np.concatenate([mean_face.uv[order], mean_face.uv]),
        uv_triangles=np.concatenate(
            [
                np.argsort(order)[mean_face.triangles[::2]],
                len(order) + mean_face.triangles[1::2],
            ]
        ),
        triangles=np.concatenate([mean_face.triangles[::2], mean_face.triangles[1::2]]),
    )
    plain, cut = (photo_texture.photo_texture(face, view, SIZE) for face in (mean_face, seamed))
    assert np.abs(plain.astype(int) - cut).max() <= 1
