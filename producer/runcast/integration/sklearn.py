"""Plots for scikit-learn's models: each is logged to the active run under a name of its own.

`plot_classifier`, `plot_regressor` and `plot_clusterer` draw all that belong to a kind of model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn import base, calibration, metrics, model_selection

import runcast
from runcast.errors import RuncastError
from runcast.run import Run

FEATURES_MAX = 50  # The largest bars; more would not be read.
POINTS_MAX = 1000  # Of a scatter or a curve.


def plot_classifier(
    model: Any,
    X_train: Any,  # noqa: N803  # scikit-learn's names, here and below.
    X_test: Any,  # noqa: N803
    y_train: Any,
    y_test: Any,
    y_pred: Any,
    y_probas: Any,
    labels: Sequence[str] | None = None,
    is_binary: bool = False,
    model_name: str = "Classifier",
    feature_names: Sequence[str] | None = None,
    log_learning_curve: bool = False,
) -> None:
    """Draw what is known of a classifier: importances, scores, proportions, confusion, ROC, precision and recall."""
    _active("plot_classifier").config.update({f"{model_name} settings": _settings(model)}, allow_val_change=True)
    if log_learning_curve:
        plot_learning_curve(model, X_train, y_train)
    plot_feature_importances(model, feature_names)
    plot_class_proportions(y_train, y_test, labels)
    plot_summary_metrics(model, X_train, y_train, X_test, y_test)
    plot_confusion_matrix(y_test, y_pred, labels)
    if is_binary:
        plot_calibration_curve(model, X_test, y_test, model_name)
    plot_roc(y_test, y_probas, labels)
    plot_precision_recall(y_test, y_probas, labels)


def plot_regressor(
    model: Any,
    X_train: Any,  # noqa: N803
    X_test: Any,  # noqa: N803
    y_train: Any,
    y_test: Any,
    model_name: str = "Regressor",
) -> None:
    """Draw what is known of a regressor: scores, learning curve, outliers, residuals."""
    _active("plot_regressor").config.update({f"{model_name} settings": _settings(model)}, allow_val_change=True)
    plot_summary_metrics(model, X_train, y_train, X_test, y_test)
    plot_learning_curve(model, X_train, y_train)
    plot_outlier_candidates(model, X_train, y_train)
    plot_residuals(model, X_train, y_train)


def plot_clusterer(
    model: Any,
    X_train: Any,  # noqa: N803
    cluster_labels: Any,
    labels: Sequence[str] | None = None,
    model_name: str = "Clusterer",
) -> None:
    """Draw what is known of a clustering: the elbow, for models with a number of clusters, and the silhouettes."""
    _active("plot_clusterer").config.update({f"{model_name} settings": _settings(model)}, allow_val_change=True)
    if hasattr(model, "n_clusters"):
        plot_elbow_curve(model, X_train)
    plot_silhouette(model, X_train, cluster_labels, labels)


def plot_roc(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    plot_micro: bool = True,
    plot_macro: bool = True,
    classes_to_plot: Sequence[Any] | None = None,
) -> None:
    """Draw a curve of true over false positives for each class."""
    del plot_micro, plot_macro
    _log("plot_roc", "roc", runcast.plot.roc_curve(y_true, y_probas, labels, classes_to_plot))


def plot_precision_recall(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    plot_micro: bool = True,
    classes_to_plot: Sequence[Any] | None = None,
) -> None:
    """Draw a curve of precision over recall for each class."""
    del plot_micro
    _log("plot_precision_recall", "precision_recall", runcast.plot.pr_curve(y_true, y_probas, labels, classes_to_plot))


def plot_confusion_matrix(
    y_true: Any = None, y_pred: Any = None, labels: Sequence[str] | None = None, **_: Any
) -> None:
    """Draw how often each class was taken for which."""
    classes = np.unique(np.concatenate([np.asarray(y_true), np.asarray(y_pred)]))
    names = list(labels) if labels is not None else [str(each) for each in classes]
    counts = metrics.confusion_matrix(y_true, y_pred, labels=classes)
    rows = [
        [names[actual], names[predicted], int(counts[actual, predicted])]
        for actual in range(len(classes))
        for predicted in range(len(classes))
    ]
    fields = {"Actual": "Actual", "Predicted": "Predicted", "nPredictions": "Count"}
    _chart(
        "plot_confusion_matrix",
        "confusion_matrix",
        "confusion_matrix/v1",
        ["Actual", "Predicted", "Count"],
        rows,
        fields,
    )


def plot_feature_importances(
    model: Any = None,
    feature_names: Sequence[str] | None = None,
    title: str = "Feature Importance",
    max_num_features: int = FEATURES_MAX,
) -> None:
    """Draw what each feature weighs, for models that say so."""
    if hasattr(model, "feature_importances_"):
        weights = np.asarray(model.feature_importances_)
    elif hasattr(model, "coef_"):
        weights = np.abs(np.atleast_2d(np.asarray(model.coef_))).mean(axis=0)
    else:
        return
    names = feature_names if feature_names is not None else getattr(model, "feature_names_in_", range(len(weights)))
    order = np.argsort(weights)[::-1][:max_num_features]
    _bar(
        "plot_feature_importances",
        "feature_importances",
        ["feature_names", "importances"],
        [[str(names[at]), float(weights[at])] for at in order],
        title,
    )


def plot_class_proportions(y_train: Any = None, y_test: Any = None, labels: Sequence[str] | None = None) -> None:
    """Draw how many examples each class has in training and test."""
    rows = []
    for split, targets in (("train", y_train), ("test", y_test)):
        for at, (each, count) in enumerate(zip(*np.unique(targets, return_counts=True), strict=True)):
            rows.append([labels[at] if labels is not None and at < len(labels) else str(each), split, int(count)])
    fields = {"class": "class", "dataset": "dataset", "count": "count"}
    _chart(
        "plot_class_proportions",
        "class_proportions",
        "class_proportions/v1",
        ["class", "dataset", "count"],
        rows,
        fields,
    )


def plot_summary_metrics(
    model: Any = None,
    X: Any = None,  # noqa: N803
    y: Any = None,
    X_test: Any = None,  # noqa: N803
    y_test: Any = None,
) -> None:
    """Draw a model's scores on the test set; a clone is fitted when the model is not."""
    fitted = _fitted(model, X, y)
    guesses = fitted.predict(X_test)
    scores: dict[str, Callable[[], float]] = (
        {
            "accuracy": lambda: metrics.accuracy_score(y_test, guesses),
            "precision": lambda: metrics.precision_score(y_test, guesses, average="weighted", zero_division=0),
            "recall": lambda: metrics.recall_score(y_test, guesses, average="weighted", zero_division=0),
            "f1_score": lambda: metrics.f1_score(y_test, guesses, average="weighted", zero_division=0),
        }
        if base.is_classifier(model)
        else {
            "mae": lambda: metrics.mean_absolute_error(y_test, guesses),
            "mse": lambda: metrics.mean_squared_error(y_test, guesses),
            "r2_score": lambda: metrics.r2_score(y_test, guesses),
        }
    )
    rows = [[name, float(score())] for name, score in scores.items()]
    _bar("plot_summary_metrics", "summary_metrics", ["metric_name", "metric_value"], rows, type(model).__name__)


def plot_learning_curve(
    model: Any = None,
    X: Any = None,  # noqa: N803
    y: Any = None,
    cv: Any = None,
    shuffle: bool = False,
    random_state: int | None = None,
    train_sizes: Any = None,
    n_jobs: int = 1,
    scoring: str | None = None,
) -> None:
    """Draw the score over the number of examples that were learned from."""
    sizes, train, test, *_ = model_selection.learning_curve(
        model,
        X,
        y,
        cv=cv,
        n_jobs=n_jobs,
        train_sizes=np.linspace(0.1, 1.0, 5) if train_sizes is None else train_sizes,
        scoring=scoring,
        shuffle=shuffle,
        random_state=random_state,
    )
    series = [train.mean(axis=1).tolist(), test.mean(axis=1).tolist()]
    chart = runcast.plot.line_series(
        xs=sizes.tolist(), ys=series, keys=["train", "test"], title="Learning Curve", xname="examples"
    )
    _log("plot_learning_curve", "learning_curve", chart)


def plot_calibration_curve(
    clf: Any = None,
    X: Any = None,  # noqa: N803
    y: Any = None,
    clf_name: str = "Classifier",
) -> None:
    """Draw how often a classifier is right over how sure it is."""
    sure = clf.predict_proba(X)[:, 1]
    right, said = calibration.calibration_curve(y, sure, n_bins=10)
    chart = runcast.plot.line_series(
        xs=[said.tolist(), [0, 1]],
        ys=[right.tolist(), [0, 1]],
        keys=[clf_name, "perfectly calibrated"],
        title="Calibration Curve",
        xname="mean predicted value",
    )
    _log("plot_calibration_curve", "calibration_curve", chart)


def plot_elbow_curve(
    clusterer: Any = None,
    X: Any = None,  # noqa: N803
    cluster_ranges: Sequence[int] | None = None,
    n_jobs: int = 1,
    show_cluster_time: bool = True,
) -> None:
    """Draw the score, and the time it took, over the number of clusters."""
    del n_jobs
    rows = []
    for count in cluster_ranges if cluster_ranges is not None else range(1, 10, 2):
        began = time.monotonic()
        score = abs(base.clone(clusterer).set_params(n_clusters=count).fit(X).score(X))
        rows.append([count, float(score), time.monotonic() - began if show_cluster_time else 0.0])
    fields = {"x": "cluster_ranges", "y": "errors"}
    _chart("plot_elbow_curve", "elbow_curve", "elbow/v1", ["cluster_ranges", "errors", "clustering_time"], rows, fields)


def plot_silhouette(
    clusterer: Any = None,
    X: Any = None,  # noqa: N803
    cluster_labels: Any = None,
    labels: Sequence[str] | None = None,
    metric: str = "euclidean",
    kmeans: bool = True,
) -> None:
    """Draw how well each example sits in its cluster."""
    del kmeans
    found = np.asarray(clusterer.fit_predict(X) if cluster_labels is None else cluster_labels)
    if not 1 < len(np.unique(found)) < len(found):
        return
    scores = metrics.silhouette_samples(X, found, metric=metric)
    rows = []
    for each in np.unique(found):
        name = labels[each] if labels is not None and 0 <= each < len(labels) else str(each)
        rows += [[name, at, float(score)] for at, score in enumerate(np.sort(scores[found == each]))]
    rows = _thinned(rows)
    fields = {"x": "y", "y": "silhouette"}
    _chart("plot_silhouette", "silhouette_plot", "silhouette_/v1", ["cluster", "y", "silhouette"], rows, fields)


def plot_residuals(
    regressor: Any = None,
    X: Any = None,  # noqa: N803
    y: Any = None,
) -> None:
    """Draw how far predictions are off, over what was predicted, for a part to learn from and one to test."""
    first, second, first_y, second_y = model_selection.train_test_split(X, y, test_size=0.2, random_state=0)
    fitted = base.clone(regressor).fit(first, first_y)
    rows = []
    for split, inputs, targets in (("train", first, first_y), ("test", second, second_y)):
        guesses = fitted.predict(inputs)
        rows += [[split, float(guess), float(guess - real)] for guess, real in zip(guesses, targets, strict=True)]
    fields = {"x": "y_pred", "y": "residuals"}
    _chart(
        "plot_residuals", "residuals", "residuals_plot/v1", ["dataset", "y_pred", "residuals"], _thinned(rows), fields
    )


def plot_outlier_candidates(
    regressor: Any = None,
    X: Any = None,  # noqa: N803
    y: Any = None,
) -> None:
    """Draw how much each example moves a linear model: Cook's distance."""
    inputs, targets = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    inputs = inputs.reshape(len(inputs), -1)
    leverage = (inputs * np.linalg.pinv(inputs).T).sum(axis=1)
    residuals = targets - base.clone(regressor).fit(inputs, targets).predict(inputs)
    free = max(len(inputs) - inputs.shape[1], 1)
    error = max(float(residuals @ residuals) / free, np.finfo(float).tiny)
    away = np.clip(1 - leverage, np.finfo(float).eps, None)
    distance = residuals**2 / (inputs.shape[1] * error) * leverage / away**2
    rows = _thinned([[at, float(each)] for at, each in enumerate(distance)])
    _chart(
        "plot_outlier_candidates",
        "outlier_candidates",
        "outliers/v1",
        ["instance_indices", "distance"],
        rows,
        {"x": "instance_indices", "y": "distance"},
    )


def _active(who: str) -> Run:
    if runcast.run is None:
        raise RuncastError(f"You must call wandb.init() before wandb.sklearn.{who}()")
    return runcast.run


def _log(who: str, name: str, chart: Any) -> None:
    _active(who).log({name: chart})


def _bar(who: str, name: str, columns: list[str], rows: list[list[Any]], title: str) -> None:
    _log(who, name, runcast.plot.bar(runcast.Table(columns=columns, data=rows), *columns, title=title))


def _chart(who: str, name: str, preset: str, columns: list[str], rows: list[list[Any]], fields: dict[str, str]) -> None:
    _log(who, name, runcast.plot_table(f"wandb/{preset}", runcast.Table(columns=columns, data=rows), fields))


def _thinned(rows: list[list[Any]]) -> list[list[Any]]:
    """Take every so manieth row, so that a chart has no more than it can show."""
    return rows[:: max(1, -(-len(rows) // POINTS_MAX))]


def _settings(model: Any) -> dict[str, Any]:
    """Give a model's parameters, as far as they are values."""
    return {
        key: value
        for key, value in model.get_params().items()
        if value is None or isinstance(value, bool | int | float | str)
    }


def _fitted(model: Any, inputs: Any, targets: Any) -> Any:
    return (
        model
        if any(key.endswith("_") and not key.startswith("_") for key in vars(model))
        else base.clone(model).fit(inputs, targets)
    )
