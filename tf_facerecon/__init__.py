"""3D face reconstruction from photographs, in TensorFlow 2 / Keras 3.

The public names are listed in `__init__.pyi`, here and in each subpackage; editors and type
checkers read them there. They are imported on first use: `import tf_facerecon` imports neither
TensorFlow nor Keras.
"""

import lazy_loader

from tf_facerecon.core import keras_registration, keras_settings

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
keras_settings.choose_backend()
keras_registration.register_on_import()
