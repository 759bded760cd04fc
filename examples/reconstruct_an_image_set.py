"""Several photographs of one person to one face.

python examples/reconstruct_an_image_set.py anna1.jpg anna2.jpg anna3.jpg --out anna
"""

import argparse

import tf_facerecon


def main(arguments=None):
    """Reconstructs one person and prints how much each photograph contributed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", help="image files")
    parser.add_argument("--out", default="person", help="folder to write to")
    parser.add_argument("--aggregate", default="cnet", help="cnet, mean or best")
    parser.add_argument("--overwrite", action="store_true", help="replace files of earlier runs")
    parser.add_argument("--network", default="r_net_small", help="preset, or a .keras file")
    parser.add_argument("--c-net", default="c_net_small", help="preset, or a .keras file")
    options = parser.parse_args(arguments)

    try:
        reconstructor = tf_facerecon.ImageSetReconstructor.from_preset(
            options.network, c_net=options.c_net, identity_network=None
        )
        person = reconstructor.reconstruct(
            options.photos, aggregate=options.aggregate, progress=True
        )
        for path in person.save(options.out, "person", overwrite=options.overwrite):
            print("wrote", path)
    except (OSError, ValueError) as error:
        parser.error(str(error))

    for region, shares in person.region_shares().items():
        best = person.images[shares.argmax()].name
        print(f"{region}: most of it ({shares.max():.0%}) was seen in {best}")
    for image, share in zip(person.images, person.coefficient_shares.mean(axis=1), strict=True):
        print(f"{image.name}: {share:.0%} of the identity")


if __name__ == "__main__":
    main()
