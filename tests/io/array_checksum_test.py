import hashlib

import numpy as np
import pytest

from tf_facerecon.io import array_checksum


@pytest.fixture
def basis(rng):
    """Modes of falling size, as those of a face model."""
    return (rng.standard_normal((500, 3, 80)) * np.linspace(1.0, 0.02, 80)).astype(np.float32)


@pytest.mark.parametrize("noise", [1e-12, 1e-7])
@pytest.mark.parametrize("shape", [(400,), (400, 3), (400, 3, 64)])
def test_tolerant_checksum_ignores_noise_random(rng, shape, noise):
    for _ in range(20):
        array = rng.standard_normal(shape)
        noisy = array * (1.0 + noise * rng.standard_normal(shape))
        assert array_checksum.tolerant_checksum(noisy) == array_checksum.tolerant_checksum(array)


def test_tolerant_checksum_false_mismatch_rate_random(rng):
    """Noise of 1e-4 instead of 1e-6, so that there is something to count: one in 100."""
    flips = 0
    for _ in range(600):
        array = rng.standard_normal((60, 3, 20))
        noisy = array * (1.0 + 1e-4 * rng.standard_normal(array.shape))
        flips += array_checksum.tolerant_checksum(noisy) != array_checksum.tolerant_checksum(array)
    assert 1 <= flips <= 18


def test_tolerant_checksum_ignores_the_last_bit(basis, rng):
    digest = array_checksum.tolerant_checksum(basis)
    for _ in range(10):
        towards = np.where(rng.random(basis.shape) < 0.5, np.inf, -np.inf).astype(np.float32)
        assert array_checksum.tolerant_checksum(np.nextafter(basis, towards)) == digest


def test_tolerant_checksum_detects_permuted_modes_and_signs(basis):
    digests = {array_checksum.tolerant_checksum(basis)}
    for first, second in ((0, 1), (40, 41), (3, 79)):
        order = np.arange(80)
        order[[first, second]] = second, first
        digests.add(array_checksum.tolerant_checksum(basis[..., order]))
    for mode in (0, 20, 79):
        signs = np.ones(80)
        signs[mode] = -1.0
        digests.add(array_checksum.tolerant_checksum(basis * signs))
    assert len(digests) == 7


def test_tolerant_checksum_detects_scale_shape_and_order(basis):
    points = basis[..., 0]
    arrays = [points, 1.05 * points, -points, points[::-1], points[:-1], points.T, 0 * points]
    arrays += [points[..., None]]
    assert len({array_checksum.tolerant_checksum(array) for array in arrays}) == len(arrays)


def test_tolerant_checksum_ignores_modes_that_are_noise(basis, rng):
    digests = set()
    for _ in range(5):
        noise = 1e-12 * rng.standard_normal((500, 3, 1))
        digests.add(array_checksum.tolerant_checksum(np.concatenate([basis, noise], axis=-1)))
    assert len(digests) == 1


def test_tolerant_checksum_ignores_the_sign_of_zero(basis):
    zeros = np.zeros_like(basis)
    assert array_checksum.tolerant_checksum(zeros) == array_checksum.tolerant_checksum(-zeros)


def test_tolerant_checksum_preset():
    """Of small numbers by hand: the sums and their weights must never change."""
    array = np.array([3.0, -4.0])
    size = np.sqrt(12.5)

    def weights(count):
        drawn = hashlib.shake_256(b"array_digest").digest(6 * count)
        rows = [drawn[k * count : (k + 1) * count] for k in range(6)]
        return [[(byte - 127.5) / 73.9002706355787 for byte in row] for row in rows]

    shares = [
        one[0] * (3.0 * row[0] - 4.0 * row[1]) / size / np.sqrt(2.0)
        for row, one in zip(weights(2), weights(1), strict=True)
    ]
    scales = [one[0] * np.log(size) for one in weights(1)]
    rounded = [round(share / 0.05) for share in shares] + [round(scale / 0.01) for scale in scales]
    expected = hashlib.sha256(b"(2,)\n" + np.array(rounded, "<i8").tobytes()).digest()
    assert array_checksum.tolerant_checksum(array) == expected


def test_exact_checksum_detects_every_change(rng):
    triangles = rng.integers(0, 99, (50, 3)).astype(np.int32)
    digest = array_checksum.exact_checksum(triangles)
    assert array_checksum.exact_checksum(triangles.astype(">i8")) == digest
    assert array_checksum.exact_checksum(np.asfortranarray(triangles)) == digest
    changed = triangles.copy()
    changed[49, 2] += 1
    others = [changed, triangles[:, [1, 2, 0]], triangles.ravel()]
    assert len({digest, *map(array_checksum.exact_checksum, others)}) == 4
