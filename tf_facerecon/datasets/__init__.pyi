from .coefficient_sampling import (
    FaceDistribution as FaceDistribution,
    sample_coefficients as sample_coefficients,
)
from .deep3d_dataset import (
    build_deep3d_pytorch_dataset as build_deep3d_pytorch_dataset,
    build_deep3d_tensorflow_dataset as build_deep3d_tensorflow_dataset,
)
from .geometric_augmentation import AugmentationRange as AugmentationRange
from .identity_dataset import build_identity_dataset as build_identity_dataset
from .mixed_dataset import mix_photos_and_renderings as mix_photos_and_renderings
from .photo_dataset import build_photo_dataset as build_photo_dataset
from .photo_preparation import prepare_photos as prepare_photos
from .photo_set_dataset import build_photo_set_dataset as build_photo_set_dataset
from .prepared_photos import PreparedPhotos as PreparedPhotos
from .synthetic_dataset import build_synthetic_dataset as build_synthetic_dataset
from .synthetic_set_dataset import build_synthetic_set_dataset as build_synthetic_set_dataset
