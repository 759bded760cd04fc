"""`inference.refinement` reduces the errors, measured over a region that the fit cannot change."""

import dataclasses

import numpy as np
import pytest

from tf_facerecon.inference import refinement
from tf_facerecon.layers.face_decoder import FaceDecoder

SKIN = np.ones((224, 224))


@pytest.fixture(scope="module")
def toy_fit(toy_reconstructor):
    """An image rendered from known coefficients, and a refinement of the mean face to it."""
    decoder = toy_reconstructor.decoder
    true = np.zeros(decoder.layout.total, np.float32)
    where = decoder.layout.slices
    true[where["rotation"]] = [0.05, -0.1, 0.05]
    true[where["translation"]] = [0.05, 0.03, 0.1]
    true[where["texture"]] = 1.0
    true[where["lighting"]] = np.linspace(0.3, 0.0, 27)
    decoded = decoder(true[None])
    image, points = decoded["image"].numpy()[0], decoded["five_points"].numpy()[0]
    refiner = refinement.Refiner(decoder, steps=40)
    start = np.zeros_like(true)
    return refiner, (start, np.clip(image, 0, 1), points, SKIN.astype(np.float32))


def test_refine_reduces_errors_preset(toy_fit):
    refiner, arguments = toy_fit
    _, report = refiner.refine(*arguments)
    assert report.steps == 40
    assert report.photometric_after <= 0.5 * report.photometric_before
    assert report.point_error_after <= 0.03 < report.point_error_before


def test_refine_does_not_depend_on_earlier_faces(toy_fit):
    refiner, arguments = toy_fit
    first, _ = refiner.refine(*arguments)
    second, _ = refiner.refine(*arguments)
    np.testing.assert_array_equal(first, second)


def test_refine_keeps_frozen_groups(toy_reconstructor, toy_fit):
    _, (start, crop, points, skin) = toy_fit
    sizes = {**refinement.STEP_SIZES, "identity": 0.0, "lighting": 0.0}
    end, _ = refinement.refine(
        toy_reconstructor.decoder, start + 0.1, crop, points, skin, steps=2, step_sizes=sizes
    )
    groups = toy_reconstructor.decoder.layout.split(end)
    for name, group in groups.items():
        assert np.all(group == np.float32(0.1)) == (name in ("identity", "lighting")), name


def test_refine_stays_within_expression_range(toy_reconstructor, toy_fit):
    _, (start, crop, points, skin) = toy_fit
    decoder = toy_reconstructor.decoder
    count = decoder.face_model.expression_basis.shape[-1]
    narrow = dataclasses.replace(
        decoder.face_model, expression_range=np.tile(np.float32([-0.02, 0.03]), (count, 1))
    )
    narrow_decoder = FaceDecoder(narrow, camera=decoder.camera)
    end, _ = refinement.refine(narrow_decoder, start, crop, points, skin, steps=3)
    expression = decoder.layout.split(end)["expression"]
    assert np.min(expression) >= -0.02 - 1e-6 and np.max(expression) <= 0.03 + 1e-6
    assert np.any(np.abs(expression) > 0.019)  # Some reached the limit.


def test_refine_exception_raised(toy_reconstructor, toy_fit):
    refiner, (start, crop, points, skin) = toy_fit
    with pytest.raises(ValueError, match="`coefficients` must have shape"):
        refiner.refine(start[:-1], crop, points, skin)
    with pytest.raises(ValueError, match="`crop` must have shape"):
        refiner.refine(start, crop[:-1], points, skin)
    with pytest.raises(ValueError, match=r"`points` must be \[5, 2\] or \[68, 2\]"):
        refiner.refine(start, crop, points[:4], skin)
    with pytest.raises(ValueError, match="`steps`"):
        refinement.Refiner(toy_reconstructor.decoder, steps=0)
    with pytest.raises(ValueError, match="`loss_weights` must name exactly"):
        refinement.Refiner(toy_reconstructor.decoder, loss_weights={"photo": 1.0})
    with pytest.raises(ValueError, match="`step_sizes` must name exactly"):
        refinement.Refiner(toy_reconstructor.decoder, step_sizes={})
