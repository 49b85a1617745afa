"""What `run-abc12345.wandb` was recorded with; it needs the official client, and no test runs it."""

import math

import numpy as np
import wandb

settings = wandb.Settings(
    x_disable_meta=True, x_disable_machine_info=True, silent=True, host="node-1", disable_git=True
)
run = wandb.init(
    mode="offline",
    project="ported",
    name="first",
    id="abc12345",
    config={"lr": 0.1, "opt": {"name": "adam"}},
    tags=["a", "b"],
    notes="hello",
    group="g",
    job_type="train",
    settings=settings,
)
run.define_metric("acc", summary="max")
run.define_metric("val/*", step_metric="epoch")
for s in range(5):
    histogram = wandb.Histogram(np.arange(10), num_bins=4)
    run.log({"loss": 1 / (s + 1), "nest": {"x": s}, "txt": f"s{s}", "nan": math.nan, "h": histogram})
run.log({"late": 1}, step=20)
run.log({"z": 2})
run.summary["best"] = 3
run.summary["d"] = {"k": 1}
print("hello console")
run.config["later"] = 7
run.finish(exit_code=3)
