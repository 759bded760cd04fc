"""NoW and MICC procedures: crops and distances by hand, what they forgive and what not."""

import numpy as np
import pytest
from scipy.spatial import transform

from tf_facerecon.geometry import similarity_alignment
from tf_facerecon.metrics import scan_to_mesh

SEVEN = list(scan_to_mesh.SEVEN_LANDMARKS)
ROTATION = transform.Rotation.from_euler("xyz", [20, -150, 70], degrees=True).as_matrix()


@pytest.fixture(scope="module")
def head():
    """A face of hills, about 16 by 20 cm, in mm: vertices, triangles, 68 landmarks on it."""
    size = 41
    y, x = np.meshgrid(np.linspace(100, -100, size), np.linspace(-80, 80, size), indexing="ij")

    def height(x, y):
        nose = 30 * np.exp(-((x / 12) ** 2) - ((y + 5) / 22) ** 2)
        return 60 - (x**2 + 0.7 * y**2) / 120 + nose + 3 * np.sin(x / 17 + 1) * np.cos(y / 13)

    vertices = np.stack([x, y, height(x, y)], axis=-1).reshape(-1, 3)
    index = np.arange(size * size).reshape(size, size)
    a, b, c, d = (
        part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    triangles = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])
    places = np.zeros((68, 2))
    places[[36, 39, 42, 45]] = [[-45, 35], [-16, 33], [16, 33], [45, 35]]
    places[[27, 30, 33, 48, 54]] = [[0, 35], [0, -5], [0, -15], [-25, -45], [25, -45]]
    landmarks = np.concatenate([places, height(*places.T)[:, None]], axis=-1)
    return vertices, triangles, landmarks


def elsewhere(points, scale=0.01):
    """The reconstruction's own frame: decimetres, turned and moved."""
    return similarity_alignment.apply_similarity(points, scale, ROTATION, [3.0, -1.0, 2.0])


def test_now_crop_preset():
    landmarks = np.zeros((7, 3))
    landmarks[:5] = [[-50, 40, 0], [-20, 40, 0], [20, 40, 0], [50, 40, 0], [0, 0, 0]]
    # Eyes 100 mm, nose 40 mm: radius 1.4 * 70 = 98 about (0, 12, 0).
    points = np.array([[0, 12 + 97.9, 0], [0, 12 + 98.1, 0], [97.9, 12, 0], [0, 12, -98.1]])
    np.testing.assert_array_equal(
        scan_to_mesh.now_crop(points, landmarks), [True, False, True, False]
    )


def test_micc_crop_preset():
    landmarks = np.zeros((68, 3))
    landmarks[27], landmarks[30], landmarks[33] = [0, 40, 0], [0, 10, 20], [0, 0, 0]
    points = np.array([[0, 59.9, 0], [0, 60.1, 0], [94.9, 10, 20], [95.1, 10, 20], [0, -60, 0]])
    expected = [True, False, True, False, True]
    np.testing.assert_array_equal(scan_to_mesh.micc_crop(points, landmarks), expected)
    whole = scan_to_mesh.micc_crop(points, landmarks, forehead=None)
    np.testing.assert_array_equal(whole, [True, True, True, False, True])
    small = scan_to_mesh.micc_crop(points, landmarks, 30.0, None)
    np.testing.assert_array_equal(small, False)


def test_now_distances_mm_of_the_same_surface(head):
    vertices, triangles, landmarks = head
    scan = vertices[triangles].mean(axis=1)
    noisy = elsewhere(landmarks[SEVEN] + np.linspace(-2, 2, 21).reshape(7, 3))
    distances = scan_to_mesh.now_distances_mm(
        elsewhere(vertices), triangles, noisy, scan, landmarks[SEVEN]
    )
    assert len(distances) == scan_to_mesh.now_crop(scan, landmarks[SEVEN]).sum() < len(scan)
    assert distances.max() < 1e-3  # However far off the landmarks were.


def test_now_distances_mm_metrical(head):
    """A face 5 per cent too large is perfect with a fitted scale, and not without."""
    vertices, triangles, landmarks = head
    scan = vertices[triangles].mean(axis=1)
    large = elsewhere(vertices, 0.0105), triangles, elsewhere(landmarks[SEVEN], 0.0105)
    fitted = scan_to_mesh.now_distances_mm(*large, scan, landmarks[SEVEN])
    metrical = scan_to_mesh.now_distances_mm(*large, scan, landmarks[SEVEN], unit_mm=100.0)
    right_unit = scan_to_mesh.now_distances_mm(*large, scan, landmarks[SEVEN], unit_mm=1 / 0.0105)
    assert fitted.max() < 1e-3 and right_unit.max() < 1e-3
    assert metrical.mean() > 0.3


def test_now_distances_mm_preset():
    """Points 2 mm before and 2 mm behind a plane: it stays between them."""
    size = 25
    y, x = np.meshgrid(np.linspace(90, -90, size), np.linspace(-90, 90, size), indexing="ij")
    flat = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    index = np.arange(size * size).reshape(size, size)
    corners = index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]
    a, c, b, d = (part.ravel() for part in corners)
    triangles = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])
    landmarks = np.array(
        [
            [-45, 35, 0],
            [-16, 35, 0],
            [16, 35, 0],
            [45, 35, 0],
            [0, 0, 0],
            [-25, -30, 0],
            [25, -30, 0.0],
        ]
    )
    generator = np.random.default_rng(3)
    inside = np.concatenate([generator.uniform(-50, 50, size=(500, 2)), np.zeros((500, 1))], axis=1)
    scan = np.concatenate([inside + [0, 0, 2.0], inside - [0, 0, 2.0]])
    distances = scan_to_mesh.now_distances_mm(
        flat, triangles, landmarks, scan, landmarks, unit_mm=1.0
    )
    np.testing.assert_allclose(distances, 2.0, atol=1e-4)


@pytest.mark.parametrize("choices", [{}, {"average": "mean"}, {"distance": "surface"}])
def test_micc_error_mm_preset(head, choices):
    """Half of the points 1 mm before a plane, half 3 mm behind it: it moves 1 mm, 2 mm remain."""
    vertices, triangles, landmarks = head
    flat = vertices * [1, 1, 0] + [0, 0, 50.0]
    flat_landmarks = landmarks * [1, 1, 0] + [0, 0, 50.0]
    generator = np.random.default_rng(5)
    inside = np.concatenate([generator.uniform(-60, 40, (400, 2)), np.full((400, 1), 50.0)], axis=1)
    scan = np.concatenate([inside + [0, 0, 1.0], inside - [0, 0, 3.0]])
    error = scan_to_mesh.micc_error_mm(
        flat, triangles, flat_landmarks, scan, flat_landmarks, unit_mm=1.0, **choices
    )
    np.testing.assert_allclose(error, 2.0, atol=1e-4)


def test_micc_error_mm_averages(head):
    """Points 0 and 4 mm from a plane that cannot turn or move: three layers hold it in place."""
    vertices, triangles, landmarks = head
    flat, flat_landmarks = vertices * [1, 1, 0], landmarks * [1, 1, 0]
    generator = np.random.default_rng(6)
    inside = np.concatenate([generator.uniform(-60, 40, (300, 2)), np.zeros((300, 1))], axis=1)
    scan = np.concatenate([inside, inside, inside + [0, 0, 4.0], inside - [0, 0, 4.0]])
    settings = (flat, triangles, flat_landmarks, scan, flat_landmarks)
    mean = scan_to_mesh.micc_error_mm(*settings, unit_mm=1.0, average="mean")
    rmse = scan_to_mesh.micc_error_mm(*settings, unit_mm=1.0)
    np.testing.assert_allclose([mean, rmse], [2.0, np.sqrt(8.0)], atol=1e-4)


def test_micc_error_mm_plane_forgives_the_rim(head):
    """Beyond the mesh's rim the plane goes on; the surface does not."""
    vertices, triangles, landmarks = head
    scan = vertices[triangles].mean(axis=1)
    narrow = triangles[np.abs(vertices[triangles].mean(axis=1)[:, 0]) < 40]
    errors = {
        distance: scan_to_mesh.micc_error_mm(
            vertices, narrow, landmarks, scan, landmarks, distance=distance
        )
        for distance in ("plane", "surface")
    }
    assert errors["plane"] < errors["surface"]


def test_distance_statistics_preset():
    found = scan_to_mesh.distance_statistics([np.array([1.0, 3.0]), np.array([8.0])])
    assert found == pytest.approx({"median": 3.0, "mean": 4.0, "std": np.sqrt(26 / 3)})
    for bad in ([], [np.zeros(0)], [np.array([1.0, np.nan])]):
        with pytest.raises(ValueError, match="`distances` must hold"):
            scan_to_mesh.distance_statistics(bad)


def test_exception_raised(head):
    vertices, triangles, landmarks = head
    mesh = vertices, triangles
    with pytest.raises(ValueError, match="`landmarks` must have shape"):
        scan_to_mesh.now_distances_mm(*mesh, landmarks, vertices, landmarks[SEVEN])
    with pytest.raises(ValueError, match="`scan_points` must be at least 7"):
        scan_to_mesh.now_distances_mm(*mesh, landmarks[SEVEN], vertices[:3], landmarks[SEVEN])
    with pytest.raises(ValueError, match="`unit_mm` must be positive"):
        scan_to_mesh.now_distances_mm(
            *mesh, landmarks[SEVEN], vertices, landmarks[SEVEN], unit_mm=0.0
        )
    with pytest.raises(ValueError, match="`distance` must be"):
        scan_to_mesh.micc_error_mm(*mesh, landmarks, vertices, landmarks, distance="normal")
    with pytest.raises(ValueError, match="`average` must be"):
        scan_to_mesh.micc_error_mm(*mesh, landmarks, vertices, landmarks, average="median")


@pytest.mark.parametrize("name", ["scan_vertices", "scan_landmarks"])
@pytest.mark.parametrize(
    ("crop", "count"), [(scan_to_mesh.now_crop, 7), (scan_to_mesh.micc_crop, 68)]
)
def test_crops_refuse_holes(rng, crop, count, name):
    """Not a number is near nothing: what is hard to fit would silently not count."""
    scan = {
        "scan_vertices": rng.normal(size=(50, 3)),
        "scan_landmarks": rng.normal(size=(count, 3)),
    }
    scan[name][[3, 5], 1] = np.nan
    with pytest.raises(ValueError, match=f"`{name}` must be finite. Received: 2 of"):
        crop(**scan)
