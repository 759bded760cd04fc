"""Fine-tunes an R-Net on a folder of your own photographs: no labels, no 3D scans.

python examples/train_on_your_photos.py my_photos --steps 2000 --out my_r_net.keras
"""

import argparse
import pathlib

import keras

import tf_facerecon

# The terms of Deng et al. 2019 that need neither 68 landmarks nor an identity network. The five
# points alone determine the pose here, hence their weight, ten times that of the configurations.
LOSS_WEIGHTS = {
    "photometric": 1.92,
    "five_point": 0.02,
    "coefficient": 3e-4,
    "albedo_flatness": 5.0,
    "white_light": 10.0,
}


def main(arguments=None):
    """Prepares the photographs, trains, saves the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="photographs, one face each")
    parser.add_argument("--out", default="my_r_net.keras", help="where to save the network")
    parser.add_argument("--network", default="r_net_small", help="initial weights")
    parser.add_argument("--batch-size", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args(arguments)
    if not options.out.endswith(".keras"):
        parser.error(f"--out must end in .keras: {options.out}")

    try:
        r_net = tf_facerecon.RNet.from_preset(options.network)
        decoder = tf_facerecon.FaceDecoder(
            r_net.face_model,
            num_lighting=r_net.heads.sizes["lighting"],
            fingerprint=r_net.face_model_fingerprint or None,
        )
        model = tf_facerecon.HybridModel(
            r_net, decoder, identity_network=None, loss_weights=LOSS_WEIGHTS
        )
        model.compile(optimizer=keras.optimizers.Adam(1e-4))
        photos = tf_facerecon.build_photo_dataset(options.folder, options.batch_size, seed=0)
        history = model.fit(photos, epochs=1, steps_per_epoch=options.steps)
        pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
        model.r_net.save(options.out)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print("saved", options.out, "with final loss", round(history.history["loss"][-1], 4))


if __name__ == "__main__":
    main()
