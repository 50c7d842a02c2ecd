"""What becomes of pictures of a chrome sphere, and of other programs' lists of lights."""

from .base import Document
from .calibration import CalibrationFinding
from .profile import Vector


class SphereLight(Document):
    """One light.

    Attributes:
        picture: name of its picture of the sphere.
        direction: unit vector towards it, x right, y up, z to the camera.
        sigma_deg: root mean square angle by which the direction may be wrong.
        spot_px: x and y of its reflection.
        spot_sigma_px: standard uncertainty of each.
        clipped: whether the reflection is overexposed.
    """

    picture: str
    direction: Vector
    sigma_deg: float
    spot_px: tuple[float, float]
    spot_sigma_px: float
    clipped: bool


class SphereReport(Document):
    """Lights from a folder of pictures of a chrome sphere.

    Attributes:
        source: the folder.
        hint: the mask that says roughly where the sphere is; None: it was looked for.
        centre_px, radius_px: of the sphere's outline as it was measured.
        outline_sigma_px: standard uncertainties of x, y and radius.
        coverage_percent: of the outline, where its edge shows.
        lights: in the pictures' order.
        shared_sigma_deg: by how much all directions may be wrong together, through centre and radius.
        findings: what a person should know.
        checked: against which list the lights were held; None: none.
        differences: what makes that list differ; empty: it agrees.
        written: the list that was written.
    """

    source: str
    hint: str | None
    centre_px: tuple[float, float]
    radius_px: float
    outline_sigma_px: Vector
    coverage_percent: float
    lights: tuple[SphereLight, ...]
    shared_sigma_deg: float
    findings: tuple[CalibrationFinding, ...]
    checked: str | None = None
    differences: tuple[CalibrationFinding, ...] = ()
    written: str


class ImportReport(Document):
    """A rig profile made from a list of lights.

    Attributes:
        source: the list.
        name: of the profile.
        written: its TOML.
        positions_mm: of the lights, mat frame.
        like: the profile whose camera it took; None: a nominal camera.
        findings: what a person should know.
    """

    source: str
    name: str
    written: str
    positions_mm: tuple[Vector, ...]
    like: str | None
    findings: tuple[CalibrationFinding, ...]
