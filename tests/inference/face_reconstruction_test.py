"""The methods of `inference.face_reconstruction` hand over to the modules that do the work."""

import numpy as np

from tf_facerecon.export import face_files


def test_pictures_and_texture(mean_face):
    assert mean_face.texture().shape == (1024, 1024, 3)
    assert mean_face.panel().ndim == 3
    overlay = mean_face.overlay_on_photo()
    assert overlay.shape == mean_face.photo.shape
    assert np.any(overlay != mean_face.photo)


def test_save(mean_face, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(face_files, "save", lambda *a, **k: asked.append((a, k)))
    mean_face.save(tmp_path, "toy", overwrite=True, keep=["me.jpg"])
    assert asked == [((mean_face, tmp_path, "toy"), {"overwrite": True, "keep": ["me.jpg"]})]
