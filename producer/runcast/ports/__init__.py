"""Runs that other tools recorded, on their way into Runcast. Each file reads one tool's format."""
