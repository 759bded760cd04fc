"""Refinement of many faces: no crossed lids or lips, open mouths stay open, from any thread."""

import concurrent.futures
import io
import tarfile

import numpy as np
import PIL.Image
import pytest

from tests import toy_reconstruction
from tests.morphable_models.facial_gaps_test import gaps_in_image
from tf_facerecon.inference.reconstructor import FaceReconstructor
from tf_facerecon.inference.refinement import Refiner
from tf_facerecon.layers.face_decoder import FaceDecoder

NUM_PHOTOS = 100


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder("procedural-4000")


@pytest.fixture(scope="module")
def refiner(decoder):
    return Refiner(decoder, steps=20)


def test_refine_leaves_no_crossed_lids_or_lips_in_renderings(decoder, refiner, rng):
    """Images of skin alone, as of narrow eyes, pull the lids together and beyond."""
    where = decoder.layout.slices
    start = np.zeros((3, decoder.layout.total), np.float32)
    start[:, where["identity"]] = rng.normal(size=(3, decoder.layout.identity))
    start[:, where["expression"].start + 6] = [1.0, 3.0, 4.0]  # eye_close
    start[:, where["expression"].start] = [-1.0, -2.0, 1.0]  # jaw_open
    skin = np.ones((224, 224), np.float32)
    ends = []
    for coefficients in start:
        target = decoder(coefficients[None])
        image = np.full((224, 224, 3), target["image"].numpy().max(axis=(0, 1, 2)), np.float32)
        ends.append(refiner.refine(coefficients, image, target["five_points"].numpy()[0], skin)[0])
    assert gaps_in_image(decoder, start).min() < -2.0
    assert gaps_in_image(decoder, np.stack(ends)).min() > -0.05


def test_refine_keeps_an_open_mouth_open(decoder, refiner):
    """A photo of skin alone, without the dark of the mouth, does not close it."""
    coefficients = np.zeros(decoder.layout.total, np.float32)
    coefficients[decoder.layout.slices["expression"].start] = 1.0  # jaw_open
    target = decoder(coefficients[None])
    image = np.full((224, 224, 3), [0.7, 0.5, 0.4], np.float32)
    points, skin = target["five_points"].numpy()[0], np.ones((224, 224), np.float32)
    refined, _ = refiner.refine(coefficients, image, points, skin)
    before, after = (gaps_in_image(decoder, c[None])[0, 5] for c in (coefficients, refined))
    assert before > 5.0
    assert after > 0.7 * before


def test_reconstruct_from_threads_equals_serial(toy_reconstructor):
    rolls = range(0, 120, 20)
    photos = [np.roll(toy_reconstruction.toy_photo(), roll, axis=1) for roll in rolls]

    def reconstruct(photo):
        (face,) = toy_reconstructor.reconstruct(photo, refine=True)
        return face

    serial = [reconstruct(photo) for photo in photos]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(reconstruct, photos))
    distinct = {face.coefficients["lighting"].tobytes() for face in serial}
    assert len(distinct) == len(photos)
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one.landmarks, other.landmarks, atol=1e-3)
        for name, group in one.coefficients.items():
            np.testing.assert_allclose(group, other.coefficients[name], atol=1e-4, err_msg=name)


@pytest.mark.slow
def test_refine_leaves_no_crossed_lids_or_lips_in_photos(shared_data):
    archive = shared_data / "photos" / "lfw_folds_1_to_8.tar"
    if not archive.is_file():
        pytest.skip(f"needs {archive.name}")
    reconstructor = FaceReconstructor.from_preset("r_net_small")
    decoder, refined = reconstructor.decoder, []
    with tarfile.open(archive) as photos:
        members = [member for member in photos.getmembers() if member.name.endswith(".jpg")]
        for member in members[:: len(members) // NUM_PHOTOS][:NUM_PHOTOS]:
            pixels = PIL.Image.open(io.BytesIO(photos.extractfile(member).read()))
            try:
                (face,) = reconstructor.reconstruct(np.asarray(pixels.convert("RGB")), refine=True)
            except ValueError:  # No face was detected.
                continue
            refined.append(decoder.layout.merge(face.coefficients))
    assert len(refined) > 0.9 * NUM_PHOTOS
    assert gaps_in_image(decoder, np.stack(refined)).min() > -0.1
