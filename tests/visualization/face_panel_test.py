"""Panels, landmarks and overlays: `visualization.face_panel`."""

import dataclasses

import numpy as np
import pytest

from tf_facerecon.visualization import crop_resampling, face_panel, mesh_rendering


def test_panel_preset(mean_face):
    view = mesh_rendering.render_camera_view(mean_face)
    plain = face_panel.draw_panel(mean_face, view)
    textured = face_panel.draw_panel(mean_face, view, np.full((8, 8, 3), [0, 200, 0], np.uint8))
    tile, margin = face_panel.TILE_SIZE, 28
    assert plain.dtype == np.uint8 and plain.shape[1] == 5 * (tile + margin) + margin
    assert textured.shape[1] == 6 * (tile + margin) + margin

    def tile_at(panel, index):
        left = margin + index * (tile + margin)
        return panel[margin : margin + tile, left : left + tile]

    photo, _ = crop_resampling.resample_crop(mean_face.photo, mean_face.crop_transform, tile)
    np.testing.assert_array_equal(tile_at(plain, 0), np.round(255 * np.clip(photo, 0, 1)))
    covered = view.mask[::2, ::2] == 1
    overlay = tile_at(plain, 1).astype(float)
    assert np.abs(overlay - 255 * view.colours[::2, ::2])[covered].mean() < 2
    corner = (slice(0, 20), slice(0, 20))
    np.testing.assert_array_equal(overlay[corner], tile_at(plain, 0)[corner])
    centre = tile_at(textured, 5)[tile // 2, tile // 2]
    np.testing.assert_array_equal(centre, [0, 200, 0])
    assert (plain[:margin] == 255).all()  # White margin.
    assert plain[margin + tile :].min() < 128  # Captions.


def test_draw_landmarks_marks_them(mean_face):
    grey = np.full((448, 448, 3), 0.5, np.float32)
    drawn = face_panel.draw_landmarks(grey, mean_face)
    column, row = np.round((mean_face.landmarks[0] + 0.5) * 2).astype(int)
    assert drawn[row, column, 2] > 0.9 and drawn[row, column, 0] < 0.4
    target = mean_face.crop_transform.to_crop(mean_face.alignment_points)[2]
    column, row = np.round((target + 0.5) * 2).astype(int)
    assert drawn[row, column, 0] > 0.9 and drawn[row, column, 2] < 0.6


def test_overlay_on_photo_keeps_the_rest(mean_face):
    result = face_panel.draw_overlay(mean_face, mesh_rendering.render_camera_view(mean_face))
    assert result.shape == mean_face.photo.shape
    column, row = np.round(mean_face.photo_landmarks[30]).astype(int)
    nose = np.clip(mean_face.image, 0, 1)[
        tuple(np.round(mean_face.landmarks[30]).astype(int)[::-1])
    ]
    np.testing.assert_allclose(result[row, column], 255 * nose, atol=4)
    np.testing.assert_array_equal(result[0, 0], mean_face.photo[0, 0])


def test_panel_follows_uv_triangles(mean_face):
    view = mesh_rendering.render_camera_view(mean_face)
    texture = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    order = np.random.default_rng(3).permutation(len(mean_face.uv))
    seamed = dataclasses.replace(
        mean_face, uv=mean_face.uv[order], uv_triangles=np.argsort(order)[mean_face.triangles]
    )
    drawn = [face_panel.draw_panel(face, view, texture) for face in (mean_face, seamed)]
    assert (np.abs(drawn[0].astype(int) - drawn[1]) > 1).mean() < 1e-3


@pytest.mark.parametrize("yaw", [0.35, -0.35])
def test_rotated_tile_shows_the_side_that_is_visible_in_the_photo(mean_face, yaw):
    """Of two textures, one of each half, the tile shows more of the half that faces the camera."""
    from tf_facerecon.geometry import rotations

    rotation = rotations.rotation_matrix_from_euler(np.float32([[0.0, yaw, 0.0]])).numpy()[0]
    middle = mean_face.vertices.mean(axis=0)
    rotated = dataclasses.replace(
        mean_face,
        vertices=(mean_face.vertices - middle) @ rotation.T + middle,
        normals=mean_face.normals @ rotation.T,
        coefficients={**mean_face.coefficients, "rotation": np.float32([0.0, yaw, 0.0])},
    )
    halves = [mean_face.vertices[:, 0] > middle[0], mean_face.vertices[:, 0] < middle[0]]
    facing = [rotated.normals[half, 2].mean() for half in halves]
    uv = np.where(halves[0], 0.75, 0.25)[:, None].repeat(2, axis=1).astype(np.float32)
    rotated = dataclasses.replace(rotated, uv=uv, uv_triangles=rotated.triangles)
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 1], texture[1, 0] = (255, 0, 0), (0, 255, 0)  # v points up.
    black = np.zeros((448, 448, 3), np.float32)
    view = face_panel.cover_rotated_view(rotated)
    tile = face_panel._rotated_tile(rotated, view, texture, black)
    shown = [tile[..., 0].sum(), tile[..., 1].sum()]
    assert np.argmax(shown) == np.argmax(facing)
    assert min(shown) < 0.5 * max(shown)
