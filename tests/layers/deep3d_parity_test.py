"""`face_decoder` against the formulas of the two Deep3D repositories in float64.

Files of made-up numbers in their layouts go in: the face model as `BFM_model_front.mat`, the
coefficients as the PyTorch code's `.mat`. What comes out is compared with NumPy on the arrays of
these files, by the formulas of `Face3D` (TensorFlow) and `ParametricFaceModel` (PyTorch).
"""

import numpy as np
import pytest
from scipy import io as scipy_io

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.export.deep3d_files import read_deep3d_coefficients
from tf_facerecon.geometry.camera import PerspectiveCamera
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models.importers.basel import bfm09
from tf_facerecon.morphable_models.morphable_model import MorphableModel

POSES = np.array([[0.1, 0.2, 0.3, 0.05, -0.1, 0.2], [-0.3, 0.7, -0.2, -0.3, 0.2, -0.9]])


@pytest.fixture(scope="module")
def model_arrays():
    """`BFM_model_front.mat`, with bases of the size of the real ones."""
    rng = np.random.default_rng(3)
    truth = made_up_basel.bfm09_truth()
    mean = made_up_basel.made_up_mesh().vertices[truth.in_basel[truth.front]]
    size = mean.size

    def basis(scale, count):
        return scale * rng.standard_normal((size, count)) * np.linspace(2, 0.2, count)

    return {
        "meanshape": (mean + [0.001, -0.4, 0.6]).astype(np.float32).reshape(1, size),
        "meantex": rng.uniform(40, 220, (1, size)).astype(np.float32),
        "idBase": basis(2e-3, 80).astype(np.float32),
        "exBase": basis(1e-3, 64),
        "texBase": basis(2.0, 80).astype(np.float32),
        **{name: array for name, array in truth.info.items() if name != "frontmask2"},
    }


@pytest.fixture(scope="module")
def groups():
    """Coefficients of two faces, under the names of the PyTorch code."""
    rng = np.random.default_rng(4)
    sizes = {"id": 80, "exp": 64, "tex": 80, "angle": 3, "gamma": 27, "trans": 3}
    drawn = {name: rng.standard_normal((2, size)) for name, size in sizes.items()}
    drawn |= {"angle": POSES[:, :3], "trans": POSES[:, 3:], "gamma": 0.2 * drawn["gamma"]}
    return {name: np.float32(values) for name, values in drawn.items()}


def reference(arrays, groups):
    """Vertices (dm), landmarks (x, y up; pixels) and colours (0 to 1), as their code has them."""
    arrays = {name: np.float64(array) for name, array in arrays.items()}
    groups = {name: np.float64(values) for name, values in groups.items()}
    mean = arrays["meanshape"].reshape(-1, 3)
    offset = groups["id"] @ arrays["idBase"].T + groups["exp"] @ arrays["exBase"].T
    shape = offset.reshape(2, -1, 3) + mean - mean.mean(axis=0)
    albedo = (groups["tex"] @ arrays["texBase"].T + arrays["meantex"]).reshape(2, -1, 3) / 255

    triangles = arrays["tri"].astype(int) - 1
    first, second, third = (shape[:, triangles[:, i]] for i in range(3))
    face_normals = unit(np.cross(first - second, second - third))
    # One row of zeros for the unused slots of `point_buf`.
    face_normals = np.concatenate([face_normals, np.zeros((2, 1, 3))], axis=1)
    normals = unit(face_normals[:, arrays["point_buf"].astype(int) - 1].sum(axis=2))

    rotation = np.stack([rotation_matrix(*angles) for angles in groups["angle"]])
    vertices = shape @ rotation.transpose(0, 2, 1) + groups["trans"][:, None]
    normals = normals @ rotation.transpose(0, 2, 1)
    colours = albedo * lighting(normals, groups["gamma"].reshape(2, 3, 9))

    points = vertices[:, arrays["keypoints"].astype(int)[0] - 1]
    landmarks = 1015 * points[..., :2] / (10 - points[..., 2:]) + 112
    return vertices, landmarks, colours


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def rotation_matrix(x, y, z):
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def lighting(normals, gamma):
    x, y, z = np.moveaxis(normals, -1, 0)
    a = np.pi, 2 * np.pi / np.sqrt(3), 2 * np.pi / np.sqrt(8)
    c = 1 / np.sqrt(4 * np.pi), np.sqrt(3 / (4 * np.pi)), 3 * np.sqrt(5 / (12 * np.pi))
    zero, one, two = (i * k for i, k in zip(a, c, strict=True))
    bands = [zero + 0 * x, -one * y, one * z, -one * x, two * x * y, -two * y * z]
    bands += [two / (2 * np.sqrt(3)) * (3 * z**2 - 1), -two * x * z, two / 2 * (x**2 - y**2)]
    return np.einsum("bvk,bck->bvc", np.stack(bands, -1), gamma + 0.8 * (np.arange(9) == 0))


def test_reference_gives_the_recorded_check_values():
    rotation = rotation_matrix(0.1, 0.2, 0.3)
    np.testing.assert_allclose(rotation[0], [0.93629336, -0.27509585, 0.21835066], atol=5e-9)
    gamma = np.arange(27).reshape(1, 3, 9) / 100
    light = lighting(np.array([[[0.36, 0.48, 0.8]]]), gamma)
    np.testing.assert_allclose(light, [[[0.65982682, 0.67116734, 0.68250786]]], atol=5e-9)


def test_faces_equal_the_formulas_in_float64(model_arrays, groups, tmp_path, monkeypatch):
    monkeypatch.setattr(FaceDecoder, "render_vertices", lambda *_: {})  # Colours, no pixels.
    scipy_io.savemat(tmp_path / "BFM_model_front.mat", model_arrays)
    scipy_io.savemat(tmp_path / "face.mat", groups)
    decoder = FaceDecoder(
        MorphableModel(**bfm09.bfm09_fields(tmp_path / "BFM_model_front.mat")),
        camera=PerspectiveCamera(half_pixel_offset=True),
    )
    coefficients = read_deep3d_coefficients(tmp_path / "face.mat")
    assert coefficients.shape == (2, 257)
    face = {name: array.numpy() for name, array in decoder(coefficients).items()}
    vertices, landmarks, colours = reference(model_arrays, groups)
    np.testing.assert_allclose(face["vertices"], vertices, rtol=0, atol=1e-5)
    in_rows = landmarks * [1, -1] + [0, 223]
    np.testing.assert_allclose(face["landmarks"], in_rows, rtol=0, atol=1e-3)
    np.testing.assert_allclose(face["colours"], colours, rtol=0, atol=1e-5)
    assert np.abs(landmarks - 112).max() > 40 and np.ptp(colours) > 0.3  # No trivial faces.
    # Without the option, landmarks lie where the image shows the points.
    shown = FaceDecoder(decoder.face_model)(coefficients, render=False)["landmarks"]
    np.testing.assert_allclose(shown, in_rows + [-0.5, 0.5], rtol=0, atol=1e-3)
