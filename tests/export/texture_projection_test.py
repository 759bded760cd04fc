"""Projection of photos into texture space: `export.texture_projection`."""

import dataclasses

import numpy as np
import pytest

from tf_facerecon.export import texture_projection
from tf_facerecon.visualization import mesh_rendering

SIZE = 64


@pytest.fixture(scope="module")
def mesh(mean_face):
    return texture_projection.UvMesh.create(
        mean_face.uv, mean_face.triangles, mean_face.triangles, len(mean_face.vertices)
    )


@pytest.fixture(scope="module")
def project(mean_face, mesh):
    """Projection of any crop onto the frontal toy face."""
    texels = texture_projection.cover_texels(mesh, SIZE)
    depth = mesh_rendering.render_depth(
        mean_face.vertices, mean_face.triangles, mean_face.camera, 224
    )

    def projection(crop, **changes):
        arguments = {
            "vertices": mean_face.vertices,
            "normals": mean_face.normals,
            "colours": mean_face.colours,
            "camera": mean_face.camera,
            "crop": crop.astype(np.float32),
            "inside": np.ones(crop.shape[:2], np.float32),
            "depth": depth,
            **changes,
        }
        return texels.fragments, texture_projection.project_photo(texels.fragments, **arguments)

    return projection


def test_project_photo_samples_where_the_surface_is_seen(project, mean_face):
    """Of an image of its own coordinates, each texel near a landmark samples the landmark's."""
    rows, columns = np.mgrid[:224, :224] / 224
    fragments, projection = project(np.stack([columns, rows, 0 * rows], axis=-1))
    sampled = fragments.image(projection.sampled)
    for vertex in (112, 97, 127):  # The middle, and a vertex above and below it.
        u, v = mean_face.uv[vertex]
        row, column = int((1 - v) * SIZE), int(u * SIZE)
        x, y, z = mean_face.vertices[vertex]
        expected = [(1015 * x / (10 - z) + 112) / 224, (112 - 1015 * y / (10 - z)) / 224]
        np.testing.assert_allclose(sampled[row, column, :2], expected, atol=1.5 / SIZE)


def test_visibility_preset(project, mean_face):
    crop = np.zeros((224, 224, 3))
    fragments, projection = project(crop)
    centre = fragments.image(projection.visibility)[SIZE // 2, SIZE // 2]
    assert centre == 1.0
    _, away = project(crop, normals=-mean_face.normals)
    _, outside = project(crop, inside=np.zeros((224, 224), np.float32))
    _, occluded = project(crop, depth=np.full((224, 224), 8.0))
    for hidden in (away, outside, occluded):
        assert not hidden.visibility.any()
    slanted = np.tile([np.sqrt(1 - 0.3**2), 0.0, 0.3], (len(mean_face.vertices), 1))
    fragments, projection = project(crop, normals=slanted)
    # Half way between the cosines 0.15 and 0.45, in the middle of the image.
    centre = fragments.image(projection.visibility)[SIZE // 2, SIZE // 2]
    assert centre == pytest.approx(0.5, abs=0.03)


def test_cover_texels_is_computed_once_for_equal_meshes(mesh, mean_face):
    same = texture_projection.UvMesh.create(
        mean_face.uv.copy(), mean_face.triangles, mean_face.triangles, mesh.num_vertices
    )
    first = texture_projection.cover_texels(mesh, SIZE)
    assert texture_projection.cover_texels(same, SIZE) is first
    other = texture_projection.UvMesh.create(
        0.5 * mean_face.uv, mean_face.triangles, mean_face.triangles, mesh.num_vertices
    )
    assert other != mesh and texture_projection.cover_texels(other, SIZE) is not first


def test_cover_texels_repeats_the_nearest(mean_face):
    half = dataclasses.replace(mean_face, uv=0.5 * mean_face.uv)
    mesh = texture_projection.UvMesh.create(
        half.uv, half.triangles, half.triangles, len(half.vertices)
    )
    texels = texture_projection.cover_texels(mesh, SIZE)
    column, row = texels.fragments.pixels % SIZE, texels.fragments.pixels // SIZE
    assert (column < SIZE // 2).all() and (row >= SIZE // 2).all()
    corner = texels.nearest[0, SIZE - 1]
    assert (row[corner], column[corner]) == (SIZE // 2, SIZE // 2 - 1)
    none = dataclasses.replace(mesh, checksum=b"none", uv=np.full_like(half.uv, 0.5))
    with pytest.raises(ValueError, match="cover no texel"):
        texture_projection.cover_texels(none, SIZE)


def test_gain_preset():
    grey = np.array([0.2, 0.2, 0.2])
    np.testing.assert_allclose(
        texture_projection.gain(np.array([0.3, 0.9, 0.01]), grey, 2.0), [1.5, 2.0, 0.5]
    )
    np.testing.assert_array_equal(texture_projection.gain(np.zeros(3), grey, 2.0), [1, 1, 1])
    mean = texture_projection.mean_colour(np.float32([[1, 0, 0], [0, 1, 1]]), np.float32([1, 3]))
    np.testing.assert_allclose(mean, [0.25, 0.75, 0.75])
