"""The report of a computed scan: its maps and documents in the words of the report room."""

import numpy as np
from numpy.typing import NDArray

from ..calibrate.profile import LoadedProfile
from ..documents.scan import Outline, ResultManifest, ScanManifest
from ..report.facts import CardLights, ReportFacts
from ..report.html import render_report
from ..report.maps import ReportMaps
from .pipeline import CARD_THICKNESS_MM, Computed


def report_of(
    scan: ScanManifest, result: ResultManifest, computed: Computed, profile: LoadedProfile
) -> bytes:
    """The self-contained HTML page."""
    maps = computed.maps
    facts = ReportFacts(
        scan=scan,
        measurements=result.measurements,
        lights=lights_in_card_frame(profile, result.measurements.outline),
        number=result.number,
        computed=result.created,
        software=result.software,
        profile=result.profile,
        profile_sha256=result.profile_sha256,
        stages_s=result.stages_s,
        colour=profile.profile.camera.colour,
    )
    page = ReportMaps(
        normals=maps.normals,
        albedo=maps.albedo,
        height_um=maps.height_um,
        sigma_deg=maps.sigma_deg,
        valid=maps.valid,
        dpi=maps.dpi,
        gloss=maps.gloss,
    )
    return render_report(page, facts)


def lights_in_card_frame(profile: LoadedProfile, outline: Outline | None) -> CardLights:
    """The profile's lights seen from the card: origin at the centre of its face, x along its width."""
    centre, turn = _pose(outline)
    lights = profile.profile.lights
    positions = np.array([light.position_mm for light in lights]) - centre
    axes = np.array([light.axis for light in lights])
    return CardLights(
        positions_mm=positions @ turn,
        powers=np.array([light.power for light in lights]),
        axes=axes @ turn,
        lobes=np.array([light.lobe for light in lights]),
    )


def _pose(outline: Outline | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre of the face (3,) in the mat frame, and the card's axes as columns (3, 3)."""
    if outline is None:
        return np.array([0.0, 0.0, CARD_THICKNESS_MM]), np.eye(3)
    x_mm, y_mm = np.mean(outline.corners_mm, axis=0)
    angle = np.deg2rad(outline.rotation_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return np.array([x_mm, y_mm, CARD_THICKNESS_MM]), turn
