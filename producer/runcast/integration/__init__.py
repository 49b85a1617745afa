"""Runcast in other libraries: callbacks and loggers, each in a module named for its library.

They log to the active run. None of them is imported by `import runcast`, and each imports its library alone.
"""
