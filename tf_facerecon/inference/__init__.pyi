from .face_reconstruction import FaceReconstruction as FaceReconstruction
from .image_set_reconstruction import ImageSetReconstruction as ImageSetReconstruction
from .image_set_reconstructor import (
    ImageSetReconstructor as ImageSetReconstructor,
    ImageSetWarning as ImageSetWarning,
)
from .reconstructor import FaceReconstructor as FaceReconstructor
from .refinement import Refiner as Refiner
