"""What the retention policy would remove, what it leaves alone although it is due, and why."""

from .base import Document


class DueSide(Document):
    """A stored side that the policy wants to remove.

    Attributes:
        created: UTC, ISO 8601.
        bytes: what it takes in the archive.
        due: which setting it goes for.
        held: why it stays nevertheless, empty: it goes.
    """

    id: str
    created: str
    bytes: int
    due: str
    held: str = ""


class RetentionPlan(Document):
    """What `retention.plan` answers.

    Attributes:
        policy: the settings in words; empty: nothing is ever removed by itself.
        stored: sides in the archive.
        remove: what goes, oldest first.
        hold: what is due and stays.
        failed: once it was carried out, what could not be removed, a sentence for each.
    """

    policy: str
    stored: int
    remove: tuple[DueSide, ...] = ()
    hold: tuple[DueSide, ...] = ()
    failed: tuple[str, ...] = ()


class RetentionBegun(Document):
    """What `retention.apply` answers: what is going to be removed; `run_id` is the cause of the events."""

    run_id: str
    plan: RetentionPlan
