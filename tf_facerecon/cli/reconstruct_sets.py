"""`tf-facerecon reconstruct --set`: one face from each folder of photographs of one person."""

import argparse
import pathlib
import sys
import warnings

from tf_facerecon.cli import earlier_results, photo_arguments
from tf_facerecon.inference import image_set_reconstructor
from tf_facerecon.inference.output_names import SET_OUTPUTS
from tf_facerecon.io import atomic_files
from tf_facerecon.results.confidence_shares import is_uniform


def run_sets(options: argparse.Namespace) -> int:
    """Reconstructs every set of the command line; returns the exit code."""
    folders = [folder for folder in options.sets if folder.is_dir()]
    failures = {f: "is not a folder of photographs" for f in options.sets if f not in folders}
    with_c_net = options.aggregate in (None, "cnet")
    is_new, not_read = True, {}
    try:
        is_new = not options.out.exists()
        if not folders:
            raise ValueError(f"--set {options.sets[0]} is not a folder of photographs.")
        photo_arguments.check_out(options.out, folders)
        atomic_files.make_folder(options.out)
        embed = options.identity_network
        reconstructor = image_set_reconstructor.ImageSetReconstructor.from_preset(
            options.network,
            c_net=options.c_net if with_c_net else None,
            identity_network=None if embed == "none" else embed,
            face_model=options.face_model,
        )
    except (OSError, ValueError) as error:
        hint = " --aggregate mean needs no C-Net." if options.c_net in str(error) else ""
        print(f"error: {error}{hint}", file=sys.stderr)
        if is_new:
            photo_arguments.remove_if_empty(options.out)
        return 2
    for folder, name in zip(folders, photo_arguments.choose_set_names(folders), strict=True):
        try:
            reconstruct_set(reconstructor, folder, name, options, failures, not_read)
        except image_set_reconstructor.PHOTO_ERRORS as error:
            failures[folder] = error
    if is_new:
        photo_arguments.remove_if_empty(options.out)
    photo_arguments.report_not_read(not_read)
    return photo_arguments.report_failures(failures)


def reconstruct_set(
    reconstructor, folder: pathlib.Path, name: str, options, failures: dict, not_read: dict
) -> None:
    """Reconstructs and writes one person.

    Adds photographs that failed, and why, to `failures`, and what else is in the folder to
    `not_read`.
    """
    photos, others = photo_arguments.list_photos(folder)
    if others:
        not_read[folder] = others
    photo_arguments.check_out(options.out / name, options.sets)
    suffixes = ["_*.mat"]
    if options.format == "standard":
        suffixes = [suffix for chosen in options.save for suffix in SET_OUTPUTS[chosen]]
    earlier = earlier_results.find_each(options.out / name, name, suffixes)
    if options.skip_existing and None not in earlier:
        earlier_results.check_source(options.out / name / f"{name}.json", photos)
        print(f"{name}: skipped, {earlier[0]} exists")
        return
    existing = [path for path in earlier if path]
    if existing and not options.overwrite:
        skip = " or keep it with --skip-existing" if options.format == "standard" else ""
        raise FileExistsError(f"{existing[0]} exists already; replace it with --overwrite{skip}.")
    with warnings.catch_warnings():
        # The result holds the same warnings; they are printed below like other messages.
        warnings.simplefilter("ignore", image_set_reconstructor.ImageSetWarning)
        person = reconstructor.reconstruct(
            photos, aggregate=options.aggregate or "cnet", progress=True
        )
    for warning in person.warnings:
        print(f"warning: {name}: {warning}", file=sys.stderr)
    failures |= person.failures
    rules = {"overwrite": options.overwrite, "keep": photos}
    if options.format == "standard":
        person.save(options.out / name, name, outputs=options.save, **rules)
    else:
        flavour = photo_arguments.DEEP3D_FLAVOURS[options.format]
        person.save_deep3d(options.out / name, name, flavour, **rules)
    print(
        f"{name}: one face from {sum(person.counted)} of {len(photos)} photo(s) written to "
        f"{options.out / name}"
    )
    for region, shares in person.region_shares().items():
        most = int(shares.argmax())
        leader = person.images[most].name
        lead = "the same share from all" if is_uniform(shares) else f"most from {leader}"
        print(f"  {region:<5} {lead} ({shares[most]:.0%})")
