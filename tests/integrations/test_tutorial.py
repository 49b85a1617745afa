"""The tutorial's second program, as its readers have it: Keras on any backend, and a small data set for MNIST."""

from __future__ import annotations

from pathlib import Path

from tests.integrations.conftest import Workshop, needs

TUTORIAL = Path(__file__).parents[1] / "tutorial"
STUB = Path(__file__).parent / "stub"


@needs("torch", "keras")
def test_the_keras_tutorial_runs_as_it_is(workshop: Workshop) -> None:
    program = workshop.folder / "keras_intro.py"
    # In the notebook the import stands in a cell of its own.
    program.write_text("import wandb\n" + (TUTORIAL / "2_keras_intro.py").read_text())
    done = workshop.run(str(program), KERAS_BACKEND="torch", PYTHONPATH=str(STUB))
    assert done.stderr.count("Synced ") == 20
    runs = workshop.seen("keras-intro")
    assert len(runs) == 20
    for run in runs:
        assert run.record["state"] == "finished"
        assert f"Synced {run.record['name']}: {workshop.service.api.url}" in done.stderr
        rows = run.rows("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
        assert [epoch for epoch, *_ in rows] == list(range(6))
        assert run.summary["best_val_loss"] == min(loss for *_, loss, _ in rows)
        assert run.config["layer_1"] == 512
        [model] = workshop.api().run(f"keras-intro/{run.id}").files()
        assert (model.name, model.stored) == ("model-best.keras", True)
