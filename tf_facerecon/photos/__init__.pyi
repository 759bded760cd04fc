from .face_alignment import (
    AlignedFace as AlignedFace,
    CropTransform as CropTransform,
    align_face as align_face,
    crop_image as crop_image,
    fit_crop_transform as fit_crop_transform,
    five_points_from_68 as five_points_from_68,
)
from .face_detection import DetectedFace as DetectedFace, FaceDetector as FaceDetector
from .point_files import read_points as read_points
from .skin_probability import SkinModel as SkinModel
