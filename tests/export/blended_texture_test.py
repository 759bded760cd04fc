"""Texture of a person from several photos: `export.blended_texture`."""

import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.export import blended_texture, texture_projection

SIZE = 64


@pytest.fixture(scope="module")
def model():
    return build_toy_face_model()


@pytest.fixture(scope="module")
def texels(model):
    mesh = texture_projection.UvMesh.create(
        model.uv, model.triangles, model.triangles, model.num_vertices
    )
    return texture_projection.cover_texels(mesh, SIZE)


def project(texels, model, stripes, visibility=1.0, exposure=1.0):
    """A photo of the albedo, brighter and darker by `stripes` in turns, all of it visible."""
    pixels = texels.fragments.pixels
    sign = np.where((pixels % SIZE) % 2, 1.0, -1.0)[:, np.newaxis]
    fitted = texels.fragments.interpolate(model.mean_albedo)
    return texture_projection.Projection(
        sampled=(exposure * fitted * (1 + stripes * sign)).astype(np.float32),
        fitted=fitted,
        visibility=np.full(len(pixels), visibility, np.float32),
    )


def test_shares_weight_the_photos_whatever_their_exposure(texels, model):
    """Of stripes of +20 % and -20 %, with shares 1/4 and 3/4, remain -10 %."""
    share = np.full(model.num_vertices, 0.25)
    photos = [
        (project(texels, model, 0.2), share),
        (project(texels, model, -0.2, exposure=0.4), 1.0 - share),
    ]
    texture = blended_texture.blend_photos(texels, model.mean_albedo, photos)
    assert texture.shape == (SIZE, SIZE, 3) and texture.dtype == np.uint8
    albedo = 255.0 * model.mean_albedo[0]
    middle = texture[SIZE // 2]
    np.testing.assert_allclose(middle[21:40:2], np.tile(0.9 * albedo, (10, 1)), atol=1.5)
    np.testing.assert_allclose(middle[20:40:2], np.tile(1.1 * albedo, (10, 1)), atol=1.5)


def test_visibility_weights_the_photos(texels, model):
    share = np.full(model.num_vertices, 0.5)
    photos = [
        (project(texels, model, 0.2), share),
        (project(texels, model, -0.2, visibility=0.25), share),
    ]
    texture = blended_texture.blend_photos(texels, model.mean_albedo, photos)
    expected = (1 + 0.2 * (1 - 0.25) / (1 + 0.25)) * 255.0 * model.mean_albedo[0]
    np.testing.assert_allclose(texture[SIZE // 2, 33], expected, atol=1.5)


def test_share_of_each_part_decides(texels, model):
    """The left half has the stripes of the first photo, the right half those of the second."""
    left = (model.uv[:, 0] < 0.5).astype(float)
    photos = [(project(texels, model, 0.2), left), (project(texels, model, -0.2), 1.0 - left)]
    row = blended_texture.blend_photos(texels, model.mean_albedo, photos)[SIZE // 2, :, 0]
    bright = 1.2 * 255.0 * model.mean_albedo[0, 0]
    np.testing.assert_allclose(row[[21, 23]], bright, atol=1.5)
    np.testing.assert_allclose(row[[40, 42]], bright, atol=1.5)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_surface_that_no_photo_shows_has_the_albedo(texels, model, share):
    """Neither is shown what no photo sees, nor what only photos without a share see."""
    photo = project(texels, model, 0.2, visibility=1.0 - share)
    photos = [(photo, np.full(model.num_vertices, share))]
    texture = blended_texture.blend_photos(texels, model.mean_albedo, photos)
    expected = np.broadcast_to(np.round(255.0 * model.mean_albedo[0]), texture.shape)
    np.testing.assert_allclose(texture, expected, atol=1)
