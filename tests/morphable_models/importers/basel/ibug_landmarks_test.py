import json
import tarfile

import numpy as np
import pytest

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.morphable_models.importers.basel import ibug_landmarks
from tf_facerecon.morphable_models.parameterization import face_domain


def named_points(vertices, landmarks):
    return {name: vertices[landmarks[n]] for name, n in made_up_basel.NAMED.items()}


def moved(points):
    """Another place, size and head tilt, as another model of the same people has."""
    angle = 0.1
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    return 1.07 * points @ tilt.T + [0.02, -0.1, 0.9]


def test_landmarks_from_names_preset():
    mesh = made_up_basel.made_up_mesh()
    vertices = moved(mesh.vertices)
    points = named_points(vertices, mesh.landmarks)
    got = ibug_landmarks.landmarks_from_names(vertices, points, "a.h5")
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, mesh.landmarks)


def test_landmarks_from_names_follows_a_deformed_face(rng):
    mesh = made_up_basel.made_up_mesh()
    x, y, z = mesh.vertices.T
    # A wider mouth region, a longer chin: named points come out exactly, others near.
    vertices = np.stack([x * (1.05 - 0.05 * y), y - 0.06 * (y < -0.2), z], axis=-1)
    points = named_points(vertices, mesh.landmarks)
    got = ibug_landmarks.landmarks_from_names(vertices, points, "a.h5")
    known = list(made_up_basel.NAMED.values())
    np.testing.assert_array_equal(got[known], mesh.landmarks[known])
    distance = np.linalg.norm(vertices[got] - vertices[mesh.landmarks], axis=-1)
    assert distance[36:].max() < 0.06
    assert distance.mean() < 0.03


@pytest.mark.slow
def test_landmarks_from_names_on_another_model(shared_data):
    """Landmarks of a sculpted head (its own list) found from the points that Basel models name."""
    wanted = {"FaceXModel/generic_neutral_mesh.obj", "FaceXModel/vertex_indices.json"}
    texts = {}
    with tarfile.open(shared_data / "ict-facekit-da5f95a6.tar.xz", "r|xz") as archive:
        for member in archive:
            if member.name in wanted:
                texts[member.name] = archive.extractfile(member).read().decode()
            if len(texts) == len(wanted):
                break
    mesh = texts["FaceXModel/generic_neutral_mesh.obj"]
    lists = json.loads(texts["FaceXModel/vertex_indices.json"])
    rows = [line.split()[1:4] for line in mesh.splitlines() if line.startswith("v ")]
    vertices = np.array(rows[:9409], float) / 10
    landmarks = np.array(lists["idx_to_landmark_verts"])
    points = named_points(vertices, landmarks)
    got = ibug_landmarks.landmarks_from_names(vertices, points, "ict")
    error_mm = 100 * np.linalg.norm(vertices[got] - vertices[landmarks], axis=-1)
    assert error_mm[36:48].mean() < 1.5
    assert error_mm[48:].mean() < 2.5
    assert error_mm[27:36].mean() < 4.0


def test_landmarks_from_names_exception_raised():
    mesh = made_up_basel.made_up_mesh()
    points = named_points(mesh.vertices, mesh.landmarks)
    few = dict(list(points.items())[:7])
    with pytest.raises(ValueError, match="a.h5 must name at least 8 .*lacks .*landmarks68.txt"):
        ibug_landmarks.landmarks_from_names(mesh.vertices, few, "a.h5")
    away = {**points, "center.nose.tip": points["center.nose.tip"] + [0, 0, 0.5]}
    with pytest.raises(
        ValueError, match="'center.nose.tip' of a.h5 .*Received: a point .* mm away"
    ):
        ibug_landmarks.landmarks_from_names(mesh.vertices, away, "a.h5")
    larger = {name: 10 * point for name, point in points.items()}
    with pytest.raises(ValueError, match="a.h5 must be in millimetres. Received: a face 10 "):
        ibug_landmarks.landmarks_from_names(10 * mesh.vertices, larger, "a.h5")
    line = {name: mesh.vertices[0] for name in points}
    with pytest.raises(ValueError, match="must not lie|one line|spread|directions"):
        ibug_landmarks.landmarks_from_names(mesh.vertices, line, "a.h5")


def test_named_points_are_of_the_template():
    template = face_domain.landmark_template()
    for name, number in ibug_landmarks._IBUG_NUMBERS.items():
        side = {"right": -1, "center": 0, "left": 1}[name.split(".")[0]]
        assert np.sign(np.round(template[number, 0], 2)) == side, name
    assert made_up_basel.NAMED.items() <= ibug_landmarks._IBUG_NUMBERS.items()


def test_landmarks_from_file_preset(tmp_path):
    mesh = made_up_basel.made_up_mesh()
    path = tmp_path / "landmarks68.txt"
    path.write_text("\n".join(map(str, mesh.landmarks)) + "\n")
    got = ibug_landmarks.landmarks_from_file(path, mesh.vertices)
    np.testing.assert_array_equal(got, mesh.landmarks)
    np.savetxt(path, 100 * mesh.vertices[mesh.landmarks] + 0.1)
    got = ibug_landmarks.landmarks_from_file(path, mesh.vertices)
    np.testing.assert_array_equal(got, mesh.landmarks)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1"] * 67, r"must hold 68 lines .* Received: shape \(67, 1\)"),
        (["1 2"] * 68, r"Received: shape \(68, 2\)"),
        (["1"] * 67 + ["1 2 3"], "must hold a table of numbers"),
        (["x"] * 68, "must hold a table of numbers"),
        (["nan 0 0"] * 68, "must hold 68 lines"),
        (["1"] * 67 + ["1.5"], "must hold vertex indices from 0 to"),
        (["1"] * 67 + ["-1"], "must hold vertex indices from 0 to"),
        (["1"] * 67 + ["100000"], "Received: 1 to 100000"),
    ],
)
def test_landmarks_from_file_exception_raised(tmp_path, lines, message):
    (tmp_path / "landmarks68.txt").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=message):
        ibug_landmarks.landmarks_from_file(tmp_path / "landmarks68.txt", np.zeros((90, 3)))
