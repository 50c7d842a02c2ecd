"""Composition root for work that needs no daemon; each module loads only what its work takes."""
