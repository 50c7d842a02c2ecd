"""A stored scan, computed again by the pipeline that every scan goes through."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...archive.folder import MANIFEST, read_stack
from ...calibrate.profile import LoadedProfile, load_profile
from ...documents.fault import StationError
from ...documents.normals import InputRecord, LightRecord
from ...documents.profile import UNIT_MATRIX
from ...documents.scan import ScanManifest
from ...exchange.files import content_of, sha256_of, unreadable
from ...photometric.integrate import slopes
from ...photometric.solve import LEAST_SQUARES, ROBUST, TRIMMED
from ...report.colour import true_colours
from ...scan.maps import MM_PER_INCH, on_card
from ...scan.pipeline import Computed, Stack, compute
from ...scan.stored import from_disk
from .request import Request, Tell, invalid
from .stored_light import relighting_of
from .surface import Outcome, Solved, shape_of

ESTIMATORS = {"robust": ROBUST, "trimmed": TRIMMED, "least-squares": LEAST_SQUARES}


def stored_outcome(
    folder: Path, request: Request, tell: Tell, note: Tell, profiles: Path | None = None
) -> Outcome:
    """Maps of a stored scan in its card's frame; `profiles` is where the user's own profiles lie.

    Raises:
        StationError: `option_invalid`, or what reading and computing raise.
    """
    useless = request.only_for_photographs()
    if useless:
        raise invalid(f"{useless[0]} means nothing for a stored scan: its profile and pictures say it")
    if request.estimator not in ESTIMATORS:
        raise invalid(f"{request.estimator} is not for stored scans, only {', '.join(ESTIMATORS)}")
    tell("read")
    manifest, frames = read_stack(folder)
    stack = _with_lights(from_disk(manifest, frames), request.lights)
    profile = _profile(manifest, request.profile, note, profiles)
    if profile.profile.camera.colour != UNIT_MATRIX:
        note("colours are linear sRGB by the profile's colour chart, not the camera's own")
    computed = compute(
        stack,
        profile,
        rectified_dpi=manifest.plan.rectified_dpi,
        progress=tell,
        estimator=ESTIMATORS[request.estimator],
    )
    return _outcome(folder, manifest, stack, profile, computed)


def _with_lights(stack: Stack, wanted: tuple[int, ...] | None) -> Stack:
    """The stack with the pictures of these lights of the rig alone."""
    if wanted is None:
        return stack
    known = {light: place for place, light in enumerate(stack.light_indices)}
    missing = [light for light in wanted if light not in known]
    if missing:
        raise invalid(f"--lights names light {missing[0]}, and the scan has the lights {sorted(known)}")
    places = [known[light] for light in wanted]
    if len(places) < 3:
        raise unreadable(f"with --lights there are {len(places)} lights, and normals need at least 3")
    return replace(
        stack,
        lights=tuple(stack.lights[place] for place in places),
        light_indices=tuple(wanted),
        on_us=tuple(stack.lit_us[place] for place in places),
    )


def _profile(manifest: ScanManifest, named: str | None, note: Tell, profiles: Path | None) -> LoadedProfile:
    try:
        profile = load_profile(named or manifest.provenance.profile, profiles)
    except StationError as error:
        hint = (
            "Name the profile of the rig that took the scan with --profile: a name, or the path of its TOML."
        )
        raise StationError(error.code, str(error), hint) from error
    if named is None and profile.sha256 != manifest.provenance.profile_sha256:
        note(f"the profile {profile.profile.name} has changed since the scan was taken")
    return profile


def _outcome(
    folder: Path, manifest: ScanManifest, stack: Stack, profile: LoadedProfile, computed: Computed
) -> Outcome:
    maps, quality = computed.maps, computed.measurements.quality
    outline = computed.measurements.outline
    if outline is None:
        raise StationError("card_not_found", f"{folder} shows no card")
    pitch = MM_PER_INCH / maps.dpi
    solved = Solved(
        normals=maps.normals,
        # resampling takes near-black ink slightly below zero
        albedo=np.maximum(true_colours(maps.albedo, profile.profile.camera.colour), 0),
        sigma_deg=maps.sigma_deg,
        valid=maps.valid,
        there=on_card(outline, maps.dpi),
        clipped=maps.clipped,
        dark=maps.dark,
        chi2_median=quality.chi2_median,
        black_level=None,
        black_from="ambient picture",
        noise_codes=None,
    )
    surface = slopes(maps.normals, maps.valid, pitch)
    return Outcome(
        solved=solved,
        shape=shape_of(maps.height_um / np.float32(1000), surface, maps.valid, "mm"),
        relighting=relighting_of(stack, profile, outline, maps.dpi),
        read=_record(folder, manifest, stack, profile),
    )


def _record(folder: Path, manifest: ScanManifest, stack: Stack, profile: LoadedProfile) -> InputRecord:
    by_light = {frame.light: frame for frame in reversed(manifest.frames)}
    lamps = profile.profile.lights
    return InputRecord(
        kind="stored scan",
        source=str(folder),
        lights=tuple(
            LightRecord(
                number=light,
                picture=by_light[light].file,
                sha256=by_light[light].sha256,
                vector=lamps[light].position_mm,
                near=True,
                intensity=lamps[light].power,
            )
            for light in stack.light_indices
        ),
        ambient=by_light[None].file,
        files_sha256={MANIFEST: sha256_of(content_of(folder / MANIFEST))},
        full_scale=profile.profile.camera.full_scale,
        profile=profile.profile.name,
        profile_sha256=profile.sha256,
    )
