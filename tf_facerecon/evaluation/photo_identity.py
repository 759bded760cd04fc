"""Does a face reconstructed from a photograph show this person? Measured on pairs of photographs.

Rows: `MEAN_FACE` (mean shape and albedo, frontal, ambient light: one picture, placed by the
alignment of each photograph), `MEAN_IDENTITY` (identity and texture of the mean face; pose,
expression and light of the network) and the network itself. `PHOTOGRAPHS` compares photographs with
each other.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_facerecon.evaluation import bootstrap, dlib_identity, photo_pairs
from tf_facerecon.geometry import face_landmarks
from tf_facerecon.io import image_files
from tf_facerecon.metrics import embedding_distance, image_error, vertex_distance
from tf_facerecon.models import identity_network
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.photos import face_alignment

BATCH_SIZE = 16
DLIB = "dlib"
PHOTOGRAPHS = "photographs"
MEAN_FACE = "always the mean face"
MEAN_IDENTITY = "mean identity, pose and light of the network"
_ROUNDING_MM = 1e-6  # Equal shapes are no farther apart after their alignment.


class Faces:
    """Photographs and renderings to what is compared.

    Args:
        r_net: Crops `[B, 224, 224, 3]` in [0, 1] to coefficients.
        decoder: Of the same face model.
        row: Name of the network in the results.
    """

    def __init__(self, r_net, decoder, row: str):
        self.decoder = decoder
        self.row = row
        self._r_net = r_net
        self._decode = tf.function(
            lambda coefficients: decoder(coefficients),
            input_signature=[tf.TensorSpec([None, decoder.layout.total], tf.float32)],
        )
        self.mean_face = self._render(np.zeros((1, decoder.layout.total), np.float32))

    def reconstruct(self, crops):
        """Identity coefficients `[B, K]`, and by row renderings (uint8) and landmarks."""
        layout = self.decoder.layout
        predicted = self._r_net(tf.image.convert_image_dtype(crops, tf.float32), training=False)
        groups = layout.split(predicted)
        nobody = {name: tf.zeros_like(groups[name]) for name in ("identity", "texture")}
        rendered = {
            MEAN_FACE: tuple(np.repeat(part, len(crops), axis=0) for part in self.mean_face),
            MEAN_IDENTITY: self._render(self._limit(layout.merge({**groups, **nobody}))),
            self.row: self._render(self._limit(predicted)),
        }
        return np.asarray(groups["identity"]), rendered

    def _limit(self, coefficients):
        """Coefficients with a valid expression, as `FaceReconstructor` gives them."""
        return expression_limits.limit_coefficients(
            self.decoder.face_model, self.decoder.layout, coefficients
        )

    def _render(self, coefficients):
        decoded = self._decode(coefficients)
        return image_files.to_uint8(decoded["image"].numpy()), decoded["landmarks"].numpy()


def identity_embedding(name: str, weights: str | None = None) -> Callable:
    """Function from images `[B, H, W, 3]` uint8 and landmarks `[B, 68, 2]` to vectors `[B, D]`.

    Raises:
        ImportError: If the network needs a package that is not installed.
        FileNotFoundError: If its weights are missing.
        ValueError: If there is no such network.
    """
    if name == DLIB:
        return dlib_identity.DlibIdentity()
    network = identity_network.load_identity_network(name, weights)

    def embed(images, landmarks):
        points = {}
        if getattr(network, "takes_five_points", False):
            five_points = face_landmarks.five_points_from_landmarks(np.asarray(landmarks))
            points["five_points"] = np.float32(five_points)
        return np.asarray(network(tf.image.convert_image_dtype(images, tf.float32), **points))

    return embed


def measure(
    faces: Faces,
    embeddings: dict[str, Callable],
    stream: Iterator[tuple[str, np.ndarray, np.ndarray]],
    total: int,
    write: Callable | None = None,
) -> dict:
    """What the figures need of each photograph.

    Args:
        faces: The network.
        embeddings: Functions of `identity_embedding`, by name.
        stream: Of `labelled_photos.labelled_photos`.
        total: Length of the stream.
        write: Called with row, name of the photograph, image (uint8) and its landmarks `[68, 2]`.

    Returns:
        `names`; `vectors` by identity network and row `[N, D]`; `identity` `[N, K]`; `photometric`
        by row `[N]`.
    """
    names, identity, photometric, vectors = [], [], {}, {name: {} for name in embeddings}
    mean_vectors = {name: embed(*faces.mean_face) for name, embed in embeddings.items()}
    progress = tqdm(total=total, unit="photograph")
    while batch := list(itertools.islice(stream, BATCH_SIZE)):
        crops, landmarks = _align(batch)
        coefficients, rendered = faces.reconstruct(crops)
        identity.append(coefficients)
        names += [name for name, *_ in batch]
        for row, (images, points) in {PHOTOGRAPHS: (crops, landmarks), **rendered}.items():
            for name, embed in embeddings.items():
                if row == MEAN_FACE:  # One picture, embedded once.
                    found = np.repeat(mean_vectors[name], len(batch), axis=0)
                else:
                    found = embed(images, points)
                vectors[name].setdefault(row, []).append(found)
            if row != PHOTOGRAPHS:
                photometric.setdefault(row, []).append(_errors(images, crops, landmarks))
            if write:
                for (name, *_), image, face_points in zip(batch, images, points, strict=True):
                    write(row, name, image, face_points)
        progress.update(len(batch))
    progress.close()
    return {
        "names": names,
        "vectors": {name: _joined(rows) for name, rows in vectors.items()},
        "identity": np.concatenate(identity),
        "photometric": _joined(photometric),
    }


def _align(batch) -> tuple[np.ndarray, np.ndarray]:
    """Crops `[B, 224, 224, 3]` uint8 and the landmarks in them `[B, 68, 2]`."""
    aligned = [face_alignment.align_face(photo, points) for _, photo, points in batch]
    points = [
        face.transform.to_crop(points) for face, (*_, points) in zip(aligned, batch, strict=True)
    ]
    return np.stack([face.image for face in aligned]), np.stack(points)


def _errors(images, crops, landmarks) -> np.ndarray:
    """Photometric errors `[B]` inside the ellipses about the landmarks of the photographs."""
    return np.array(
        [
            image_error.photometric_error(
                image / 255.0, crop / 255.0, image_error.face_ellipse(points, crop.shape[:2])
            )
            for image, crop, points in zip(images, crops, landmarks, strict=True)
        ]
    )


def _joined(rows: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    return {row: np.concatenate(parts) for row, parts in rows.items()}


def identity_figures(vectors: dict, first, second, num_same: int) -> dict:
    """AUC and cosines of one identity network, by row.

    Args:
        vectors: `[N, D]` by row.
        first: `[P]`, index of photograph A of each pair, those of one person first.
        second: `[P]`, of photograph B.
        num_same: Number of pairs of one person.
    """
    results = {}
    photographs = vectors[PHOTOGRAPHS]
    for row, others in vectors.items():
        cosines = embedding_distance.paired_cosines(photographs[first], others[second])
        same, different = cosines[:num_same], cosines[num_same:]
        results[row] = {
            "area_under_curve": bootstrap.area_under_curve_interval(same, different),
            "same_cosine": bootstrap.mean_interval(same),
            "different_cosine": bootstrap.mean_interval(different),
        }
        if row != PHOTOGRAPHS:
            own = embedding_distance.paired_cosines(photographs, others)
            results[row]["own_rendering_cosine"] = bootstrap.mean_interval(own)
    return results


def shape_figures(face_model, identity, first, second, num_same: int) -> dict:
    """AUC by identity coefficients and by shapes, and the ratio of shape distances.

    Args:
        face_model: `MorphableModel`.
        identity: Coefficients `[N, K]`.
        first: As for `identity_figures`.
        second: Likewise.
        num_same: Likewise.
    """
    cosines = embedding_distance.paired_cosines(identity[first], identity[second])
    shapes = face_model.mean_shape + np.einsum("vck,nk->nvc", face_model.identity_basis, identity)
    distances = np.array(
        [
            vertex_distance.vertex_distance_mm(shapes[a], shapes[b])
            for a, b in zip(first, second, strict=True)
        ]
    )
    distances[distances < _ROUNDING_MM] = 0.0
    same, different = distances[:num_same], distances[num_same:]
    return {
        "coefficient_area": bootstrap.area_under_curve_interval(
            cosines[:num_same], cosines[num_same:]
        ),
        "shape_area": bootstrap.area_under_curve_interval(-same, -different),
        "shape_ratio": bootstrap.ratio_interval(same, different, paired=False)
        if different.all()
        else None,  # One shape for everybody.
        "same_mm": bootstrap.mean_interval(same),
        "different_mm": bootstrap.mean_interval(different),
    }


def figures(measured: dict, pairs: photo_pairs.PhotoPairs, face_model, row: str) -> dict:
    """All results, as intervals."""
    index = {name: i for i, name in enumerate(measured["names"])}
    both = np.array([[index[a], index[b]] for a, b in pairs.same + pairs.different])
    chosen = (*both.T, len(pairs.same))
    identity = {MEAN_FACE: np.zeros_like(measured["identity"]), row: measured["identity"]}
    return {
        "identity": {
            name: identity_figures(vectors, *chosen)
            for name, vectors in measured["vectors"].items()
        },
        "shape": {
            name: shape_figures(face_model, coefficients, *chosen)
            for name, coefficients in identity.items()
        },
        "photometric": {
            name: {"photometric_error": bootstrap.mean_interval(errors)}
            for name, errors in measured["photometric"].items()
        },
    }
