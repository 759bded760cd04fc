import numpy as np
import pytest

from tests.morphable_models.importers.basel import made_up_basel
from tf_facerecon.morphable_models.importers.basel import front_face


def test_front_face_preset():
    truth = made_up_basel.bfm09_truth()
    face = front_face.front_face(truth.info, len(truth.front), "a.mat")
    np.testing.assert_array_equal(face.triangles, truth.triangles)
    np.testing.assert_array_equal(face.landmarks, truth.landmarks)
    np.testing.assert_array_equal(face.small_face, truth.info["frontmask2"][0])
    np.testing.assert_array_equal(face.skin, truth.info["skinmask"][0])
    assert face.triangles.dtype == np.int32
    # The published sentinel stands one above the last triangle: 70790 for 70789.
    assert truth.info["point_buf"].max() == len(truth.triangles) + 1


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("tri", lambda a: changed(a, (3, 1), 0), "`tri` of a.mat must hold whole numbers from 1"),
        ("tri", lambda a: changed(a, (3, 1), 1e6), "`tri` of a.mat must hold whole numbers from 1"),
        ("tri", lambda a: a[:-1], "`point_buf` of a.mat must hold whole numbers"),
        ("tri", lambda a: a[::-1], "`point_buf` of a.mat must list"),
        ("point_buf", lambda a: changed(a, (0, 0), a[0, 1]), "`point_buf` of a.mat must list"),
        ("point_buf", lambda a: a + 1, "`point_buf` of a.mat must hold whole numbers"),
        ("point_buf", lambda a: a[1:], "`point_buf` of a.mat must have shape"),
        ("keypoints", lambda a: a[:, :67], r"`keypoints` of a.mat must have shape \[1, 68\]"),
        ("keypoints", lambda a: changed(a, (0, 5), -1), "`keypoints` of a.mat must hold whole"),
        ("frontmask2_idx", lambda a: a + 1000, "`frontmask2_idx` of a.mat must hold whole"),
        ("skinmask", lambda a: a[:, 1:], "`skinmask` of a.mat must hold 0 or 1 for each"),
        ("skinmask", lambda a: 255 * a, "`skinmask` of a.mat must hold 0 or 1 for each"),
    ],
)
def test_front_face_exception_raised(name, change, message):
    truth = made_up_basel.bfm09_truth()
    arrays = {**truth.info, name: change(truth.info[name])}
    with pytest.raises(ValueError, match=message):
        front_face.front_face(arrays, len(truth.front), "a.mat")


def test_full_face_preset():
    truth = made_up_basel.bfm09_truth()
    face = front_face.front_face(truth.info, len(truth.front), "a.mat")
    basel = {
        "shapeMU": truth.basel["shapeMU"].reshape(-1, 3),
        "tl": truth.basel["tl"].astype(int) - 1,
    }
    whole = front_face.full_face(face, basel, truth.in_basel, truth.front)
    in_basel = {tuple(triangle) for triangle in truth.basel["tl"][:, ::-1].astype(int) - 1}
    kept = [tuple(truth.in_basel[triangle]) for triangle in whole.triangles]
    assert set(kept) <= in_basel
    dropped = np.setdiff1d(np.arange(len(basel["shapeMU"])), truth.in_basel)
    assert {t for t in in_basel if not np.isin(t, dropped).any()} == set(kept)
    np.testing.assert_array_equal(
        truth.in_basel[whole.landmarks], made_up_basel.made_up_mesh().landmarks
    )
    np.testing.assert_array_equal(whole.skin[truth.front], face.skin)
    assert whole.skin.sum() == face.skin.sum()
    assert whole.small_face.sum() == face.small_face.sum()


def test_full_face_exception_raised():
    truth = made_up_basel.bfm09_truth()
    face = front_face.front_face(truth.info, len(truth.front), "a.mat")
    dropped = np.setdiff1d(np.arange(len(truth.basel["shapeMU"]) // 3), truth.in_basel)
    basel = {"shapeMU": truth.basel["shapeMU"].reshape(-1, 3), "tl": dropped[None, :3]}
    with pytest.raises(ValueError, match="`tl` of 01_MorphableModel.mat connects none"):
        front_face.full_face(face, basel, truth.in_basel, truth.front)
