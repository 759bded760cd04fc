"""Single-image reconstruction: detection, alignment, R-Net, decoder, optional refinement."""

import os
import warnings

import numpy as np
import tensorflow as tf

from tf_facerecon.geometry.camera import PerspectiveCamera
from tf_facerecon.inference import doubts, face_selection
from tf_facerecon.inference.face_reconstruction import FaceReconstruction
from tf_facerecon.inference.refinement import Refiner
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models import expression_limits, morphable_model
from tf_facerecon.photos import face_detection
from tf_facerecon.photos.skin_probability import SkinModel


class FaceReconstructor:
    """Reconstructs 3D faces from single photos; create one instance and use it for many photos.

    Coordinates, units and frames of the results are documented in `results.fitted_face`.

    Args:
        r_net: Regresses 3DMM coefficients `[B, C]` from aligned crops `[B, 224, 224, 3]`.
        decoder: Decoder with the face model that `r_net` was trained for.
        detector: Face detector; MTCNN by default.
        skin_model: Skin probability for the photometric term of refinement; the published
            classifier by default.
        refiner: Used by `reconstruct(refine=True)`; `Refiner(decoder)` by default.

    Raises:
        ValueError: If `r_net` was trained for another face model or another coefficient layout than
            that of `decoder`, or with a half-pixel offset that the camera of `decoder` lacks.
    """

    def __init__(
        self,
        r_net: RNet,
        decoder: FaceDecoder,
        detector: face_detection.FaceDetector | None = None,
        skin_model: SkinModel | None = None,
        refiner: Refiner | None = None,
    ):
        _check_compatible(r_net, decoder)
        self.r_net = r_net
        self.decoder = decoder
        self.detector = detector or face_detection.FaceDetector()
        self.skin_model = skin_model or SkinModel.default()
        self.refiner = refiner or Refiner(decoder)
        size = decoder.camera.image_size
        self._regress = tf.function(
            lambda images: expression_limits.limit_coefficients(
                decoder.face_model, decoder.layout, r_net(images, training=False)
            ),
            input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32)],
        )
        self._decode = tf.function(
            lambda coefficients: decoder(coefficients),
            input_signature=[tf.TensorSpec([1, decoder.layout.total], tf.float32)],
        )

    @classmethod
    def from_preset(
        cls,
        name: str | os.PathLike = "r_net_small",
        *,
        face_model: morphable_model.MorphableModel | str | os.PathLike | None = None,
        detector: face_detection.FaceDetector | None = None,
        skin_model: SkinModel | None = None,
        refiner: Refiner | None = None,
    ) -> "FaceReconstructor":
        """Loads an R-Net and the face model that it was trained for.

        Args:
            name: Name of a preset, or path of a `.keras` file.
            face_model: The 3DMM, its name or its file; by default the one named by the network.
            detector: As for the constructor.
            skin_model: As for the constructor.
            refiner: As for the constructor.

        Raises:
            FileNotFoundError: If the network or the face model does not exist.
            ValueError: If the network was trained for another face model.
        """
        r_net, decoder = load_network(name, face_model)
        return cls(r_net, decoder, detector, skin_model, refiner)

    def reconstruct(
        self,
        image: str | os.PathLike | np.ndarray,
        *,
        refine: bool = False,
        all_faces: bool = False,
        landmarks: np.ndarray | None = None,
        source: str | None = None,
        progress: bool = False,
    ) -> list[FaceReconstruction]:
        """Reconstructs the largest face of a photo, or all faces.

        Args:
            image: Path of an image file, or RGB array `[height, width]`, `[height, width, 3]` or
                `[height, width, 4]` (composited over black), uint8 or floats in [0, 1]; at least 16
                pixels on each side.
            refine: Whether to refine the coefficients by gradient descent through the renderer.
            all_faces: Whether to return all detected faces, largest first. Faces that cannot be
                aligned are skipped with a warning.
            landmarks: Landmarks of the face, used instead of detection, in pixels `(column, row)`
                of the upright photo: `[5, 2]` (left eye, right eye, nose tip, left and right mouth
                corner, left and right as seen in the image) or `[68, 2]` (iBUG).
            source: Name of the photo in messages and files; by default its path as given.
            progress: Whether refinement shows a progress bar.

        Returns:
            One reconstruction for each face; at least one.

        Raises:
            FileNotFoundError: If the file does not exist.
            ValueError: If the file or array is not a valid image, no face is detected, or
                `landmarks` are not those of a face; the message names the photo.
        """
        found = face_selection.read_faces(
            self.detector, image, all_faces=all_faces, landmarks=landmarks, source=source
        )
        crops = np.stack([crop.image for _, crop in found.faces]).astype(np.float32) / 255.0
        coefficients = self._regress(crops).numpy()
        photo_fields = {
            "source": found.source,
            "source_path": found.source_path,
            "photo": found.photo,
            "photo_rotation": found.photo_rotation,
        }
        return [
            self._reconstruct_face(photo_fields, face, crop, vector, refine, progress)
            for (face, crop), vector in zip(found.faces, coefficients, strict=True)
        ]

    def _reconstruct_face(self, photo_fields, face, aligned, coefficients, refine, progress):
        report = None
        crop_points = aligned.transform.to_crop(face.points)
        skin_probability = self.skin_model.probability(aligned.image)
        decoded = self._decoded(coefficients)
        disagreement = doubts.point_disagreement(decoded["five_points"], crop_points)
        reasons = doubts.find_doubts(
            disagreement=disagreement,
            confidence=face.confidence,
            photo_points=face.points,
            crop_points=crop_points,
            mask=decoded["mask"][..., 0],
            skin_probability=skin_probability,
        )
        if reasons:
            message = f"{photo_fields['source']}: doubtful reconstruction: {'; '.join(reasons)}."
            warnings.warn(message, doubts.DoubtfulFaceWarning, stacklevel=3)
        if refine:
            coefficients, report = self.refiner.refine(
                coefficients,
                aligned.image / np.float32(255.0),
                crop_points,
                skin_probability,
                progress=progress,
            )
            decoded = self._decoded(coefficients)
        groups = self.decoder.layout.split(coefficients)
        model = self.decoder.face_model
        neutral = model.mean_shape + model.identity_basis @ groups["identity"]
        return FaceReconstruction(
            **photo_fields,
            box=face.box,
            confidence=face.confidence,
            crop=aligned.image,
            crop_transform=aligned.transform,
            coefficients=groups,
            camera=self.decoder.camera,
            vertices=decoded["vertices"],
            normals=decoded["normals"],
            neutral_vertices=neutral,
            triangles=model.triangles,
            uv=model.uv,
            uv_triangles=model.triangles if model.uv_triangles is None else model.uv_triangles,
            albedo=decoded["albedo"],
            colours=decoded["colours"],
            landmarks=decoded["landmarks"],
            five_points=decoded["five_points"],
            alignment_points=face.points,
            image=decoded["image"],
            mask=decoded["mask"][..., 0],
            face_model=model.name,
            face_model_fingerprint=model.fingerprint,
            refinement=report,
            point_disagreement=disagreement,
            doubts=reasons,
        )

    def _decoded(self, coefficients: np.ndarray) -> dict[str, np.ndarray]:
        return {key: value.numpy()[0] for key, value in self._decode(coefficients[None]).items()}


def load_network(
    name: str | os.PathLike,
    face_model: morphable_model.MorphableModel | str | os.PathLike | None = None,
    jaw: str = "fixed",
) -> tuple[RNet, FaceDecoder]:
    """Loads an R-Net and builds its decoder.

    Args:
        name: See `FaceReconstructor.from_preset`, also for the errors.
        face_model: Likewise.
        jaw: See `FaceDecoder`.
    """
    r_net = RNet.from_preset(name)
    wanted = r_net.face_model if face_model is None else face_model
    if not isinstance(wanted, morphable_model.MorphableModel):
        try:
            wanted = morphable_model.MorphableModel.from_preset(wanted)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(
                f"Network {os.fspath(name)!r} needs its face model {r_net.face_model!r} "
                f"(pass it as `face_model`): {error}"
            ) from error
    decoder = FaceDecoder(
        wanted,
        num_lighting=r_net.heads.sizes["lighting"],
        camera=PerspectiveCamera(half_pixel_offset=r_net.half_pixel_offset),
        jaw=jaw,
    )
    _check_compatible(r_net, decoder)
    return r_net, decoder


def _check_compatible(r_net, decoder) -> None:
    """Raises `ValueError` unless the network was trained for the decoder's face model."""
    sizes = dict(r_net.heads.sizes)
    if sizes != decoder.layout.sizes:
        raise ValueError(
            f"`r_net` was trained for face model {r_net.face_model!r} and cannot predict the "
            f"coefficients of {decoder.face_model.name!r}: train a network for that face model "
            "(docs/face_models.md). `r_net` and `decoder` must have the same coefficients. "
            f"Received: {sizes} and {decoder.layout.sizes}."
        )
    expected, model = r_net.face_model_fingerprint, decoder.face_model
    if expected and expected != model.fingerprint:
        raise ValueError(
            f"`r_net` was trained for face model {r_net.face_model!r} (fingerprint "
            f"{expected[:12]}...), but `decoder` has another face model or another edition of it, "
            f"{model.name!r} (fingerprint {model.fingerprint[:12]}...): train a network for it "
            "(docs/face_models.md)."
        )
    if r_net.half_pixel_offset and not decoder.camera.half_pixel_offset:
        raise ValueError(
            "`r_net` was trained with the landmarks of the code of Deng et al.: `decoder` must "
            "have the camera PerspectiveCamera(half_pixel_offset=True). "
            f"Received: {decoder.camera}."
        )
