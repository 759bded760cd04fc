"""3D faces from photographs, in TensorFlow 2 / Keras 3."""
