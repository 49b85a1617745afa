"""Runcast's service: reads the streams, stores every event exactly once, and shows it live."""
