import numpy as np
import pytest

from tests.toy_face import build_toy_face_model
from tf_facerecon.evaluation import held_out_identities


def test_held_out_face_model_preset():
    model = build_toy_face_model()
    people = held_out_identities.held_out_face_model(model, num_modes=3)
    assert people.identity_basis.shape == (225, 3, 9) and people.name != model.name
    assert people.fingerprint != model.fingerprint
    own = people.identity_basis[..., :6].reshape(-1, 6)
    new = people.identity_basis[..., 6:].reshape(-1, 3)
    np.testing.assert_allclose(own, model.identity_basis.reshape(-1, 6), atol=1e-7)
    # The new modes are orthogonal to the model's own, and have the stated share of their variance.
    cosines = (own / np.linalg.norm(own, axis=0)).T @ (new / np.linalg.norm(new, axis=0))
    assert np.abs(cosines).max() < 1e-4
    share = np.sum(new**2) / np.sum(own**2)
    assert share == pytest.approx(held_out_identities.UNSEEN_VARIANCE, rel=1e-4)
    again = held_out_identities.held_out_face_model(model, num_modes=3)
    np.testing.assert_array_equal(again.identity_basis, people.identity_basis)
    with pytest.raises(ValueError, match="`num_modes` must be at least 1"):
        held_out_identities.held_out_face_model(model, num_modes=0)
