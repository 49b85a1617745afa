"""Small programs that W&B's client and ours must answer alike, each about one rule of rows, summary or config.

Each runs between `init` and `finish` of a run of its own, with `wandb`, `run`, `math`, `np` and `out` at hand: what it
appends to `out` is compared too. `outcome(call)` gives what a call returned, or what it raised; `outcome(call, kind)`
only whether it raised that.
"""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    # Steps and rows.
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
    # Values.
    "plain values": """
run.log({'int': 1, 'float': 0.5, 'bool': True, 'text': 'x', 'none': None})
""",
    "nested dicts": """
run.log({'d': {'x': 1, 'e': {'y': 2.5}}, 'a.b': 3})
""",
    "an empty dict": """
run.log({'d': {}, 'a': 1})
""",
    "an empty key": """
run.log({'': 1, 'a': 2})
""",
    "nan and infinities": """
run.log({'n': math.nan, 'p': math.inf, 'm': -math.inf})
""",
    "numpy scalars": """
run.log({'f': np.float32(0.5), 'd': np.float64(0.25), 'i': np.int32(3), 'b': np.bool_(True)})
""",
    "arrays of one": """
run.log({'a': np.array([2.5]), 'b': np.array(3), 'c': np.array([[True]])})
""",
    "a small array": """
run.log({'a': np.arange(4), 'b': np.arange(6.0).reshape(2, 3)})
""",
    "a list": """
run.log({'a': [1, 2.5, 'x', None], 'b': (1, 2)})
""",
    "a set": """
run.log({'a': {7}})
""",
    "bytes": """
run.log({'a': b'abc'})
""",
    "times": """
import datetime
run.log({'a': datetime.datetime(2026, 3, 1, 9, 30), 'b': datetime.date(2026, 3, 1)})
""",
    "an enum": """
import enum
class E(enum.Enum):
    A = 3
run.log({'a': E.A})
""",
    "a decimal": """
import decimal
run.log({'a': decimal.Decimal('1.50')})
""",
    "a large integer": """
run.log({'a': 2**53, 'b': -(2**40)})
""",
    "a dataclass": """
import dataclasses
@dataclasses.dataclass
class D:
    x: int = 1
    y: str = 'z'
run.log({'a': D()})
""",
    "a histogram": """
run.log({'h': wandb.Histogram(np_histogram=([1, 2, 3], [0, 1, 2, 3]))})
""",
    "a large array": """
run.log({'a': np.arange(64.0)})
""",
    "unicode": """
run.log({'größe/𝛼': 1, 'text': 'naïve ☃'})
""",
    "slashes": """
run.log({'train/loss': 1, 'val/loss': 2})
""",
    "own names": """
run.log({'_step': 99, '_runtime': 5.0, 'a': 1})
run.log({'a': 2})
""",
    # What is refused.
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
    # Summary.
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
    # Definitions.
    "define min": """
run.define_metric('a', summary='min')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define max": """
run.define_metric('a', summary='max')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define mean": """
run.define_metric('a', summary='mean')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define first": """
run.define_metric('a', summary='first')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define last": """
run.define_metric('a', summary='last')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define none": """
run.define_metric('a', summary='none')
for v in (3, 1, 2):
    run.log({'a': v, 'b': v})
""",
    "define several": """
run.define_metric('a', summary='min,max,mean,last')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define after": """
for v in (1, 5):
    run.log({'a': v})
run.define_metric('a', summary='mean')
run.define_metric('a', summary='min,first')
run.log({'a': 0})
""",
    "define a glob": """
run.define_metric('val/*', summary='max')
for v in (3, 1):
    run.log({'val/x': v, 'val/y': -v, 'z': v})
""",
    "exact over glob": """
run.define_metric('val/*', summary='max')
run.define_metric('val/x', summary='min')
for v in (3, 1):
    run.log({'val/x': v, 'val/y': v})
""",
    "a glob after the exact one": """
run.define_metric('val/x', summary='min')
run.define_metric('*', summary='max')
for v in (1, 3):
    run.log({'val/x': v, 'b': v})
""",
    "defined twice": """
run.define_metric('a', summary='min')
run.define_metric('a', summary='max')
for v in (3, 1):
    run.log({'a': v})
""",
    "defined twice, overwritten": """
run.define_metric('a', summary='min')
run.define_metric('a', summary='max', overwrite=True)
for v in (3, 1):
    run.log({'a': v})
""",
    "a step metric": """
run.define_metric('epoch')
run.define_metric('val', step_metric='epoch')
for e in range(2):
    run.log({'epoch': e})
    run.log({'val': e})
""",
    "step sync": """
run.define_metric('epoch')
run.define_metric('val', step_metric='epoch', step_sync=True)
run.log({'val': 0})
for e in range(2):
    run.log({'epoch': e})
    run.log({'val': e})
run.log({'other': 1})
""",
    "step sync by default": """
run.define_metric('val', step_metric='epoch')
run.log({'epoch': 3})
run.log({'val': 1})
""",
    "hidden": """
run.define_metric('a', hidden=True)
run.log({'a': 1})
""",
    "aggregates and nan": """
run.define_metric('a', summary='min,max,mean')
for v in (2, math.nan, 1):
    run.log({'a': v})
""",
    "aggregates of text": """
run.define_metric('a', summary='min')
run.log({'a': 'x'})
run.log({'a': 2})
""",
    "aggregates of nested": """
run.define_metric('d.x', summary='max')
for v in (3, 1):
    run.log({'d': {'x': v}})
""",
    "an aggregate set by hand": """
run.define_metric('a', summary='max')
run.log({'a': 3})
run.summary['a'] = 7
out.append(run.summary['a'])
""",
    "an aggregate set by hand, then logged": """
run.define_metric('a', summary='max')
run.log({'a': 3})
run.summary['a'] = 7
run.log({'a': 1})
""",
    "a glob in the middle": """
out.append(outcome(lambda: run.define_metric('v/*/x'), wandb.Error))
run.log({'a': 1})
""",
    "no such aggregate": """
out.append(outcome(lambda: run.define_metric('a', summary='median'), wandb.Error))
run.log({'a': 1})
""",
    # Config.
    "config items": """
run.config['a'] = 1
run.config.b = 'x'
run.config.update({'c': [1, 2]})
out += [run.config.a, run.config['b'], dict(run.config)]
""",
    "config locked": """
run.config.lr = 1
out.append(outcome(lambda: setattr(run.config, 'lr', 2)))
run.config.lr = 1
""",
    "config changed": """
run.config.lr = 1
run.config.update({'lr': 2}, allow_val_change=True)
out.append(run.config.lr)
""",
    "config missing": """
out.append(outcome(lambda: run.config.nothing, AttributeError))
out.append(outcome(lambda: run.config['nothing'], KeyError))
out.append(run.config.get('nothing', 5))
""",
    "config defaults": """
run.config.a = 1
run.config.setdefaults({'a': 2, 'b': 3})
out.append(dict(run.config))
""",
    "config nested": """
run.config.update({'opt': {'name': 'adam', 'lr': 1}})
run.config.update({'opt': {'lr': 2}}, allow_val_change=True)
out.append(run.config['opt'])
""",
    "config values": """
import pathlib
run.config.update({'t': (1, 2), 's': {3}, 'n': np.float32(0.5)})
run.config.update({'none': None, 'e': {}, 'p': pathlib.PurePosixPath('/x')})
""",
    "config of an argparse namespace": """
import argparse
run.config.update(argparse.Namespace(a=1, b='x'))
out.append(dict(run.config))
""",
    "config in": """
run.config.a = 1
out += ['a' in run.config, 'b' in run.config, len(run.config.keys())]
""",
}
