"""What is stored, for programs that read: `runcast.Api()`, as W&B's public API has it.

Histories are exact: every row that was logged, unless a number of samples is asked for, and then it is said.
"""
