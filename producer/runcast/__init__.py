"""Runcast's client: log what happens in a training run, and watch it live."""
