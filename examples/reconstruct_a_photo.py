"""Photograph to 3D face in a few lines; without an argument, scikit-image's astronaut.

python examples/reconstruct_a_photo.py photo.jpg --out faces
"""

import argparse
import pathlib

import tf_facerecon


def main(arguments=None):
    """Reconstructs one face and says what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="?", help="image file")
    parser.add_argument("--out", default="faces", help="folder to write to")
    parser.add_argument("--overwrite", action="store_true", help="replace files of earlier runs")
    parser.add_argument("--network", default="r_net_small", help="preset, or a .keras file")
    options = parser.parse_args(arguments)
    photo = options.photo
    if photo is None:
        import skimage.data

        photo = skimage.data.astronaut()

    stem = pathlib.Path(options.photo or "astronaut").stem
    try:
        reconstructor = tf_facerecon.FaceReconstructor.from_preset(options.network)
        face = reconstructor.reconstruct(photo)[0]  # refine=True fits it more closely, in seconds
        for path in face.save(options.out, stem, overwrite=options.overwrite):
            print("wrote", path)
    except (OSError, ValueError) as error:
        parser.error(str(error))

    pitch, yaw, roll = face.rotation_degrees
    print(f"head turned by pitch {pitch:.1f}, yaw {yaw:.1f}, roll {roll:.1f} degrees")
    print("nose tip in the photograph (column, row):", face.photo_landmarks[30].round(1))
    print("first identity coefficients:", face.coefficients["identity"][:3].round(2))


if __name__ == "__main__":
    main()
