from .deep3d_files import (
    read_deep3d_coefficients as read_deep3d_coefficients,
    write_deep3d_files as write_deep3d_files,
)
from .photo_texture import extract_texture as extract_texture
from .saved_model import export_saved_model as export_saved_model
