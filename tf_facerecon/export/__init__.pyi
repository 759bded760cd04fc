from .photo_texture import extract_texture as extract_texture
from .saved_model import export_saved_model as export_saved_model
