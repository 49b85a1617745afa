"""Which step a row has, and what becomes of rows of one step."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "implicit steps": """
for i in range(3):
    run.log({'a': i})
out.append(run.step)
""",
    "commit false": """
run.log({'a': 1}, commit=False)
run.log({'b': 2})
run.log({'c': 3})
out.append(run.step)
""",
    "commit false, last wins": """
run.log({'a': 1}, commit=False)
run.log({'a': 2, 'b': 1})
""",
    "commit false, twice": """
run.log({'a': 1}, commit=False)
run.log({'b': 2}, commit=False)
run.log({'c': 3})
""",
    "commit false at the end": """
run.log({'a': 1})
run.log({'b': 2}, commit=False)
""",
    "explicit steps": """
run.log({'a': 1}, step=0)
run.log({'a': 2}, step=5)
run.log({'a': 3}, step=9)
out.append(run.step)
""",
    "one explicit step, merged": """
run.log({'a': 1}, step=3)
run.log({'b': 2}, step=3)
run.log({'a': 4}, step=3)
""",
    "an implicit row joins the open step": """
run.log({'c': 1}, step=10)
run.log({'h': 2})
run.log({'i': 3})
out.append(run.step)
""",
    "explicit and committed": """
run.log({'a': 1}, step=4, commit=True)
out.append(run.step)
run.log({'b': 2})
""",
    "explicit, then back": """
run.log({'a': 1}, step=10)
run.log({'b': 2}, step=5)
run.log({'c': 3}, step=11)
""",
    "back below implicit ones": """
for i in range(5):
    run.log({'a': i})
run.log({'b': 9}, step=2)
run.log({'c': 1})
""",
    "back to a step that is complete": """
run.log({'a': 1})
run.log({'a': 2})
run.log({'z': 1}, step=0)
""",
    "a negative step": """
run.log({'a': 1}, step=-1)
run.log({'b': 2})
""",
    "a far step, then implicit": """
run.log({'late': 1}, step=20)
run.log({'z': 2})
run.log({'y': 3})
""",
    "a numpy step": """
run.log({'a': 1}, step=np.int64(7))
out.append(run.step)
""",
    "an empty row": """
run.log({})
run.log({'a': 1})
out.append(run.step)
""",
    "an empty row, not committed": """
run.log({}, commit=False)
run.log({'a': 1})
""",
    "commit true by hand": """
run.log({'a': 1}, commit=True)
run.log({'a': 2}, commit=True)
""",
    "not committed, then an explicit step": """
run.log({'a': 1}, commit=False)
run.log({'b': 2}, step=5)
run.log({'c': 3})
""",
    "explicit and not committed": """
run.log({'a': 1}, step=2, commit=False)
run.log({'b': 2}, step=2, commit=True)
run.log({'c': 3})
out.append(run.step)
""",
    "explicit and committed, then the same step": """
run.log({'a': 1}, step=4, commit=True)
run.log({'b': 2}, step=4)
run.log({'c': 3})
""",
    "explicit steps, then finished": """
run.log({'a': 1}, step=3)
run.log({'a': 2}, step=7)
run.finish()
""",
    "nested rows of one step": """
run.log({'d': {'x': 1, 'y': 2}}, commit=False)
run.log({'d': {'y': 3, 'z': 4}})
""",
    "a number, then a dict of the same name": """
run.log({'d': 1}, commit=False)
run.log({'d': {'x': 2}})
""",
    "a value, then none": """
run.log({'a': 1}, commit=False)
run.log({'a': None})
""",
    "a step of truth": """
out.append(outcome(lambda: run.log({'a': 1}, step=True), TypeError))
run.log({'b': 1})
""",
    "a large step": """
run.log({'a': 1}, step=10**12)
run.log({'a': 2})
""",
    "many keys": """
run.log({f'k{n}': n for n in range(300)})
run.log({f'k{n}': n / 2 for n in range(300)})
""",
    "keys that change": """
for i in range(6):
    run.log({'a' if i % 2 else 'b': i, 'c': -i})
""",
    "own time": """
run.log({'a': 1, '_timestamp': 1000000000.5})
run.log({'a': 2})
""",
    "an implicit row behind what went back": """
run.log({'a': 1}, step=5)
run.log({'a': 2}, step=3)
run.log({'b': 1})
run.log({'b': 2})
out.append(run.step)
""",
    "steps of two loops": """
for i in range(3):
    run.log({'train': i}, step=i)
for i in range(3):
    run.log({'val': i}, step=i)
""",
}
