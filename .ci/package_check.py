"""Checks the contents of the wheel and the public names of the installed package.

python .ci/package_check.py WHEEL PHOTO    PHOTO is written: scikit-image's astronaut
"""

import pathlib
import sys
import zipfile

import PIL.Image
import skimage.data

import tf_facerecon

NEEDED = (
    "tf_facerecon/py.typed",
    "tf_facerecon/__init__.pyi",
    "tf_facerecon/layers/__init__.pyi",
    "tf_facerecon/configs/smoke.yaml",
    "tf_facerecon/weights/presets.json",
    "tf_facerecon/weights/r_net_small.weights.h5",
)


def main(wheel: str, photo: str) -> None:
    """Exits with a message if a file is missing or superfluous; imports all public names."""
    files = set(zipfile.ZipFile(wheel).namelist())
    missing = [name for name in NEEDED if name not in files]
    foreign = [name for name in files if not name.startswith("tf_facerecon")]
    if missing or foreign:
        sys.exit(f"{wheel}: missing {missing}, superfluous {foreign}")
    if "site-packages" not in pathlib.Path(tf_facerecon.__file__).parts:
        sys.exit(f"tf_facerecon was imported from {tf_facerecon.__file__}, not from the wheel")
    count = 0
    for name in tf_facerecon.__all__:
        value = getattr(tf_facerecon, name)
        names = getattr(value, "__all__", ())
        count += 1 + len([getattr(value, inner) for inner in names])
    PIL.Image.fromarray(skimage.data.astronaut()).save(photo, quality=95)
    print(f"{len(files)} files in the wheel; {count} public names were imported")


if __name__ == "__main__":
    main(*sys.argv[1:])
