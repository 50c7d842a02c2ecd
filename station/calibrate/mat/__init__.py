"""The mat beside the card: a reference by which drift is noticed."""
