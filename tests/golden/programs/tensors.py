"""What becomes of PyTorch's tensors in a row."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "tensors of one": """
import torch
run.log({'a': torch.tensor(0.5), 'b': torch.tensor([2]), 'c': torch.tensor([[True]])})
""",
    "a tensor in a graph": """
import torch
run.log({'a': (torch.tensor(2.0, requires_grad=True) * 2).sum()})
""",
    "small tensors": """
import torch
run.log({'a': torch.arange(4), 'b': torch.arange(6.0).reshape(2, 3), 'c': torch.arange(32)})
""",
    "a large tensor": """
import torch
run.log({'a': torch.arange(64.0), 'b': torch.arange(100.0).reshape(10, 10)})
""",
    "halves": """
import torch
run.log({'a': torch.tensor(0.1, dtype=torch.float16), 'b': torch.tensor(0.1, dtype=torch.bfloat16)})
""",
    "tensors in dicts and lists": """
import torch
run.log({'d': {'x': torch.tensor(1.5)}, 'l': [torch.tensor(1), torch.tensor(2)]})
""",
    "a tensor in summary and config": """
import torch
run.summary['a'] = torch.tensor(0.5)
run.config['b'] = torch.tensor(3)
""",
    "a parameter": """
import torch
run.log({'a': torch.nn.Parameter(torch.tensor([0.25]))})
""",
}
