"""W&B's ready-made charts: each draws columns of a table. `import runcast as wandb; wandb.plot.line(…)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from runcast.errors import UsageError
from runcast.media import charts
from runcast.media.charts import CustomChart, Visualize
from runcast.media.table import Table

__all__ = [
    "CustomChart",
    "Visualize",
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
    "visualize",
]


def bar(table: Table, label: str, value: str, title: str = "", split_table: bool = False) -> CustomChart:
    """Bars: a column of names, and one of lengths."""
    return _preset("wandb/bar/v0", table, {"label": label, "value": value}, title, split_table)


def histogram(table: Table, value: str, title: str = "", split_table: bool = False) -> CustomChart:
    """How often each value of a column occurs."""
    return _preset("wandb/histogram/v0", table, {"value": value}, title, split_table)


def line(
    table: Table, x: str, y: str, stroke: str | None = None, title: str = "", split_table: bool = False
) -> CustomChart:
    """A line; with `stroke`, one for each value of that column."""
    if stroke is None:
        return _preset("wandb/line/v0", table, {"x": x, "y": y}, title, split_table)
    return _preset("wandb/line/v0", table, {"x": x, "y": y, "stroke": stroke}, title, split_table)


def scatter(table: Table, x: str, y: str, title: str = "", split_table: bool = False) -> CustomChart:
    """A point for each row."""
    return _preset("wandb/scatter/v0", table, {"x": x, "y": y}, title, split_table)


def line_series(
    xs: Any,
    ys: Any,
    keys: Iterable[Any] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> CustomChart:
    """Several lines over one list of x values, or each over its own."""
    if not isinstance(xs, Iterable) or not isinstance(ys, Iterable):
        raise TypeError("xs and ys are lists")
    lines = [list(each) for each in ys]
    xs = list(xs)
    own = bool(xs) and isinstance(xs[0], Iterable) and not isinstance(xs[0], str)
    places = [list(each) for each in xs] if own else [xs] * len(lines)
    names = [f"key_{number}" for number in range(len(lines))] if keys is None else [str(key) for key in keys]
    if len(places) != len(lines) or len(names) != len(lines):
        raise UsageError(f"{len(places)} xs, {len(lines)} ys and {len(names)} keys; there is one of each for each line")
    rows = [
        [_plain(x), name, _plain(y)]
        for name, own_xs, own_ys in zip(names, places, lines, strict=True)
        for x, y in zip(own_xs, own_ys, strict=False)
    ]
    table = Table(data=rows, columns=["step", "lineKey", "lineVal"])
    fields = {"step": "step", "lineKey": "lineKey", "lineVal": "lineVal"}
    return CustomChart("wandb/lineseries/v0", table, fields, {"title": title, "xname": xname}, split_table)


def confusion_matrix(
    probs: Any = None,
    y_true: Any = None,
    preds: Any = None,
    class_names: Sequence[str] | None = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> CustomChart:
    """How often each class was taken for which; of probabilities for each class, or of predictions."""
    rows = _curves().confusion(probs, y_true, preds, class_names)
    fields = {"Actual": "Actual", "Predicted": "Predicted", "nPredictions": "nPredictions"}
    table = Table(data=rows, columns=["Actual", "Predicted", "nPredictions"])
    return _preset("wandb/confusion_matrix/v1", table, fields, title, split_table)


def pr_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    interp_size: int = 21,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> CustomChart:
    """Precision over recall, for each class."""
    rows = _curves().precision_recall(y_true, y_probas, labels, classes_to_plot, interp_size)
    table = Table(data=rows, columns=["class", "recall", "precision"], allow_mixed_types=True)
    fields = {"x": "recall", "y": "precision", "class": "class"}
    return _preset("wandb/area-under-curve/v0", table, fields, title, split_table)


def roc_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> CustomChart:
    """True over false positives, for each class."""
    rows = _curves().roc(y_true, y_probas, labels, classes_to_plot)
    table = Table(data=rows, columns=["class", "fpr", "tpr"], allow_mixed_types=True)
    fields = {"x": "fpr", "y": "tpr", "class": "class"}
    return _preset("wandb/area-under-curve/v0", table, fields, title, split_table)


def plot_table(
    vega_spec_name: str,
    data_table: Table,
    fields: Mapping[str, Any],
    string_fields: Mapping[str, Any] | None = None,
    split_table: bool = False,
) -> CustomChart:
    """A chart of W&B's by name; those of this module are drawn, another one is shown as its table."""
    return CustomChart(vega_spec_name, data_table, fields, string_fields, split_table)


def visualize(id: str, value: Table) -> CustomChart:  # noqa: A002  # W&B's keyword.
    """A chart by name, whose fields are its table's columns."""
    return charts.CustomChart(id, value, {str(name): name for name in value.columns})


def _preset(name: str, table: Table, fields: Mapping[str, Any], title: str, split: bool) -> CustomChart:
    return CustomChart(name, table, fields, {"title": title}, split)


def _curves() -> Any:
    # With numpy, which a training that draws no curves of a classifier may not have.
    return import_module("runcast.media.curves")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
