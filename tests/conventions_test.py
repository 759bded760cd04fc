"""One test per line of CONVENTIONS.md, each as short as the line that it holds to its word."""

import importlib
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.geometry import mesh_normals, rigid_transforms, rotations
from tf_facerecon.io import image_files, mesh_files
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.morphable_face import MorphableFace
from tf_facerecon.lighting import lambertian_shading, spherical_harmonics
from tf_facerecon.losses import landmark, photometric
from tf_facerecon.metrics import vertex_distance
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.morphable_models.morphable_model import MorphableModel
from tf_facerecon.photos import face_alignment
from tf_facerecon.rendering import rasterizer

CONVENTIONS = pathlib.Path(__file__).resolve().parents[1] / "CONVENTIONS.md"
CAMERA = cameras.PerspectiveCamera()
OUT_OF_THE_FACE = np.array([[0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def face():
    return MorphableModel.from_preset("procedural")


def project(*point):
    return cameras.project(np.array([point], np.float64), CAMERA).numpy()[0]


def turn(vectors, *angles):
    rotation = rotations.rotation_matrix_from_euler(np.array(angles, np.float64))
    return rigid_transforms.rotate(np.array(vectors, np.float64), rotation).numpy()


def draw_small_triangle_at(column, row):
    """Indices of the pixels it covers; (0, 0) is the corner of the picture, not of a pixel."""
    offsets = np.array([[-0.1, 0.1], [0.1, 0.1], [0.0, -0.1]])
    x, y = (([column, row] + offsets) / 112 - 1).T * [[1], [-1]]
    clip = np.stack([x, y, np.zeros(3), np.ones(3)], axis=-1)[None]
    drawn = rasterizer.rasterize(clip, np.array([[0, 1, 2]]), np.ones([1, 3, 1]), (224, 224))
    return [tuple(pixel) for pixel in np.argwhere(drawn.mask.numpy()[0, :, :, 0])]


# Frames and units


def test_convention_world_axes():
    assert project(0.1, 0, 0)[0] > project(0, 0, 0)[0]  # x: right, columns grow.
    assert project(0, 0.1, 0)[1] < project(0, 0, 0)[1]  # y: up, rows shrink.
    assert project(0.5, 0, 0.1)[0] > project(0.5, 0, 0)[0]  # z: nearer, larger.
    np.testing.assert_array_equal(np.cross([1, 0, 0], [0, 1, 0]), [0, 0, 1])


def test_convention_lengths():
    shifted = np.zeros([1, 3]) + [0.01, 0, 0]
    distance = vertex_distance.vertex_distance_mm(shifted, np.zeros([1, 3]), align=None)
    assert distance == pytest.approx(1.0)


def test_convention_camera():
    assert CAMERA == cameras.PerspectiveCamera(focal=1015, image_size=224, distance=10)
    assert cameras.world_to_camera(np.array([1.0, 2.0, 3.0]), CAMERA).numpy().tolist() == [1, 2, 7]
    assert project(1, 0, 0)[0] - project(0, 0, 0)[0] == pytest.approx(101.5)


def test_convention_clip_space():
    points = np.array([[0.0, 0.0, 5.0], [0.0, 0.1, 0.0], [0.0, 0.0, -5.0]])
    _, y, z, w = cameras.to_clip_space(points, CAMERA).numpy().T
    np.testing.assert_allclose(w, [5, 10, 15])
    np.testing.assert_allclose((z / w)[[0, 2]], [-1, 1])
    assert y[1] > 0


def test_convention_exported_matrices():
    extrinsics = cameras.extrinsics_matrix(CAMERA)
    np.testing.assert_array_equal(extrinsics[:, :3], turn(np.eye(3), np.pi, 0, 0).round(12))
    homogeneous = cameras.intrinsics_matrix(CAMERA) @ extrinsics @ [0.1, 0.2, 0.3, 1.0]
    np.testing.assert_allclose(homogeneous[:2] / homogeneous[2], project(0.1, 0.2, 0.3))


# Pose


def test_convention_order_of_angles():
    in_turn = turn(turn(turn(np.eye(3), 0.1, 0, 0), 0, 0.2, 0), 0, 0, 0.3)
    np.testing.assert_allclose(turn(np.eye(3), 0.1, 0.2, 0.3), in_turn)
    np.testing.assert_allclose(turn([[1, 0, 0]], 0, 0, np.pi / 2), [[0, 1, 0]], atol=1e-15)


def test_convention_sign_of_angles():
    assert turn(OUT_OF_THE_FACE, 0.1, 0, 0)[0, 1] < 0  # Pitch: the nose goes down.
    assert turn(OUT_OF_THE_FACE, 0, 0.1, 0)[0, 0] > 0  # Yaw: the nose goes right.
    assert turn([[1, 0, 0]], 0, 0, 0.1)[0, 1] > 0  # Roll: what is right goes up.


def test_convention_pose():
    rotation = rotations.rotation_matrix_from_euler(np.array([0.1, 0.2, 0.3])).numpy()
    point, translation = np.array([0.5, -0.3, 0.4]), np.array([0.05, -0.1, 0.2])
    posed = rigid_transforms.rigid_transform(point[None], rotation, translation)
    np.testing.assert_allclose(posed[0], rotation @ point + translation)


# Pixels


def test_convention_images():
    assert draw_small_triangle_at(column=200.5, row=3.5) == [(3, 200)]
    image = np.zeros([2, 2, 3])
    image[0] = 1  # A white row on top.
    assert image_files.to_uint8(image)[:, :, 0].tolist() == [[255, 255], [0, 0]]


def test_convention_image_coordinates():
    # A point on the optical axis is at the centre of pixels 0 to 223.
    assert project(0, 0, 0).tolist() == [111.5, 111.5]
    column, row = project(0.5, 0.8, 0)
    assert column > 112 and row < 111


def test_convention_landmark_pixels():
    u, v = 1015 * 0.5 / 9.6 + 112, 1015 * -0.3 / 9.6 + 112
    np.testing.assert_allclose(project(0.5, -0.3, 0.4), [u - 0.5, 223.5 - v])
    np.testing.assert_allclose(project(0, 0, 3), [111.5, 111.5])


def test_convention_pixel_centres():
    # A point that is drawn in the middle of pixel (row 60, column 150).
    x, y = (150.5 - 112) / 101.5, (112 - 60.5) / 101.5
    clip = cameras.to_clip_space(np.array([[x, y, 0.0]]), CAMERA).numpy()[0]
    drawn_column, drawn_row = (clip[0] / clip[3] + 1) * 112, (1 - clip[1] / clip[3]) * 112
    assert draw_small_triangle_at(drawn_column, drawn_row) == [(60, 150)]
    np.testing.assert_allclose(project(x, y, 0), [150, 60])


def test_convention_half_pixel_offset():
    camera = cameras.PerspectiveCamera(half_pixel_offset=True)
    u, v = 1015 * 0.5 / 9.6 + 112, 1015 * -0.3 / 9.6 + 112
    point = np.array([[0.5, -0.3, 0.4]])
    np.testing.assert_allclose(cameras.project(point, camera), [[u, 223 - v]])
    # Both are rendered at the same place.
    clip = cameras.to_clip_space(point, camera)
    np.testing.assert_array_equal(clip, cameras.to_clip_space(point, CAMERA))


def test_convention_crops():
    # A photograph with 204 px per decimetre (a hair less: sizes are truncated), whose centre is the
    # origin of the template.
    template = face_alignment.FIVE_POINT_TEMPLATE[:, :2] * 203.9999999
    points = template * [1, -1] + [500, 399]
    transform = face_alignment.fit_crop_transform(points, 1000, 800)
    assert transform.scale == pytest.approx(102 / 204)
    in_crop = points * 0.5 + transform.matrix[:2, 2]
    np.testing.assert_allclose(transform.to_crop(points), in_crop, rtol=1e-6)
    assert face_alignment.CROP_SIZE == 224
    # A bright block is found where the matrix says.
    photo = np.zeros([800, 1000, 3], np.uint8)
    photo[380:420, 460:520] = 255
    rows, columns = np.nonzero(face_alignment.crop_image(photo, transform)[..., 0] > 127)
    found = [columns.mean(), rows.mean()]
    np.testing.assert_allclose(found, transform.to_crop([489.5, 399.5]), atol=1e-6)


def test_convention_rounded_crops():
    template = face_alignment.FIVE_POINT_TEMPLATE[:, :2]
    points = template * [204, -204] + [500, 399]
    transform = face_alignment.fit_crop_transform(points, 1000, 800)
    in_crop = transform.to_reference_crop(points)
    np.testing.assert_allclose(in_crop, template * [102, -102] + [112, 111], atol=1.01)
    assert np.abs(in_crop - transform.to_crop(points)).max() < 2


# Colours and masks


def test_convention_colours(tmp_path):
    image_files.write_image(tmp_path / "red.png", np.full([40, 40, 3], [1.0, 0.0, 0.0]))
    image = image_files.read_image(tmp_path / "red.png")
    assert (image.dtype, image[0, 0].tolist()) == (np.uint8, [255, 0, 0])


def test_convention_no_clamping():
    light = np.zeros([1, 9])
    light[0, 2] = 1
    normals = np.array([[[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])
    colours = lambertian_shading.shade(np.ones([1, 2, 3]), normals, light).numpy()
    assert colours[0, 0].min() > 1 and colours[0, 1].max() < 0
    assert image_files.to_uint8(colours)[0, :, 0].tolist() == [255, 0]


def test_convention_masks():
    mask = np.array([1.0, 1.0, 0.0]).reshape(1, 1, 3, 1)
    probability = np.array([0.4, 0.6, 0.9]).reshape(1, 1, 3, 1)
    attention = photometric.skin_attention(mask, probability)
    assert np.ravel(attention).tolist() == [0.4, 1.0, 0.0]
    clip = tf.constant([[[-1, -1, 0, 1], [1, -1, 0, 1], [0, 1, 0, 1]]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(clip)
        drawn = rasterizer.rasterize(clip, np.array([[0, 1, 2]]), clip[..., :1], (8, 8)).mask
    assert set(np.ravel(drawn)) == {0.0, 1.0}
    assert tape.gradient(drawn, clip) is None


# Coefficients


def test_convention_order_of_groups():
    layout = CoefficientLayout()
    sizes = [*zip(layout.sizes, layout.sizes.values(), strict=True)]
    assert sizes == [
        ("identity", 80),
        ("expression", 64),
        ("texture", 80),
        ("rotation", 3),
        ("lighting", 27),
        ("translation", 3),
    ]
    assert [where.start for where in layout.slices.values()] == [0, 80, 144, 224, 227, 254]
    assert layout.total == 257


def test_convention_white_light():
    assert CoefficientLayout(lighting=9).total == 239
    surface = (np.ones([1, 1, 3]), OUT_OF_THE_FACE[None])
    red, green, blue = lambertian_shading.shade(*surface, np.ones([1, 9])).numpy()[0, 0]
    assert red == green == blue


def test_convention_standard_deviations():
    model = made_up_model()
    decode = MorphableFace(model)
    one = np.eye(1, 80, dtype=np.float32)
    none, no_expression = np.zeros([1, 80], np.float32), np.zeros([1, 64], np.float32)
    mean_shape, mean_albedo = decode(none, no_expression, none)
    np.testing.assert_allclose(mean_shape[0], model.mean_shape, atol=1e-6)
    np.testing.assert_allclose(mean_albedo[0], model.mean_albedo, atol=1e-6)
    shape, _ = decode(one, no_expression, none)
    np.testing.assert_allclose(shape - mean_shape, model.identity_basis[None, ..., 0], atol=1e-6)


def test_convention_order_of_lighting():
    surface = (np.ones([1, 1, 3]), OUT_OF_THE_FACE[None])
    dark = lambertian_shading.shade(*surface, np.zeros([1, 27])).numpy()[0, 0]
    lit = lambertian_shading.shade(*surface, np.eye(27)[None, 9 * 1 + 2]).numpy()[0, 0]
    bands = spherical_harmonics.basis(OUT_OF_THE_FACE[0]).numpy()
    np.testing.assert_allclose(lit - dark, [0, bands[2], 0], atol=1e-15)  # Band 2 of green.


# Light


def test_convention_bands():
    x, y, z = normal = np.array([0.36, 0.48, 0.8])
    signed = [1, -y, z, -x, x * y, -y * z, 3 * z * z - 1, -x * z, x * x - y * y]
    constants = [0.88622693, *[1.77245385] * 3, 2.42703239, 2.42703239]
    constants += [0.70062390, 2.42703239, 1.21351620]
    bands = spherical_harmonics.basis(normal)
    np.testing.assert_allclose(bands, np.multiply(signed, constants), atol=1e-8)


def test_convention_ambient_light():
    surface = (np.ones([1, 1, 3]), OUT_OF_THE_FACE[None])
    unlit = lambertian_shading.shade(*surface, np.zeros([1, 27]))
    np.testing.assert_allclose(unlit[0, 0], [0.8 * 0.88622693] * 3, rtol=1e-8)


def test_convention_world_normals():
    # Light from the right of the image: band 3 is -x.
    light = -np.eye(9)[None, 3]

    def brightness(yaw):
        normals = turn(OUT_OF_THE_FACE, 0, yaw, 0)
        return lambertian_shading.shade(np.ones([1, 1, 3]), normals[None], light).numpy().max()

    assert brightness(yaw=0.5) > brightness(yaw=0) > brightness(yaw=-0.5)


# Meshes


def test_convention_indices(tmp_path):
    mesh_files.write_obj(tmp_path / "one.obj", np.eye(3), np.array([[0, 1, 2]]))
    text = (tmp_path / "one.obj").read_text()
    assert re.search(r"^f 1\S* 2\S* 3\S*$", text, re.MULTILINE)
    np.testing.assert_array_equal(mesh_files.read_obj(tmp_path / "one.obj").triangles, [[0, 1, 2]])


def test_convention_winding(face):
    counter_clockwise = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    normal = mesh_normals.triangle_normals(counter_clockwise, np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(normal, OUT_OF_THE_FACE)
    incidence = mesh_normals.vertex_incidence(face.triangles, face.num_vertices)
    normals = mesh_normals.vertex_normals(face.mean_shape, face.triangles, incidence).numpy()
    nose_tip, left_jaw, right_jaw = normals[face.landmarks[[30, 0, 16]]]
    assert nose_tip[2] > 0.5 and left_jaw[0] < -0.5 and right_jaw[0] > 0.5


def test_convention_texture_coordinates(face):
    left_eye, right_eye, _, left_mouth, _ = face.five_points(face.uv)
    assert left_eye[0] < right_eye[0]
    assert left_eye[1] > left_mouth[1]
    assert 0 <= face.uv.min() and face.uv.max() <= 1


# Landmarks


def test_convention_68_points(face):
    x, y, z = face.mean_shape[face.landmarks].T
    jaw, brows, eyes = slice(0, 17), slice(17, 27), slice(36, 48)
    assert np.all(np.diff(x[jaw]) > 0) and np.argmin(y) == 8  # The chin is the lowest.
    assert np.all(np.diff(x[brows]) > 0) and y[brows].min() > y[eyes].max()
    assert np.all(np.diff(y[27:31]) < 0) and np.argmax(z) == 30  # The tip of the nose.
    assert np.all(np.diff(x[31:36]) > 0)
    assert np.argmin(x[36:42]) == 0 and np.argmax(x[36:42]) == 3 and x[36:42].max() < 0
    assert np.argmin(x[42:48]) == 0 and np.argmax(x[42:48]) == 3 and x[42:48].min() > 0
    assert np.argmin(x[48:60]) == 0 and np.argmax(x[48:60]) == 6 and y[51] > y[57]
    assert np.argmin(x[60:68]) == 0 and np.argmax(x[60:68]) == 4 and y[62] > y[66]


def test_convention_five_points(face):
    landmarks = face.mean_shape[face.landmarks]
    five = face.five_points(face.mean_shape)
    eyes = [landmarks[[36, 39]].mean(axis=0), landmarks[[42, 45]].mean(axis=0)]
    np.testing.assert_allclose(five, [*eyes, *landmarks[[30, 48, 54]]], atol=1e-6)
    np.testing.assert_allclose(five, face_alignment.FIVE_POINT_TEMPLATE, atol=0.1)


def test_convention_jaw(face):
    turned = np.zeros((1, 257), np.float32)
    turned[0, 225] = 0.7  # The right side of the face is the far one.
    fixed, contour = (
        FaceDecoder(face, jaw=jaw)(turned, render=False) for jaw in ("fixed", "contour")
    )
    vertices = contour["vertices"].numpy()[0, face.landmarks]
    np.testing.assert_allclose(fixed["landmarks"][0], cameras.project(vertices, CAMERA), atol=1e-3)
    moved = (contour["landmarks"] - fixed["landmarks"]).numpy()[0, :, 0]
    assert moved[12:17].min() > 5 and np.abs(moved[:8]).max() < 1 and not moved[17:].any()


def test_convention_landmark_weights():
    moved = np.zeros([68, 68, 2])  # Sample i moves landmark i by one pixel.
    moved[range(68), range(68), 0] = 1
    losses = landmark.landmark_loss(moved, np.zeros([68, 68, 2])).numpy() * 68
    heavy = [28, 29, 30, *range(60, 68)]
    np.testing.assert_allclose(losses, [20 if i in heavy else 1 for i in range(68)])


# The page itself


def test_every_line_has_its_test_and_every_test_its_line():
    lines = [line for line in CONVENTIONS.read_text("utf-8").splitlines() if line.startswith("- ")]
    named = [re.search(r"`(test_convention_\w+)`$", line) for line in lines]
    assert all(named), [line for line, name in zip(lines, named, strict=True) if not name]
    tests = [name for name in globals() if name.startswith("test_convention_")]
    assert [name.group(1) for name in named] == tests


def test_every_function_of_the_table_exists():
    rows = re.findall(r"^\|.*\| `([\w.]+)` \|$", CONVENTIONS.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 15
    for row in rows:
        module, name = row.rsplit(".", 1)
        assert hasattr(importlib.import_module(f"tf_facerecon.{module}"), name), row
