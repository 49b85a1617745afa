"""What the summary shows when nothing is defined, and what is set by hand."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "the last value": """
for i in range(3):
    run.log({'a': i, 'b': -i})
out.append(run.summary['a'])
""",
    "summary by hand": """
run.log({'a': 1})
run.summary['best'] = 0.5
run.summary['a'] = 7
out.append(run.summary['a'])
""",
    "summary by hand, then logged": """
run.summary['a'] = 7
run.log({'a': 1})
out.append(run.summary['a'])
""",
    "summary updated": """
run.summary.update({'x': 1, 'd': {'y': 2}})
out.append(run.summary['d']['y'])
""",
    "summary attributes": """
run.summary.best = 3
out.append(run.summary.best)
""",
    "summary deleted": """
run.log({'a': 1, 'b': 2})
del run.summary['a']
""",
    "summary of nested": """
run.log({'d': {'x': 1}})
run.log({'d': {'y': 2}})
""",
    "summary of none": """
run.log({'a': 1})
run.log({'a': None})
""",
    "summary of summary": """
run.summary['d'] = {'x': 1}
run.summary['d']['x'] = 2
out.append(run.summary['d']['x'])
""",
    "summary nested twice": """
run.summary['d'] = {'e': {'x': 1}}
out.append(run.summary['d']['e']['x'])
run.summary['d'] = {'e': {'x': 2}}
out.append(run.summary['d']['e']['x'])
""",
    "summary nested, another key": """
run.summary['d'] = {'x': 1}
run.summary['d']['y'] = 2
""",
    "summary nested, replaced": """
run.summary['d'] = {'x': 1}
run.summary['d'] = {'y': 2}
""",
    "summary nested, by attribute": """
run.summary.d = {'x': 1}
run.summary.d.x = 5
out.append(run.summary.d.x)
""",
    "summary of a logged dict": """
run.log({'d': {'x': 1}})
out.append(run.summary['d']['x'])
out.append(run.summary.d.x)
out.append(outcome(lambda: run.summary['d.x'], KeyError))
""",
    "summary of a logged dict, set by hand": """
run.log({'d': {'x': 1, 'y': 2}})
run.summary['d'] = {'x': 7}
run.log({'e': 1})
""",
    "summary of a key with a point": """
run.log({'a.b': 1})
out.append(run.summary['a.b'])
""",
    "summary of numpy": """
run.summary['a'] = np.float32(0.5)
run.summary['b'] = np.arange(3)
run.summary.update({'c': np.array(7)})
""",
    "summary set to none": """
run.summary['a'] = None
run.summary['b'] = 1
""",
    "summary set to nan": """
run.summary['a'] = math.nan
run.summary['b'] = math.inf
""",
    "summary set to text and lists": """
run.summary['a'] = 'x'
run.summary['b'] = [1, 2]
run.summary['c'] = True
""",
    "summary deleted, then logged": """
run.log({'a': 1})
del run.summary['a']
run.log({'a': 2})
""",
    "summary deleted, then set": """
run.summary['a'] = 1
del run.summary['a']
run.summary['a'] = 2
""",
    "summary missing": """
out.append(outcome(lambda: run.summary['no'], KeyError))
out.append(outcome(lambda: run.summary.no, (AttributeError, KeyError)))
out.append(run.summary.get('no', 3))
out.append('no' in run.summary)
""",
    "summary listed": """
run.log({'a': 1, 'b': 2})
run.summary['c'] = 3
out.append(sorted(key for key in run.summary.keys() if not key.startswith('_')))
out.append({'a', 'b', 'c'} <= set(dict(run.summary)))
""",
    "summary of what is not committed": """
run.log({'a': 1}, commit=False)
out.append(run.summary.get('a'))
run.log({'b': 1})
out.append(run.summary.get('a'))
""",
    "summary of an explicit step": """
run.log({'a': 1}, step=3)
run.log({'a': 2}, step=3)
run.log({'a': 3}, step=4)
""",
    "summary set between rows": """
run.log({'a': 1})
run.summary['a'] = 10
run.log({'b': 1})
out.append(run.summary['a'])
""",
    "summary that finish sees": """
run.log({'a': 1}, commit=False)
run.summary['a'] = 10
""",
}
