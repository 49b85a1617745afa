"""What raises, and leaves nothing behind."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "not a dict": """
out.append(outcome(lambda: run.log(3)))
run.log({'a': 1})
""",
    "a key that is no text": """
out.append(outcome(lambda: run.log({1: 2})))
run.log({'a': 1})
""",
    "a step that is none": """
out.append(outcome(lambda: run.log({'a': 1}, step=1.5), TypeError))
out.append(outcome(lambda: run.log({'a': 1}, step='3'), TypeError))
run.log({'b': 1})
""",
    "an object": """
out.append(outcome(lambda: run.log({'a': object()}), TypeError))
run.log({'b': 1})
""",
    "nothing at all": """
out.append(outcome(lambda: run.log(None)))
run.log({'a': 1})
""",
    "a list for a row": """
out.append(outcome(lambda: run.log([1, 2])))
run.log({'a': 1})
""",
    "an object in a dict": """
out.append(outcome(lambda: run.log({'d': {'a': object()}}), TypeError))
run.log({'b': 1})
""",
    "logged when finished": """
run.log({'a': 1})
run.finish()
out.append(outcome(lambda: run.log({'a': 2}), wandb.UsageError if hasattr(wandb, 'UsageError') else wandb.Error))
""",
}
