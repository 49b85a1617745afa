"""What may stand in a row, and what becomes of it."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
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
    "a named tuple": """
import collections
run.log({'a': collections.namedtuple('P', 'x y')(1, 2)})
""",
    "sets and tuples in dicts": """
run.log({'d': {'t': (1, 2), 's': frozenset({3})}})
""",
    "lists of dicts": """
run.log({'a': [{'x': 1}, {'y': [2, 3]}]})
""",
    "a list of numpy scalars": """
run.log({'a': [np.float32(0.5), np.int64(2)]})
""",
    "arrays at the edge": """
run.log({'a': np.arange(32), 'b': np.zeros(0)})
""",
    "an array just too large": """
run.log({'a': np.arange(33)})
""",
    "a matrix": """
run.log({'a': np.arange(100.0).reshape(10, 10)})
""",
    "a large array with nan": """
run.log({'a': np.array([float(n) for n in range(40)] + [math.nan])})
""",
    "a numpy datetime": """
run.log({'a': np.datetime64('2026-03-01T09:30:00')})
""",
    "a numpy string": """
run.log({'a': np.str_('x')})
""",
    "a complex number": """
run.log({'a': 1 + 2j})
""",
    "an integer enum": """
import enum
class E(enum.IntEnum):
    A = 3
run.log({'a': E.A})
""",
    "a function": """
import os.path
run.log({'a': os.path.join, 'b': len})
""",
    "a uuid": """
import uuid
run.log({'a': uuid.UUID(int=5)})
""",
    "numbers at the edge": """
run.log({'zero': -0.0, 'tiny': 5e-324, 'huge': 1.7976931348623157e308, 'wide': 2**63, 'third': 1 / 3})
""",
    "whole floats": """
run.log({'a': 1.0, 'b': 100.0, 'c': 1e20})
""",
    "numpy floats of every width": """
run.log({'h': np.float16(0.1), 's': np.float32(0.1), 'd': np.float64(0.1), 'u': np.uint8(200)})
""",
    "a nested dataclass": """
import dataclasses
@dataclasses.dataclass
class In:
    y: float = 0.5
@dataclasses.dataclass
class Out:
    x: int = 1
    inner: In = dataclasses.field(default_factory=In)
run.log({'a': Out()})
""",
    "deep dicts": """
run.log({'a': {'b': {'c': {'d': {'e': 1}}}}})
run.log({'a': {'b': {'c': {'d': {'f': 2}}}}})
""",
    "keys with numbers in dicts": """
run.log({'d': {1: 'x', 2.5: 'y', None: 'z'}})
""",
    "long text": """
run.log({'a': 'x' * 10000})
""",
    "truth": """
run.log({'a': True, 'b': False, 'c': np.bool_(False)})
""",
    "a series of pandas": """
import pandas
out.append(outcome(lambda: run.log({'a': pandas.Series([1, 2])}), TypeError))
run.log({'b': 1})
""",
    "a range": """
out.append(outcome(lambda: run.log({'a': range(3)}), TypeError))
run.log({'b': 1})
""",
    "a path": """
import pathlib
out.append(outcome(lambda: run.log({'a': pathlib.PurePosixPath('/x')}), TypeError))
run.log({'b': 1})
""",
}
