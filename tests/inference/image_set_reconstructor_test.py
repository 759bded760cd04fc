"""Image-set reconstruction: the aggregation formula, order invariance, and irregular sets."""

import gc
import warnings
import weakref

import numpy as np
import pytest

from tests import toy_image_set as toy_set
from tests import toy_reconstruction as toy
from tf_facerecon.inference import image_set_reconstructor
from tf_facerecon.models.c_net import CNet

PHOTOS = [toy_set.photo(number) for number in (0, 60, 120, 180, 200)]


@pytest.fixture(scope="module")
def reconstructor(toy_reconstructor):
    return toy_set.build_toy_set_reconstructor(toy_reconstructor)


@pytest.fixture(scope="module")
def with_identity_network(toy_reconstructor):
    return toy_set.build_toy_set_reconstructor(toy_reconstructor, toy_set.embed)


def own_identities(person):
    return np.stack([image.coefficients["identity"] for image in person.images]).astype(np.float64)


def test_cnet_follows_equation_8(reconstructor):
    person = reconstructor.reconstruct(PHOTOS)
    identity = own_identities(person)
    confidence = np.stack([image.confidence for image in person.images]).astype(np.float64)
    expected = (confidence * identity).sum(axis=0) / confidence.sum(axis=0)
    np.testing.assert_allclose(person.identity, expected, atol=1e-6)
    # The confidences of other photos give another result.
    shuffled = confidence[[1, 2, 3, 4, 0]]
    wrong = (shuffled * identity).sum(axis=0) / shuffled.sum(axis=0)
    assert np.abs(person.identity - wrong).max() > 0.1
    textures = [image.coefficients["texture"] for image in person.images]
    np.testing.assert_allclose(person.texture, np.mean(textures, axis=0), atol=1e-6)


def test_mean_and_best_preset(reconstructor):
    mean = reconstructor.reconstruct(PHOTOS, aggregate="mean")
    np.testing.assert_allclose(mean.identity, own_identities(mean).mean(axis=0), atol=1e-6)
    best = reconstructor.reconstruct(PHOTOS, aggregate="best")
    np.testing.assert_array_equal(best.identity, best.images[-1].coefficients["identity"])
    assert (mean.aggregate, best.aggregate) == ("mean", "best")


@pytest.mark.parametrize("aggregate", image_set_reconstructor.AGGREGATES)
def test_order_of_photos_makes_no_difference(reconstructor, aggregate):
    photos = [*PHOTOS, PHOTOS[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", image_set_reconstructor.ImageSetWarning)
        forward = reconstructor.reconstruct(photos, aggregate=aggregate)
        backward = reconstructor.reconstruct(photos[::-1], aggregate=aggregate)
    np.testing.assert_allclose(forward.identity, backward.identity, atol=1e-6)
    np.testing.assert_allclose(forward.texture, backward.texture, atol=1e-6)


def test_duplicates_are_reported_and_not_counted(reconstructor):
    with pytest.warns(
        image_set_reconstructor.ImageSetWarning, match="image_6 is the same image as image_2"
    ):
        person = reconstructor.reconstruct([*PHOTOS, PHOTOS[1]])
    assert len(person.images) == 6 and person.counted.tolist() == [True] * 5 + [False]
    np.testing.assert_array_equal(person.identity, reconstructor.reconstruct(PHOTOS).identity)
    np.testing.assert_array_equal(person.coefficient_shares[5], 0.0)


def test_photos_without_a_face_are_reported_and_skipped(reconstructor, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 not an image")
    photos = [PHOTOS[0], toy.toy_photo(height=50), broken, PHOTOS[1], tmp_path / "missing.png"]
    with pytest.warns(image_set_reconstructor.ImageSetWarning, match="was skipped") as caught:
        person = reconstructor.reconstruct(photos)
    assert len(caught) == 3 and len(person.images) == 2
    assert set(person.failures) == {"image_2", str(broken), str(tmp_path / "missing.png")}
    assert "No face was found in image_2" in person.failures["image_2"]
    assert [image.name for image in person.images] == ["image_1", "image_4"]
    np.testing.assert_array_equal(
        person.identity, reconstructor.reconstruct([PHOTOS[0], PHOTOS[1]]).identity
    )


def test_single_photo_keeps_its_identity(with_identity_network):
    with pytest.warns(image_set_reconstructor.ImageSetWarning, match="Only one photo counts"):
        person = with_identity_network.reconstruct(PHOTOS[:1])
    image = person.images[0]
    np.testing.assert_allclose(person.identity, image.coefficients["identity"], atol=1e-7)
    assert image.embedding_distance is None
    np.testing.assert_allclose(person.coefficient_shares, 1.0)


def test_another_person_is_reported_and_counted(with_identity_network):
    photos = [toy_set.photo(number) for number in (170, 180, 0, 190)]
    with pytest.warns(
        image_set_reconstructor.ImageSetWarning, match=r"another person .*: image_3 \(1\.\d\d\);"
    ):
        person = with_identity_network.reconstruct(photos)
    assert len(person.images) == 4 and person.counted.all()
    distances = [image.embedding_distance for image in person.images]
    assert distances[2] > 1.0 > 0.7 > max(distances[0], distances[1], distances[3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_identity_network.reconstruct(photos[:2])


def test_two_hundred_photos_are_not_all_in_memory(reconstructor):
    alive = []

    def photos():
        for number in range(200):
            image = toy_set.photo(number)
            alive.append(weakref.ref(image))
            yield image
            del image
            if number % 50 == 49:
                gc.collect()
            assert sum(reference() is not None for reference in alive) <= 3

    person = reconstructor.reconstruct(photos())
    assert len(person.images) == 200 and not person.failures
    assert len({image.name for image in person.images}) == 200
    assert np.isfinite(person.identity).all()
    np.testing.assert_allclose(person.vertex_shares().sum(axis=0), 1.0)


def test_files_give_names(reconstructor, tmp_path):
    import PIL.Image

    paths = [tmp_path / "x" / "me.png", tmp_path / "y" / "ME.png"]
    for path, image in zip(paths, PHOTOS, strict=False):
        path.parent.mkdir()
        PIL.Image.fromarray(image).save(path)
    person = reconstructor.reconstruct([str(paths[0]), paths[1]])
    assert [image.name for image in person.images] == ["me", "ME_2"]
    assert [image.source for image in person.images] == [str(path) for path in paths]
    assert person.images[0].source_path == paths[0] and person.images[0].photo_size == (240, 260)


def test_exception_raised(reconstructor, toy_reconstructor):
    with pytest.raises(ValueError, match="`aggregate` must be one of"):
        reconstructor.reconstruct(PHOTOS, aggregate="median")
    with pytest.raises(ValueError, match="`images` must hold at least one photo"):
        reconstructor.reconstruct([])
    with pytest.raises(ValueError, match="None of the 2 photos can be used:\n  image_1: "):
        reconstructor.reconstruct([toy.toy_photo(height=50)] * 2)
    without = image_set_reconstructor.ImageSetReconstructor(toy_reconstructor)
    with pytest.raises(ValueError, match='`aggregate="cnet"` needs a C-Net'):
        without.reconstruct(PHOTOS)


def test_real_networks(toy_reconstructor):
    """An untrained C-Net gives equal confidences; a trained one does not."""
    r_net = toy_reconstructor.r_net
    c_net = CNet.for_r_net(r_net)
    reconstructor = image_set_reconstructor.ImageSetReconstructor(
        toy_reconstructor, c_net, toy_set.embed
    )
    photos = [toy_set.photo(number) for number in (170, 200)]
    untrained = reconstructor.reconstruct(photos)
    np.testing.assert_allclose(untrained.coefficient_shares, 0.5, atol=1e-6)
    own = toy_reconstructor.reconstruct(photos[0])[0]
    np.testing.assert_allclose(
        untrained.images[0].coefficients["lighting"], own.coefficients["lighting"], atol=1e-5
    )
    logits = c_net.trunk.get_layer("logits")
    logits.kernel.assign(np.random.default_rng(1).normal(size=logits.kernel.shape))
    trained = reconstructor.reconstruct(photos)
    assert np.abs(trained.coefficient_shares - 0.5).max() > 1e-3
    other = CNet.for_r_net(toy.build_toy_network(toy_reconstructor.decoder))
    with pytest.raises(ValueError, match="This C-Net belongs to another R-Net"):
        image_set_reconstructor.ImageSetReconstructor(toy_reconstructor, other)


def test_single_path_exception_raised(reconstructor):
    with pytest.raises(ValueError, match="must be a list of photos"):
        reconstructor.reconstruct("anna.jpg")
