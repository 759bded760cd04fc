"""Texture extraction from a photo: `export.photo_texture`."""

import dataclasses

import numpy as np
import pytest

from tf_facerecon.export import photo_texture
from tf_facerecon.visualization import mesh_rendering

SIZE = 128


@pytest.fixture(scope="module")
def extract(mean_face):
    """Texture of the frontal toy face, u from left to right, for another photo."""
    view = mesh_rendering.render_camera_view(mean_face)

    def texture(photo):
        return photo_texture.extract_texture(
            dataclasses.replace(mean_face, photo=photo), view, SIZE
        )

    return texture


def test_texture_copies_the_photo(extract, mean_face):
    photo = np.zeros_like(mean_face.photo)
    middle = round(mean_face.photo_landmarks[30, 0])
    photo[:, :middle] = [250, 0, 0]
    photo[:, middle:] = [0, 0, 250]
    texture = extract(photo)
    assert texture.shape == (SIZE, SIZE, 3) and texture.dtype == np.uint8
    centre = texture[50:70]
    assert (centre[:, 40:55, 0] > 230).all() and (centre[:, 40:55, 2] < 20).all()
    assert (centre[:, 73:90, 2] > 230).all() and (centre[:, 73:90, 0] < 20).all()


def test_texture_row_0_is_the_top(extract, mean_face):
    photo = np.zeros_like(mean_face.photo)
    photo[: round(mean_face.photo_landmarks[30, 1])] = [0, 250, 0]
    texture = extract(photo)
    assert texture[25:40, 60:68, 1].min() > 200 and texture[90:100, 60:68, 1].max() < 50


def test_texture_hidden_surface_takes_fitted_colours(mean_face):
    view = mesh_rendering.render_camera_view(mean_face)
    occluded = dataclasses.replace(view, depth=view.depth - 1.0)  # An occluder 10 cm in front.
    photo = np.full_like(mean_face.photo, 255)
    photo[..., 1:] = 0
    texture = photo_texture.extract_texture(
        dataclasses.replace(mean_face, photo=photo), occluded, SIZE
    )
    expected = np.clip(mean_face.colours, 0, 1).reshape(15, 15, 3)[7, 7] * 255
    np.testing.assert_allclose(texture[64, 64], expected, atol=2)


def test_texture_outside_the_photo_takes_fitted_colours(mean_face):
    width = round(mean_face.photo_landmarks[30, 0])
    transform = dataclasses.replace(
        mean_face.crop_transform, left=mean_face.crop_transform.left + 2000
    )
    face = dataclasses.replace(mean_face, crop_transform=transform)
    texture = photo_texture.extract_texture(face, mesh_rendering.render_camera_view(face), SIZE)
    assert width > 0 and texture.min() > 40  # No black from outside of the photo.


def test_texture_follows_uv_triangles(mean_face):
    """The texture does not depend on the order of the coordinates or on duplicates."""
    view = mesh_rendering.render_camera_view(mean_face)
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
    plain, cut = (photo_texture.extract_texture(face, view, SIZE) for face in (mean_face, seamed))
    assert np.abs(plain.astype(int) - cut).max() <= 1
