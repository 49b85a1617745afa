"""What `define_metric` makes of rows and of the summary."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
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
    "define copy": """
run.define_metric('a', summary='copy')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define copy and max": """
run.define_metric('a', summary='copy,max')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define none and max": """
run.define_metric('a', summary='none,max')
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define with spaces and capitals": """
out.append(outcome(lambda: run.define_metric('a', summary='Min, MAX') and None))
for v in (3, 1, 2):
    run.log({'a': v})
""",
    "define best": """
out.append(outcome(lambda: run.define_metric('a', summary='best'), wandb.Error))
run.log({'a': 1})
""",
    "define nothing": """
out.append(outcome(lambda: run.define_metric(''), wandb.Error))
run.log({'a': 1})
""",
    "define what is no text": """
out.append(outcome(lambda: run.define_metric(3), (wandb.Error, TypeError)))
run.log({'a': 1})
""",
    "define an own name": """
out.append(outcome(lambda: run.define_metric('_step', summary='max') and None, wandb.Error))
run.log({'a': 1})
""",
    "all metrics": """
run.define_metric('*', summary='min')
for v in (3, 1, 2):
    run.log({'a': v, 'b': -v, 'text': 'x'})
""",
    "two globs": """
run.define_metric('v*', summary='min')
run.define_metric('val/*', summary='max')
for v in (1, 3, 2):
    run.log({'val/x': v, 'vx': v})
""",
    "two globs, the shorter last": """
run.define_metric('val/*', summary='max')
run.define_metric('v*', summary='min')
for v in (1, 3, 2):
    run.log({'val/x': v, 'vx': v})
""",
    "an exact one without a summary beside a glob": """
run.define_metric('*', summary='max')
run.define_metric('a', hidden=True)
for v in (1, 3, 2):
    run.log({'a': v, 'b': v})
""",
    "a glob behind rows": """
for v in (5, 1):
    run.log({'val/x': v, 'b': v})
run.define_metric('val/*', summary='max,min')
run.log({'val/x': 2, 'b': 2})
""",
    "aggregates of numpy": """
run.define_metric('a', summary='min,mean')
for v in (3, 1):
    run.log({'a': np.float32(v)})
    run.log({'a': np.array([v + 1])})
""",
    "aggregates of truth": """
run.define_metric('a', summary='max,mean')
for v in (True, False):
    run.log({'a': v})
""",
    "aggregates and none": """
run.define_metric('a', summary='max,last')
for v in (1, None):
    run.log({'a': v})
""",
    "aggregates and infinities": """
run.define_metric('a', summary='min,max,mean,last')
for v in (1, math.inf, 2):
    run.log({'a': v})
""",
    "aggregates of fractions": """
run.define_metric('a', summary='mean,first')
for v in (0.5, 0.25, 1.5):
    run.log({'a': v})
""",
    "aggregates of what one step has twice": """
run.define_metric('a', summary='min,max,mean,first,last')
run.log({'a': 5}, commit=False)
run.log({'a': 1})
run.log({'a': 3}, step=1)
run.log({'a': 4}, step=1)
""",
    "aggregates seen in the program": """
run.define_metric('a', summary='min,max')
for v in (3, 1, 2):
    run.log({'a': v})
out.append([run.summary['a']['min'], run.summary['a']['max']])
""",
    "an aggregate deleted": """
run.define_metric('a', summary='max')
run.log({'a': 3})
del run.summary['a']
run.log({'a': 1})
""",
    "an aggregate set by hand before": """
run.summary['a'] = 7
run.define_metric('a', summary='max')
run.log({'a': 3})
run.log({'a': 1})
""",
    "an aggregate defined behind what was set by hand": """
run.log({'a': 3})
run.summary['a'] = 7
run.define_metric('a', summary='max')
run.log({'a': 1})
""",
    "an aggregate of which a part is set by hand": """
run.define_metric('a', summary='min,max')
run.log({'a': 3})
run.summary['a']['max'] = 9
run.log({'b': 1})
""",
    "a step metric that is a glob": """
out.append(outcome(lambda: run.define_metric('a', step_metric='e*') and None, wandb.Error))
run.log({'a': 1})
""",
    "a step metric that is a definition": """
epoch = run.define_metric('epoch')
run.define_metric('val', step_metric=epoch)
run.log({'epoch': 2})
run.log({'val': 1})
""",
    "a glob with a step metric": """
run.define_metric('epoch')
run.define_metric('val/*', step_metric='epoch')
run.log({'epoch': 1, 'loss': 0.5})
run.log({'val/x': 3, 'val/y': 4})
run.log({'loss': 0.25})
""",
    "all metrics with a step metric": """
run.define_metric('batch')
run.define_metric('*', step_metric='batch')
run.log({'batch': 4, 'a': 1})
run.log({'a': 2})
run.log({'b': 3})
""",
    "step sync switched off": """
run.define_metric('val', step_metric='epoch', step_sync=False)
run.log({'epoch': 3})
run.log({'val': 1})
""",
    "step sync in one step": """
run.define_metric('val', step_metric='epoch', step_sync=True)
run.log({'epoch': 3}, commit=False)
run.log({'val': 1})
run.log({'val': 2})
""",
    "step sync of a fraction": """
run.define_metric('val', step_metric='time', step_sync=True)
run.log({'time': 1.5})
run.log({'val': 1})
""",
    "step sync and nested": """
run.define_metric('val.x', step_metric='t.epoch', step_sync=True)
run.log({'t': {'epoch': 3}})
run.log({'val': {'x': 1}})
""",
    "a step metric that is summarised": """
run.define_metric('epoch', summary='max')
run.define_metric('val', step_metric='epoch')
run.log({'epoch': 3})
run.log({'epoch': 2})
run.log({'val': 1})
""",
    "step sync of a slash": """
run.define_metric('train/step')
run.define_metric('train/*', step_metric='train/step')
for i in range(2):
    run.log({'train/loss': i, 'train/step': 10 * i})
run.log({'train/late': 1})
""",
    "hidden and summarised": """
run.define_metric('a', hidden=True, summary='max')
for v in (1, 3, 2):
    run.log({'a': v})
""",
    "a point in a name": """
run.define_metric('a.b', summary='min')
for v in (3, 1, 2):
    run.log({'a': {'b': v}})
""",
    "a step metric of own making": """
run.define_metric('a', step_metric='_timestamp')
run.log({'a': 1})
""",
}
