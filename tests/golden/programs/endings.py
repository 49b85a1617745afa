"""What a run's last word is, and what is flushed before it."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "finished with a status": """
run.log({'a': 1})
run.finish(exit_code=3)
""",
    "finished twice": """
run.log({'a': 1}, commit=False)
run.finish()
run.finish(exit_code=2)
""",
    "finished with an open row": """
run.log({'a': 1}, step=4)
run.log({'b': 2}, step=4)
run.finish()
""",
    "nothing logged": "",
    "a block": """
with run:
    run.log({'a': 1}, commit=False)
""",
    "a block that raises": """
def block():
    with run:
        run.log({'a': 1})
        raise ValueError('no')
out.append(outcome(block))
""",
}

_HEAD = "import sys, wandb; run = wandb.init(project='golden', name=sys.argv[1]); run.log({'a': 1}, commit=False)\n"

PROCESSES: dict[str, str] = {
    name: _HEAD + last
    for name, last in {
        "a process that ends": "",
        "a process that exits with 0": "sys.exit()",
        "a process that exits with 3": "sys.exit(3)",
        "a process that exits with a word": "sys.exit('why')",
        "a process that raises": "raise ValueError('no')",
        "a process that is interrupted": "raise KeyboardInterrupt",
        "a process that finishes before it raises": "run.finish(); raise ValueError('no')",
        "a process that catches": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass",
    }.items()
}
