"""`tf.data` datasets of the training data that the two Deep3D repositories prepare.

The elements are those of `photo_dataset.build_photo_dataset`, for the same models and losses.
"""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import deep3d_folders, epoch_order, photo_dataset
from tf_facerecon.datasets import geometric_augmentation as augmentations
from tf_facerecon.datasets.deep3d_folders import Deep3DFiles
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange


def build_deep3d_tensorflow_dataset(
    folder: str | os.PathLike,
    batch_size: int,
    *,
    seed: int = 0,
    first_batch: int = 0,
    num_batches: int | None = None,
    shuffle: bool = True,
) -> tf.data.Dataset:
    """Endless batches of a folder that microsoft/Deep3DFaceReconstruction prepared.

    Crops are aligned already and, as there, not augmented. `deep3d_folders` describes the layout.
    Sample i depends only on `(seed, i)` and the files, see `build_photo_dataset`.

    Args:
        folder: Output of `preprocess_img.py`: crops with `lm_bin` (or `lm`) and `mask`.
        batch_size: Crops in a batch.
        seed: Of shuffling.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.
        shuffle: Whether to shuffle in each epoch; otherwise sorted by name.

    Returns:
        See `photo_dataset.build_photo_dataset`; `landmark_weights` are ones.

    Raises:
        FileNotFoundError: If the folder, landmarks or a mask are missing.
        ValueError: If a number is out of range, or the folder holds no crops.
    """
    photo_dataset.check_arguments(batch_size, first_batch, seed)
    files = deep3d_folders.find_tensorflow_files(folder)
    return _build(files, batch_size, seed, first_batch, num_batches, shuffle)


def build_deep3d_pytorch_dataset(
    folder: str | os.PathLike,
    batch_size: int,
    *,
    list_file: str | os.PathLike = deep3d_folders.TRAINING_LIST,
    seed: int = 0,
    first_batch: int = 0,
    num_batches: int | None = None,
    shuffle: bool = True,
    augmentation: AugmentationRange | None = None,
    reference_quirks: bool = False,
) -> tf.data.Dataset:
    """Endless batches of a list of photographs that sicxu/Deep3DFaceRecon_pytorch prepared.

    Photographs are aligned by their 68 landmarks, masks with them, and both then augmented.
    `deep3d_folders` describes the layout. Sample i depends only on `(seed, i)` and the files, see
    `build_photo_dataset`.

    Args:
        folder: What the paths in the list are relative to: the checkout of that repository.
        batch_size: Photographs in a batch.
        list_file: The list of masks, relative to `folder`.
        seed: Of shuffling and augmentation.
        first_batch: Index of the first batch, to resume a run.
        num_batches: Number of batches; endless if `None`.
        shuffle: Whether to shuffle in each epoch; otherwise in the order of the list.
        augmentation: Ranges of shift, scale, rotation and mirroring (`AugmentationRange()` has
            those of the repository); no augmentation if `None`.
        reference_quirks: Whether landmarks are off by one or two pixels, as there; see
            `Deep3DFiles.load` and `geometric_augmentation.augment`.

    Returns:
        See `photo_dataset.build_photo_dataset`; `landmark_weights` are ones.

    Raises:
        FileNotFoundError: If the list or one of its files is missing.
        ValueError: If a number is out of range, the list is empty, or a line is no mask's path.
    """
    photo_dataset.check_arguments(batch_size, first_batch, seed)
    files = deep3d_folders.find_pytorch_files(folder, list_file)
    return _build(
        files, batch_size, seed, first_batch, num_batches, shuffle, augmentation, reference_quirks
    )


def _build(
    files: Sequence[Deep3DFiles],
    batch_size: int,
    seed: int,
    first_batch: int,
    num_batches: int | None,
    shuffle: bool,
    augmentation: AugmentationRange | None = None,
    reference_quirks: bool = False,
) -> tf.data.Dataset:
    file_index = epoch_order.epoch_sampler(len(files), seed, shuffle)

    def load(index: int) -> dict[str, np.ndarray]:
        sample = files[file_index(index)].load(reference_quirks)
        return augmentations.augment_randomly(
            sample, augmentation, [seed, 1, index], reference_quirks
        )

    return photo_dataset.dataset_of_samples(
        load, photo_dataset.SAMPLE_SHAPES, batch_size, first_batch, num_batches
    )
