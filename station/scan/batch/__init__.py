"""Hands-free scanning: the batch machine (a pure table), its runner, names of cards, its memory on disk."""
