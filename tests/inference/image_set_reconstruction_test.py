"""The person's meshes: one neutral, one for every photograph; shares of the whole face."""

import numpy as np
import pytest

from tests import toy_image_set as toy_set


@pytest.fixture(scope="module")
def person(toy_reconstructor):
    reconstructor = toy_set.build_toy_set_reconstructor(toy_reconstructor)
    return reconstructor.reconstruct([toy_set.photo(number) for number in (0, 100, 200)])


def test_neutral_vertices_preset(person):
    model = person.decoder.face_model
    expected = model.mean_shape + np.einsum("vik,k->vi", model.identity_basis, person.identity)
    np.testing.assert_allclose(person.neutral_vertices, expected, atol=1e-6)
    expected = model.mean_albedo + np.einsum("vik,k->vi", model.albedo_basis, person.texture)
    np.testing.assert_allclose(person.albedo, expected, atol=1e-6)


def test_posed_has_the_persons_identity_and_the_photographs_expression(person):
    vertices, albedo = person.posed(1)
    own = person.images[1].coefficients
    neutral = {**own, "identity": person.identity}
    decoded = person.decoder(person.decoder.layout.merge(neutral)[None], render=False)
    np.testing.assert_allclose(vertices, decoded["vertices"][0], atol=1e-6)
    np.testing.assert_allclose(albedo, decoded["albedo"][0], atol=1e-6)
    alone = person.decoder(person.decoder.layout.merge(own)[None], render=False)["vertices"][0]
    assert np.abs(vertices - alone).max() > 1e-3
    assert np.abs(vertices - person.posed(0)[0]).max() > 1e-3


def test_shares_add_up_to_one(person):
    np.testing.assert_allclose(person.coefficient_shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(person.vertex_shares().sum(axis=0), 1.0)
    for shares in person.region_shares().values():
        np.testing.assert_allclose(shares.sum(), 1.0)
