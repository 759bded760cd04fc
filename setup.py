"""Packaging of tf_facerecon; pinned development versions live in requirements.lock."""

from setuptools import find_packages, setup

setup(
    name="tf_facerecon",
    version="0.1.0",
    description="3D faces from photographs, in TensorFlow 2 / Keras 3.",
    long_description=open("README.md", encoding="utf-8").read(),
    long_description_content_type="text/markdown",
    license="MIT",
    packages=find_packages(include=["tf_facerecon", "tf_facerecon.*"]),
    package_data={"tf_facerecon": ["py.typed", "weights/*", "configs/*.yaml"]},
    python_requires=">=3.10,<3.14",
    install_requires=[
        "tensorflow>=2.21",
        "keras>=3.12",
        # Without the lower bound pip takes the 2020 release on Python 3.12+, which has no
        # rendering modules; the newer one needs tensorflow-addons, which ends at Python 3.11.
        'tensorflow-graphics>=2021.12.3; python_version < "3.12"',
        "keras-facenet>=0.3.2",
        # keras-facenet imports cv2 and scipy without declaring them.
        "opencv-python-headless",
        "scipy>=1.15",
        "mtcnn>=1.0.0",
        "scikit-learn",
        "numpy",
        "pillow",
        "tqdm",
        "h5py",
        "platformdirs",
        "pydantic>=2",
        "PyYAML",
        # TensorFlow 2.21 no longer brings tensorboard, its callback needs it.
        "tensorboard",
    ],
    extras_require={
        "demo": ["scikit-image"],
        "benchmarks": ["matplotlib", "scikit-image"],
        "test": [
            "pytest",
            "pytest-timeout",
            "pytest-xdist",
            "hypothesis",
            "matplotlib",
            "scikit-image",
            "trimesh",
            "ruff",
        ],
    },
)
