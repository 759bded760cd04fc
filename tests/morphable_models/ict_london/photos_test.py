"""Points, fits, visibility, light and albedo of photographs."""

import io
import tarfile

import numpy as np
import PIL.Image
import pytest

from tf_facerecon.lighting import spherical_harmonics
from tf_facerecon.morphable_models.ict_london import (
    albedo_completion,
    albedo_modes,
    london_points,
    photo_colours,
    photo_set,
    point_fit,
    point_registration,
    studio_lighting,
    visibility,
)

SIZE = (60, 50)


def photo_bytes(colour=(120, 90, 80), size=SIZE):
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def write_points(path, names, points):
    np.savez(path, names=np.array(names), points=points.astype(np.float32))
    return path


@pytest.fixture
def sources(tmp_path):
    """A folder of three photographs, the last one without points, and their points."""
    folder = tmp_path / "photos" / "london"
    folder.mkdir(parents=True)
    names = ["london/1.png", "london/2.png", "london/3.png"]
    for name in names:
        (tmp_path / "photos" / name).write_bytes(photo_bytes())
    points = np.tile([[20.0, 30.0]], (3, london_points.NUM_POINTS, 1))
    points[2] = np.nan
    return tmp_path / "photos", names, points, tmp_path / "points.npz"


def test_read_photo_set_from_folder_and_archive(sources, tmp_path):
    folder, names, points, path = sources
    write_points(path, names, points)
    archive = tmp_path / "photos.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, arcname="set")
    for source in (folder, archive):
        photos = photo_set.read_photo_set(source, path)
        assert photos.names == ("1.png", "2.png")
        assert photos.images[0].shape == (50, 60, 3) and photos.images[0].dtype == np.uint8
        np.testing.assert_array_equal(photos.points, points[:2])


def test_read_photo_set_exception_raised(sources, tmp_path):
    folder, names, points, path = sources
    with pytest.raises(FileNotFoundError, match=r"points\.npz"):
        photo_set.read_photo_set(folder, path)
    write_points(path, names, points)
    with pytest.raises(FileNotFoundError, match="figshare"):
        photo_set.read_photo_set(tmp_path / "nowhere", path)
    write_points(path, names[:2], points[:2])
    with pytest.raises(ValueError, match=r"have no points.*3\.png"):
        photo_set.read_photo_set(folder, path)
    write_points(path, [*names, "4.png"], points[[0, 1, 2, 0]])
    with pytest.raises(FileNotFoundError, match=r"lacks 1 photographs.*4\.png"):
        photo_set.read_photo_set(folder, path)
    outside = np.array(points)
    outside[1, 7] = 59.5, 3.0
    write_points(path, names, outside)
    with pytest.raises(ValueError, match=r"2\.png: point 7 lies at \[59\.5, 3\.0\].*60 x 50"):
        photo_set.read_photo_set(folder, path)
    some = np.array(points)
    some[0, 5] = np.nan
    write_points(path, names, some)
    with pytest.raises(ValueError, match=r"1\.png has 1 points that are not numbers, point 5"):
        photo_set.read_photo_set(folder, path)
    write_points(path, names, np.full_like(points, np.nan))
    with pytest.raises(ValueError, match="no points of any photograph"):
        photo_set.read_photo_set(folder, path)
    write_points(path, names, points[:, :68])
    with pytest.raises(ValueError, match=r"shape \(3, 189, 2\).*68"):
        photo_set.read_photo_set(folder, path)
    write_points(path, ["a/1.png", "b/1.png", "3.png"], points)
    with pytest.raises(ValueError, match=r"two rows of points for 1\.png"):
        photo_set.read_photo_set(folder, path)
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="not a readable file of points"):
        photo_set.read_photo_set(folder, path)


def test_read_photo_set_damaged_exception_raised(sources, tmp_path):
    folder, names, points, path = sources
    write_points(path, names, points)
    archive = tmp_path / "photos.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname="set")
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged or truncated"):
        photo_set.read_photo_set(archive, path)
    whole = photo_bytes()
    (folder / names[0]).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"1\.png is not a readable photograph"):
        photo_set.read_photo_set(folder, path)


def toy_points(rng, count=60, modes=4):
    mean = rng.uniform(-0.7, 0.7, (count, 3)) * [1.0, 1.2, 0.4]
    return point_fit.PointModel(mean, 0.05 * rng.normal(size=(count, 3, modes)), np.ones(count))


def test_fit_points_recovers_pose_and_shape_random(rng):
    model = toy_points(rng)
    true = point_fit.PhotoFit(
        np.array([1.0, -1.5, 0.5, 0.2]),
        np.array([0.10, -0.15, 0.05]),
        np.array([0.1, -0.2]),
        2_300.0,
        np.array([337.0, 337.0]),
        0.0,
    )
    points = true.project(model.mean + model.basis @ true.coefficients)
    fit = point_fit.fit_points(model, points, (675, 675))
    # The prior pulls coefficients towards 0 by a little.
    np.testing.assert_allclose(fit.coefficients, true.coefficients, atol=0.12)
    np.testing.assert_allclose(fit.rotation, true.rotation, atol=0.02)
    assert fit.focal == pytest.approx(true.focal, rel=0.02) and fit.residual < 1.0


def test_point_jacobian_is_the_derivative_random(rng):
    problem = point_fit._PointProblem(toy_points(rng), rng.uniform(100, 500, (60, 2)), (675, 675))
    values = np.concatenate([problem.start + 0.05, rng.normal(size=4)])
    steps = 1e-6 * np.eye(len(values))
    numeric = [
        (problem.residuals(values + step) - problem.residuals(values - step)) / 2e-6
        for step in steps
    ]
    np.testing.assert_allclose(problem.jacobian(values), np.transpose(numeric), atol=2e-3)


def test_project_preset():
    fit = point_fit.PhotoFit(
        np.zeros(1), np.zeros(3), np.zeros(2), 1_500.0, np.array([50.0, 40.0]), 0.0
    )
    # 1500 pixels of focal length at 15 dm: a decimetre is 100 pixels; up is a smaller row.
    np.testing.assert_allclose(fit.project(np.array([0.1, 0.2, 0.0])), [60.0, 20.0])
    quarter = np.array([0.0, np.pi / 2, 0.0])
    turned = point_fit.PhotoFit(np.zeros(1), quarter, np.zeros(2), 1_500.0, np.zeros(2), 0.0)
    np.testing.assert_allclose(turned.place(np.array([0.0, 0.0, 1.0])), [1.0, 0.0, 0.0], atol=1e-12)


def test_seen_at_meets_the_points(rng):
    model = toy_points(rng)
    fit = point_fit.PhotoFit(
        np.zeros(4), np.zeros(3), np.zeros(2), 2_300.0, np.array([337.0, 337.0]), 0.0
    )
    image = fit.project(model.mean) + rng.normal(size=(60, 2))
    far = np.array([[2.0, 2.0, 0.0], [-2.0, 2.0, 0.0], [2.0, -2.0, 0.0], [-2.0, -2.0, 0.0]])
    places = point_fit.seen_at(fit, np.concatenate([model.mean, far]), model.mean, image, far)
    np.testing.assert_allclose(places[:60], image, atol=0.5)
    np.testing.assert_allclose(places[60:], fit.project(far), atol=0.1)


def test_visible_vertices_preset():
    # A large square in front hides the small one behind it, but not the one beside it.
    square = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    points = np.concatenate(
        [0.5 * square, 0.1 * square + [0, 0, -0.5], 0.1 * square + [2, 0, -0.5]]
    )
    triangles = np.concatenate([[[k, k + 1, k + 2], [k, k + 2, k + 3]] for k in (0, 4, 8)])
    fit = point_fit.PhotoFit(np.zeros(1), np.zeros(3), np.zeros(2), 1_500.0, np.zeros(2), 0.0)
    visible = visibility.visible_vertices(fit, points, triangles)
    np.testing.assert_array_equal(visible, [True] * 4 + [False] * 4 + [True] * 4)
    normals, cosine = visibility.facing(fit, points, triangles)
    np.testing.assert_allclose(normals, np.tile([0, 0, 1.0], (12, 1)), atol=1e-12)
    assert (cosine > 0.9).all()


def test_edge_middle_preset():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [1.5, 5, 0]])
    triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4]])
    assert point_registration.edge_middle(points, triangles, 0, 2) == 1
    assert point_registration.edge_middle(points, triangles, 3, 1) == 2


def test_point_scheme_is_consistent():
    anchored = [row[0] for row in london_points.ANCHORS + london_points.LID_MIDDLES]
    assert len(set(anchored)) == len(anchored)
    assert set(anchored) <= set(london_points.FACE_POINTS)
    assert len(set(london_points.FACE_POINTS)) == len(london_points.FACE_POINTS)
    assert set(london_points.SLIDING_POINTS) < set(london_points.FACE_POINTS)
    assert max(london_points.FACE_OUTLINE) < london_points.NUM_POINTS


def test_circle_preset():
    angles = np.linspace(0, 4, 7)
    points = np.stack([3 + 2 * np.cos(angles), 5 + 2 * np.sin(angles)], axis=-1)
    centre, radius = photo_colours._circle(points)
    np.testing.assert_allclose(centre, [3, 5])
    assert radius == pytest.approx(2.0)


def test_light_is_found_and_removed_random(rng):
    normals = rng.normal(size=(6, 400, 3)) * [0.4, 0.4, 0.2] + [0, 0, 1.0]
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    light = np.zeros((9, 3))
    light[:4] = [[0.9, 0.8, 1.0], [0.2, 0.1, 0.1], [0.3, 0.3, 0.2], [-0.1, 0.1, 0.0]]
    front = spherical_harmonics.basis(np.array([[0.0, 0.0, 1.0]])).numpy()[0]
    light /= front @ light
    albedo = rng.uniform(0.2, 0.8, (6, 1, 3)) * np.ones((1, 400, 1))
    colours = albedo * (spherical_harmonics.basis(normals).numpy() @ light)
    found = studio_lighting.estimate_light(colours, normals, np.ones((6, 400)))
    for own, directions, true in zip(colours, normals, albedo, strict=True):
        unlit = studio_lighting.unlit(own, directions, found)
        # Second-order bands are held back a little; where the light is weakest it shows.
        np.testing.assert_allclose(unlit, np.broadcast_to(true, unlit.shape), rtol=0.1)
        assert np.std(unlit, axis=0).max() < 0.2 * np.std(own, axis=0).max()


def strip(count=20):
    """A strip of triangles whose vertices come in pairs along x."""
    index = np.arange(2 * count).reshape(count, 2)
    a, b, c, d = index[:-1, 0], index[1:, 0], index[1:, 1], index[:-1, 1]
    return np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)])


def test_complete_albedos_carries_skin_colour_on():
    triangles, skin = strip(), np.ones(40, bool)
    tones = np.array([[0.2, 0.15, 0.1], [0.6, 0.5, 0.4], [0.8, 0.7, 0.6]])
    albedos = np.tile(tones[:, None], (1, 40, 1))
    albedos[:, 10:12] *= 0.5  # A brow.
    seen = np.ones((3, 40), bool)
    seen[0, 8:14] = False
    seen[:, 30:] = False
    plain = np.zeros(40, bool)
    plain[14:30] = True
    light = np.ones(40)
    light[36:] = 0.8
    given = np.where(seen[..., None], albedos, 9.0)
    full = albedo_completion.complete_albedos(given, seen, triangles, skin, plain, light)
    # What one person hides has everybody's pattern in this person's colour.
    np.testing.assert_allclose(full[:, :30], albedos[:, :30], rtol=1e-3)
    np.testing.assert_allclose(full[:, 30:36], albedos[:, 30:36], rtol=1e-3)
    np.testing.assert_allclose(full[:, 36:], 0.8 * albedos[:, 36:], rtol=1e-3)


def test_highlights_are_toned_down():
    triangles, ones = strip(), np.ones(40, bool)
    albedos = np.full((5, 40, 3), 0.4)
    albedos[0, 20] = 0.9
    full = albedo_completion.complete_albedos(
        albedos, np.ones((5, 40), bool), triangles, ones, ones, np.ones(40)
    )
    assert 0.5 < full[0, 20, 0] < 0.75
    np.testing.assert_allclose(full[1:, 19], 0.4, rtol=1e-6)


def test_without_hair_preset():
    triangles = strip()
    albedos = np.full((1, 40, 3), 0.5)
    albedos[0, 30:34] = 0.1
    zone = np.arange(40) >= 20
    kept = albedo_completion.without_hair(
        albedos, np.ones((1, 40), bool), triangles, np.arange(40) < 20, zone
    )
    # The strand itself and two rings of neighbours on both sides.
    assert not kept[0, 26:38].any() and kept[0, :25].all() and kept[0, 38:].all()


def test_learn_modes_mirrors_and_spans_people(rng):
    mirror = np.array([1, 0, 2])
    tones = np.linspace(0.1, 0.9, 9) ** 2
    albedos = tones[:, None, None] * np.ones((9, 3, 3))
    albedos += 0.01 * rng.normal(size=albedos.shape)
    mean, modes = albedo_modes.learn_modes(albedos, mirror, 5)
    assert modes.shape == (3, 3, 5)
    # The first mode is darkness; its extremes at 2.4 standard deviations.
    assert (modes[..., 0] < 0).all()
    darkest, lightest = mean + 2.4 * modes[..., 0], mean - 2.4 * modes[..., 0]
    np.testing.assert_allclose(darkest, tones[0], atol=0.04)
    np.testing.assert_allclose(lightest, tones[-1], atol=0.04)
    np.testing.assert_allclose(mean[mirror], mean, atol=1e-9)
    for mode in np.moveaxis(modes, -1, 0):
        parity = np.sign(np.sum(mode * mode[mirror]))
        np.testing.assert_allclose(mode[mirror], parity * mode, atol=1e-9)


def test_fit_modes_recovers_coefficients(rng):
    mean, modes = rng.uniform(size=(50, 3)), rng.normal(size=(50, 3, 4))
    seen = rng.uniform(size=50) < 0.7
    true = np.array([1.0, -2.0, 0.5, 0.0])
    albedo = mean + modes @ true
    albedo[~seen] = 9.0
    found, error = albedo_modes.fit_modes(albedo, mean, modes, seen)
    np.testing.assert_allclose(found, true, atol=1e-3)
    assert error < 1e-2


def test_too_few_people_exception_raised():
    with pytest.raises(ValueError, match="80 albedo modes need photographs of at least 41 people"):
        albedo_modes.check_people(40, 80)
    albedo_modes.check_people(41, 80)


def test_blend_with_skin_preset():
    albedos = np.full((1, 4, 3), 0.4)
    albedos[0, 3] = 0.1
    plain = np.array([True, True, True, False])
    blended = albedo_completion.blend_with_skin(albedos, plain, np.array([1.0, 0.0, 0.0, 0.5]))
    np.testing.assert_allclose(blended[0, :3], 0.4)
    np.testing.assert_allclose(blended[0, 3], 0.2)  # Half way in logarithms.


def test_moved_landmarks_are_symmetric_and_at_the_points(rng):
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))
    mean = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    mirror = np.arange(21 * 21).reshape(21, 21)[:, ::-1].ravel()
    places = np.zeros((len(london_points.FACE_POINTS), 3))
    places[:, :2] = rng.uniform(-1, 1, (len(places), 2))
    place = {number: k for k, number in enumerate(london_points.FACE_POINTS)}
    places[place[71]], places[place[82]] = [-0.62, 0.5, 0.0], [0.58, 0.5, 0.0]
    places[place[55]] = 0.08, -0.31, 0.0
    points = point_fit.PointModel(places, np.zeros((len(places), 3, 1)), np.ones(len(places)))
    before = np.arange(68)
    moved = point_registration.moved_landmarks(
        mean, before, mirror, np.ones(len(mean), bool), points
    )
    np.testing.assert_allclose(mean[moved[17]], [-0.6, 0.5, 0.0], atol=1e-9)
    np.testing.assert_allclose(mean[moved[33]], [0.0, -0.3, 0.0], atol=1e-9)
    for left, right in london_points.MIRRORED_LANDMARKS.items():
        assert moved[right] == mirror[moved[left]]
    same = np.setdiff1d(before, [*range(17, 27), *range(31, 36)])
    np.testing.assert_array_equal(moved[same], before[same])
