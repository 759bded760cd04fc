from .image_files import read_image as read_image, write_image as write_image
from .mesh_files import ObjMesh as ObjMesh, read_obj as read_obj, write_obj as write_obj
