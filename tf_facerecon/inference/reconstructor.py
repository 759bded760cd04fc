"""Photograph in, 3D faces out: detection, alignment, R-Net, decoder, and refinement on request."""

import os

import numpy as np
import tensorflow as tf

from tf_facerecon.inference import face_selection
from tf_facerecon.inference.face_reconstruction import FaceReconstruction
from tf_facerecon.inference.refinement import Refiner
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models import expression_limits, morphable_model
from tf_facerecon.photos import face_detection
from tf_facerecon.photos.skin_probability import SkinModel


class FaceReconstructor:
    """Reconstructs the faces of photographs; make one and use it for many.

    Args:
        r_net: Network from aligned crops to coefficients.
        decoder: Decoder of the face model that the network learnt.
        detector: Finds faces; the stock MTCNN detector by default.
        skin_model: Skin probability for refinement; the published classifier by default.
        refiner: Used by `reconstruct(refine=True)`; default settings by default.

    Raises:
        ValueError: If network and decoder speak of different coefficients or face models.
    """

    def __init__(
        self,
        r_net: RNet,
        decoder: FaceDecoder,
        detector: face_detection.FaceDetector | None = None,
        skin_model: SkinModel | None = None,
        refiner: Refiner | None = None,
    ):
        _check_partners(r_net, decoder)
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
        **parts,
    ) -> "FaceReconstructor":
        """Loads a network and the face model that belongs to it.

        Args:
            name: A shipped preset, or the path of a `.keras` file.
            face_model: The 3DMM; by default the one whose name the network carries.
            **parts: `detector`, `skin_model` or `refiner` for the constructor.

        Raises:
            FileNotFoundError: If the network or the face model is not there.
            ValueError: If the face model is not the one that the network learnt.
        """
        return cls(*load_network(name, face_model), **parts)

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
        """Reconstructs the largest face of a photograph, or all of them.

        Args:
            image: Path, or array `[height, width]`, `[height, width, 3]` or `[height, width, 4]`
                (laid on black): uint8, or floats in [0, 1]; at least 16 pixels on each side.
            refine: Whether to continue by gradient descent through the renderer.
            all_faces: Whether to return every face that was detected, largest first. One that
                cannot be aligned is left out with a warning.
            landmarks: 5 points (eye on the image's left, on its right, nose tip, mouth corner on
                the left, on the right) or 68 iBUG points in pixels of the upright photograph; then
                nothing is detected.
            source: What to call the photograph in messages and files; by default its file name.
            progress: Whether refinement shows a progress bar.

        Returns:
            One reconstruction per face; at least one.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file or array is not a picture, no face is found, or `landmarks` do
                not describe a face; the message names the photograph.
        """
        found = face_selection.read_faces(
            self.detector, image, all_faces=all_faces, landmarks=landmarks, source=source
        )
        crops = np.stack([crop.image for _, crop in found.faces]).astype(np.float32) / 255.0
        coefficients = self._regress(crops).numpy()
        about = {
            "source": found.source,
            "source_path": found.source_path,
            "photo": found.photo,
        }
        return [
            self._reconstruct_face(about, face, crop, vector, refine, progress)
            for (face, crop), vector in zip(found.faces, coefficients, strict=True)
        ]

    def _reconstruct_face(self, about, face, aligned, coefficients, refine, progress):
        report = None
        if refine:
            coefficients, report = self.refiner.refine(
                coefficients,
                aligned.image / np.float32(255.0),
                aligned.transform.to_crop(face.points),
                self.skin_model.probability(aligned.image),
                progress=progress,
            )
        decoded = {key: value.numpy()[0] for key, value in self._decode(coefficients[None]).items()}
        groups = self.decoder.layout.split(coefficients)
        model = self.decoder.face_model
        neutral = model.mean_shape + model.identity_basis @ groups["identity"]
        return FaceReconstruction(
            **about,
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
            found_points=face.points,
            image=decoded["image"],
            mask=decoded["mask"][..., 0],
            face_model=model.name,
            face_model_fingerprint=model.fingerprint,
            refinement=report,
        )


def load_network(
    name: str | os.PathLike,
    face_model: morphable_model.MorphableModel | str | os.PathLike | None = None,
) -> tuple[RNet, FaceDecoder]:
    """Loads a network and builds its decoder; see `FaceReconstructor.from_preset`."""
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
    decoder = FaceDecoder(wanted, num_lighting=r_net.heads.sizes["lighting"])
    _check_partners(r_net, decoder)
    return r_net, decoder


def _check_partners(r_net, decoder) -> None:
    """Raises `ValueError` unless the network learnt the decoder's coefficients."""
    sizes = dict(r_net.heads.sizes)
    if sizes != decoder.layout.sizes:
        raise ValueError(
            f"The network `r_net` learnt the coefficients of face model {r_net.face_model!r}, and "
            f"cannot answer those of {decoder.face_model.name!r}: a network has to be trained for "
            "it (docs/face_models.md). `r_net` and `decoder` must have the same coefficients. "
            f"Received: {sizes} and {decoder.layout.sizes}."
        )
    expected, model = r_net.face_model_fingerprint, decoder.face_model
    if expected and expected != model.fingerprint:
        raise ValueError(
            f"`r_net` learnt face model {r_net.face_model!r} (fingerprint {expected[:12]}...), but "
            f"`decoder` has another model or another edition of it, {model.name!r} (fingerprint "
            f"{model.fingerprint[:12]}...), of which a network has to be trained "
            "(docs/face_models.md)."
        )
