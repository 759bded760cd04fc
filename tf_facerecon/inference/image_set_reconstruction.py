"""The result of image-set reconstruction: one person's face, and its fit to every photo.

Convention:
    Frames and units as in `results.fitted_face`: decimetres, y up, z towards the camera.
"""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tf_facerecon.core import package_versions
from tf_facerecon.export import blended_texture, deep3d_files, texture_projection
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.inference import face_reconstruction, output_names, textured_meshes
from tf_facerecon.inference.image_results import ImageResult
from tf_facerecon.io import file_groups, image_files, json_files
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.morphable_models import expression_limits
from tf_facerecon.results import confidence_shares
from tf_facerecon.results.fitted_face import CropFit
from tf_facerecon.visualization import crop_resampling, mesh_rendering
from tf_facerecon.visualization.confidence_figure import draw_confidence_figure

_TEXTURE_SIZE = 512  # About the resolution of the crops.
_DEPTH_SIZE = 448


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSetReconstruction:
    """One person's face from N photos; V vertices, K identity coefficients.

    Attributes:
        images: The photos in which a face was detected, in the order given.
        failures: Reasons, by source, why the other photos could not be used.
        warnings: Messages about duplicates, photos of another person, or a single usable photo.
        aggregate: "cnet", "mean" or "best"; see `ImageSetReconstructor.reconstruct`.
        identity: `[K]` aggregated identity coefficients, standard deviations.
        texture: `[K_tex]` texture coefficients, mean over the photos, standard deviations.
        decoder: Decoder from coefficients to meshes.
    """

    images: tuple[ImageResult, ...]
    failures: Mapping[str, str]
    warnings: tuple[str, ...]
    aggregate: str
    identity: np.ndarray
    texture: np.ndarray
    decoder: FaceDecoder

    @property
    def counted(self) -> np.ndarray:
        """`[N]` bool: photos that are part of the aggregation, all except duplicates."""
        return np.array([image.duplicate_of is None for image in self.images])

    @functools.cached_property
    def coefficient_shares(self) -> np.ndarray:
        """`[N, K]` share of each photo in each identity coefficient: normalised confidences."""
        confidence = np.stack([image.confidence for image in self.images])
        return confidence_shares.coefficient_shares(confidence, self.counted)

    @property
    def photo_shares(self) -> np.ndarray:
        """`[N]` share of each photo in the identity: mean over the coefficients."""
        return self.coefficient_shares.mean(axis=1)

    def vertex_shares(self) -> np.ndarray:
        """`[N, V]` share of each photo in each vertex; see `confidence_shares.vertex_shares`."""
        model = self.decoder.face_model
        return confidence_shares.vertex_shares(self.coefficient_shares, model.identity_basis)

    def region_shares(self) -> dict[str, np.ndarray]:
        """`[N]` share of each photo in each of "jaw", "brows", "nose", "eyes" and "mouth"."""
        model = self.decoder.face_model
        return confidence_shares.region_shares(self.vertex_shares(), model.landmarks)

    @property
    def neutral_vertices(self) -> np.ndarray:
        """`[V, 3]` float32, neutral face of the person: model frame, no expression, no pose."""
        model = self.decoder.face_model
        return model.mean_shape + model.identity_basis @ self.identity

    @property
    def albedo(self) -> np.ndarray:
        """`[V, 3]` RGB without illumination, about 0 to 1, not clamped."""
        model = self.decoder.face_model
        return model.mean_albedo + model.albedo_basis @ self.texture

    def posed(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The aggregated identity with the expression, pose and texture of one photo.

        Args:
            index: Index of the photo in `images`.

        Returns:
            Vertices `[V, 3]`, world frame, decimetres, and albedo `[V, 3]` of that photo.
        """
        vertices, _, albedo = self._posed_faces
        return vertices[index].copy(), albedo[index].copy()

    def fit(self, index: int) -> CropFit:
        """The face of `posed`, rendered with the light of that photo over its crop.

        Args:
            index: Index of the photo in `images`.
        """
        photo, coefficients = self.images[index], self._posed_coefficients[index : index + 1]
        decoded = {key: value.numpy()[0] for key, value in self.decoder(coefficients).items()}
        return CropFit(
            crop=photo.crop,
            crop_transform=photo.crop_transform,
            alignment_points=photo.alignment_points,
            coefficients=self.decoder.layout.split(coefficients[0]),
            camera=self.decoder.camera,
            vertices=decoded["vertices"],
            triangles=self.decoder.face_model.triangles,
            albedo=decoded["albedo"],
            colours=decoded["colours"],
            landmarks=decoded["landmarks"],
            image=decoded["image"],
            mask=decoded["mask"][..., 0],
            source_path=photo.source_path,
        )

    @functools.cached_property
    def _posed_faces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices, normals and albedo of `posed` for all photos, `[N, V, 3]` each."""
        model = self.decoder.face_model
        decoded = self.decoder(self._posed_coefficients, render=False)
        incidence = mesh_normals.vertex_incidence(model.triangles, model.num_vertices)
        normals = mesh_normals.vertex_normals(decoded["vertices"], model.triangles, incidence)
        return decoded["vertices"].numpy(), normals.numpy(), decoded["albedo"].numpy()

    @functools.cached_property
    def _posed_coefficients(self) -> np.ndarray:
        """`[N, C]`; another identity than a photo's own can close lids and lips too far."""
        layout = self.decoder.layout
        merged = [
            layout.merge({**image.coefficients, "identity": self.identity}) for image in self.images
        ]
        return expression_limits.limit_coefficients(
            self.decoder.face_model, layout, np.stack(merged)
        ).numpy()

    def blended_texture(self) -> np.ndarray:
        """Texture for the UV map of the face model, `[512, 512, 3]` uint8 RGB.

        All photos that count are blended by visibility and by their shares in each part of the
        face; see `blended_texture.blend_photos`.
        """
        model = self.decoder.face_model
        mesh = texture_projection.UvMesh.create(
            model.uv, self._uv_triangles, model.triangles, model.num_vertices
        )
        texels = texture_projection.cover_texels(mesh, _TEXTURE_SIZE)
        shares = self.vertex_shares()
        photos = (
            (self._project(index, texels), shares[index]) for index in np.flatnonzero(self.counted)
        )
        return blended_texture.blend_photos(texels, self.albedo, photos)

    @property
    def _uv_triangles(self) -> np.ndarray:
        model = self.decoder.face_model
        return model.triangles if model.uv_triangles is None else model.uv_triangles

    def _project(
        self, index: int, texels: texture_projection.Texels
    ) -> texture_projection.Projection:
        """What one photo shows of the person."""
        triangles, camera = self.decoder.face_model.triangles, self.decoder.camera
        image = self.images[index]
        vertices, normals, _ = (part[index] for part in self._posed_faces)
        return texture_projection.project_photo(
            texels.fragments,
            vertices=vertices,
            normals=normals,
            colours=self.albedo,
            camera=camera,
            crop=image.crop / np.float32(255.0),
            inside=crop_resampling.inside_photo(image.crop_transform, len(image.crop)),
            depth=mesh_rendering.render_depth(vertices, triangles, camera, _DEPTH_SIZE),
        )

    def confidence_figure(self) -> np.ndarray:
        """Draws the share of each photo in each part of the face.

        Returns:
            `[height, width, 3]` uint8 RGB; see `visualization.confidence_figure`.
        """
        return draw_confidence_figure(
            vertices=self.neutral_vertices,
            triangles=self.decoder.face_model.triangles,
            camera=self.decoder.camera,
            crops=[image.crop for image in self.images],
            names=[image.name for image in self.images],
            counted=self.counted,
            photo_shares=self.photo_shares,
            vertex_shares=self.vertex_shares(),
        )

    def summary(self, stem: str) -> dict:
        """Everything except meshes and images as numbers and text: the contents of the JSON file.

        Args:
            stem: Start of the file names, which the summary lists.
        """
        names = [image.name for image in self.images]
        model = self.decoder.face_model
        return {
            "aggregate": self.aggregate,
            "identity": self.identity,
            "texture": self.texture,
            "face_model": {"name": model.name, "fingerprint": model.fingerprint},
            "regions": {
                region: {
                    "most_from": (
                        None
                        if confidence_shares.is_uniform(shares)
                        else names[int(np.argmax(shares))]
                    ),
                    "shares": dict(zip(names, shares, strict=True)),
                }
                for region, shares in self.region_shares().items()
            },
            "images": [
                image.summary(share, _posed_name(stem, image))
                for image, share in zip(self.images, self.photo_shares, strict=True)
            ],
            "failures": dict(self.failures),
            "warnings": list(self.warnings),
            "units": {
                **face_reconstruction.UNITS,
                "share": "fraction of the identity that comes from a photo; the sum is 1",
                "embedding_distance": "1 - cosine of identity embeddings, median over the others",
            },
            "versions": package_versions.package_versions(),
        }

    def file_names(self, stem: str, outputs: Iterable[str] | None = None) -> list[str]:
        """Names of the files that `save` writes.

        Raises:
            ValueError: If an output is unknown.
        """
        outputs = output_names.choose(outputs, output_names.SET_OUTPUTS)
        return output_names.set_files(stem, outputs, [image.name for image in self.images])

    def save(
        self,
        folder: str | os.PathLike,
        stem: str,
        *,
        outputs: Iterable[str] | None = None,
        overwrite: bool = False,
        keep: Iterable[str | os.PathLike] = (),
    ) -> list[pathlib.Path]:
        """Writes meshes, figure and numbers; all of the files or, on an error, none.

        - "mesh": `<stem>.obj`, `.mtl`, `_texture.png`, the neutral face, model frame, decimetres,
          with vertex colours (albedo) and `blended_texture()`;
        - "posed": `<stem>_<name>.obj`, `.mtl`, `_texture.png`, the face with the expression and
          pose of each photo, world frame, and the same texture;
        - "confidence": `<stem>_confidence.png`, `confidence_figure()`;
        - "json": `<stem>.json`, `summary(stem)`, which names the posed meshes, written or not;
        - "npz": `<stem>.npz`, identity, texture, confidences, shares and neutral mesh as arrays.

        Args:
            folder: Created if it does not exist.
            stem: Start of every file name.
            outputs: Names of the outputs to write, of those above; by default all.
            overwrite: Whether existing files may be replaced; the photos never are.
            keep: Further files that must not be replaced.

        Returns:
            The files written.

        Raises:
            FileExistsError: If a file exists and `overwrite` is false, or it is to be kept.
            ValueError: If `stem` is not a plain file name, or an output is unknown.
            OSError: If the folder cannot be written.
        """
        outputs = output_names.choose(outputs, output_names.SET_OUTPUTS)
        return file_groups.write_together(
            folder,
            stem,
            self.file_names(stem, outputs),
            lambda temporary: self._write_files(temporary, stem, outputs),
            overwrite=overwrite,
            keep=[*keep, *self._photo_files()],
        )

    def save_deep3d(
        self,
        folder: str | os.PathLike,
        stem: str,
        flavour: deep3d_files.Flavour = "pytorch",
        *,
        overwrite: bool = False,
        keep: Iterable[str | os.PathLike] = (),
    ) -> list[pathlib.Path]:
        """Writes `fit` of every photo as `<stem>_<name>.mat` and mesh; all files or none.

        Args:
            folder: Created if it does not exist.
            stem: Start of every file name.
            flavour: See `export.write_deep3d_files`.
            overwrite: As for `save`.
            keep: As for `save`.

        Returns:
            The files written.

        Raises:
            FileExistsError: As for `save`.
            ValueError: If `flavour` is unknown, or `stem` is not a plain file name.
            OSError: If the folder cannot be written.
        """
        stems = [f"{stem}_{image.name}" for image in self.images]

        def write(temporary: pathlib.Path) -> None:
            for index, name in enumerate(stems):
                deep3d_files.write_face(self.fit(index), temporary, name, flavour)

        return file_groups.write_together(
            folder,
            stem,
            [name for each in stems for name in deep3d_files.file_names(each, flavour)],
            write,
            overwrite=overwrite,
            keep=[*keep, *self._photo_files()],
        )

    def _photo_files(self) -> list[pathlib.Path]:
        """Files of the photos, which are never overwritten."""
        return [image.source_path for image in self.images if image.source_path is not None]

    def _write_files(self, folder: pathlib.Path, stem: str, outputs: tuple[str, ...]) -> None:
        # One thread beside this one: two cores are busy then.
        with ThreadPoolExecutor(max_workers=1) as pool:
            writes = []
            if "npz" in outputs:
                writes.append(pool.submit(self._write_arrays, folder / f"{stem}.npz"))
            if "json" in outputs:
                write_json = json_files.write_json
                writes.append(pool.submit(write_json, folder / f"{stem}.json", self.summary(stem)))
            if "confidence" in outputs:
                writes.append(pool.submit(self._write_figure, folder / f"{stem}_confidence.png"))
            self._write_meshes(folder, stem, outputs)
            for write in writes:
                write.result()

    def _write_meshes(self, folder: pathlib.Path, stem: str, outputs: tuple[str, ...]) -> None:
        """Writes the chosen meshes, with the texture of the person."""
        model, meshes = self.decoder.face_model, []
        if "mesh" in outputs:
            vertices = self.neutral_vertices
            normals = mesh_normals.normals_of_mesh(vertices, model.triangles)
            meshes.append((folder / f"{stem}.obj", vertices, normals, self.albedo))
        if "posed" in outputs:
            paths = [folder / _posed_name(stem, image) for image in self.images]
            meshes += zip(paths, *self._posed_faces, strict=True)
        if meshes:
            textured_meshes.write_meshes(
                meshes, model.triangles, model.uv, self._uv_triangles, self.blended_texture()
            )

    def _write_figure(self, path: pathlib.Path) -> None:
        figure = self.confidence_figure()
        image_files.write_image(path, figure, compression=image_files.FAST_COMPRESSION)

    def _write_arrays(self, path: pathlib.Path) -> None:
        np.savez_compressed(
            path,
            identity=self.identity,
            texture=self.texture,
            neutral_vertices=self.neutral_vertices,
            triangles=self.decoder.face_model.triangles,
            names=np.array([image.name for image in self.images]),
            counted=self.counted,
            image_identity=np.stack([image.coefficients["identity"] for image in self.images]),
            confidence=np.stack([image.confidence for image in self.images]),
            coefficient_shares=self.coefficient_shares,
            vertex_shares=self.vertex_shares().astype(np.float32),
        )


def _posed_name(stem: str, image: ImageResult) -> str:
    """File name of the mesh with the expression and pose of one photo."""
    return f"{stem}_{image.name}.obj"
