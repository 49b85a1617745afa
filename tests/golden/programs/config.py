"""What a config takes, locks and stores."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
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
    "config nested, locked": """
run.config.update({'opt': {'lr': 1}})
out.append(outcome(lambda: run.config.update({'opt': {'lr': 2}}), wandb.Error))
run.config.update({'opt': {'lr': 1}})
""",
    "config nested, set twice": """
run.config['opt'] = {'a': 1}
run.config.update({'opt': {'b': {'c': 2}}}, allow_val_change=True)
run.config.update({'opt': {'b': {'d': 3}}}, allow_val_change=True)
out.append(run.config['opt'])
""",
    "config nested, from a value to a dict": """
run.config['opt'] = 1
run.config.update({'opt': {'b': 2}}, allow_val_change=True)
""",
    "config nested, from a dict to a value": """
run.config['opt'] = {'a': 1}
run.config.update({'opt': 5}, allow_val_change=True)
""",
    "config of init": """
out.append(run.config.as_dict() if hasattr(run.config, 'as_dict') else dict(run.config))
out.append(outcome(lambda: setattr(run.config, 'lr', 5), wandb.Error))
run.config.extra = 1
""",
    "config of init, excluded": """
out.append(dict(run.config))
""",
    "config of init, included": """
out.append(dict(run.config))
""",
    "config of init, a namespace": """
out.append(dict(run.config))
""",
    "config of init, that may change": """
out.append(outcome(lambda: setattr(run.config, 'lr', 5), wandb.Error))
""",
    "config of a yaml file": """
import pathlib, tempfile
path = pathlib.Path(tempfile.mkdtemp()) / 'c.yaml'
path.write_text('lr: {desc: null, value: 0.5}')
out.append(outcome(lambda: run.config.update(str(path))))
out.append(dict(run.config))
""",
    "config of numpy": """
run.config.update({'a': np.arange(3), 'b': np.int64(4), 'c': np.array(2.5)})
out.append([run.config['b'], run.config['c']])
""",
    "config of functions and classes": """
import decimal
run.config.update({'t': True, 'f': 1.0, 'n': math.nan, 'text': 'ü', 'd': decimal.Decimal('1.5')})
""",
    "config of points": """
run.config.update({'a.b': 1, 'c/d': 2})
out.append(run.config['a.b'])
""",
    "config deleted": """
run.config.a = 1
run.config.b = 2
out.append(outcome(lambda: run.config.__delitem__('a')) is None or 'refused')
""",
    "config updated with nothing": """
run.config.update({})
run.config.update(None) if False else None
run.config.a = 1
""",
    "config set to what it is": """
run.config.lr = 0.1
run.config.lr = 0.1
run.config.update({'lr': 0.1, 'n': 1})
run.config.update({'lr': np.float64(0.1)})
""",
    "config locked in part": """
run.config.a = 1
out.append(outcome(lambda: run.config.update({'new': 5, 'a': 2})))
""",
    "config changed when rows are there": """
run.log({'a': 1})
run.config.late = 1
run.log({'a': 2})
""",
    "config with a name of its own": """
run.config['update'] = 1
run.config['keys'] = 2
out += [run.config['update'], run.config['keys']]
""",
    "config walked": """
run.config.update({'a': 1, 'b': 2})
out += [sorted(run.config.keys()), sorted(run.config.items()), sorted(run.config)]
""",
}

BEGINNINGS: dict[str, str] = {
    "config of init": "{'config': {'lr': 1, 'opt': {'name': 'adam'}, 't': (1, 2)}}",
    "config of init, excluded": "{'config': {'a': 1, 'b': 2}, 'config_exclude_keys': ['b']}",
    "config of init, included": "{'config': {'a': 1, 'b': 2}, 'config_include_keys': ['b']}",
    "config of init, a namespace": "{'config': __import__('argparse').Namespace(a=1, b='x')}",
    "config of init, that may change": "{'config': {'lr': 1}, 'allow_val_change': True}",
}
