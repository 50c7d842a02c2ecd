"""What all documents have in common."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A frozen value that is stored or sent.

    Unknown fields are kept out of the way rather than refused, so that a reader of this release opens what
    a later one wrote.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")

    def replace(self, **changes: Any) -> Self:  # noqa: ANN401 - any field's type
        """A copy with some fields changed, validated again."""
        return type(self).model_validate({**dict(self), **changes})


class StrictDocument(Document):
    """A document that people write by hand: an unknown key is a mistake, not a newer release."""

    model_config = ConfigDict(frozen=True, extra="forbid")
