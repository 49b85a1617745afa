"""The curves of a classifier: how often it is right, at every threshold. With numpy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from runcast.errors import UsageError

POINTS_MAX = 1000  # Of one curve: a screen has no more.


def confusion(probs: Any, y_true: Any, preds: Any, class_names: Sequence[str] | None) -> list[list[Any]]:
    """Count each pair of what was and what was said: rows of actual, predicted and the count."""
    if (probs is None) == (preds is None):
        raise UsageError("give probs or preds, not both" if preds is not None else "give probs or preds")
    truth = np.asarray(y_true).ravel()
    said = np.asarray(preds).ravel() if preds is not None else np.asarray(probs).argmax(axis=1)
    if len(truth) != len(said):
        raise UsageError(f"{len(said)} predictions for {len(truth)} examples")
    classes = sorted({*truth.tolist(), *said.tolist()})
    if class_names is None:
        names = [f"Class_{number + 1}" for number in range(len(classes))]
    else:
        names = [str(name) for name in class_names]
        # Numbers of classes, as W&B takes them: a class that never occurs has its row too.
        if all(isinstance(each, int) and 0 <= each < len(names) for each in classes):
            classes = list(range(len(names)))
        if len(names) != len(classes):
            raise UsageError(f"{len(names)} class_names for {len(classes)} classes")
    place = {each: at for at, each in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), int)
    for was, guess in zip(truth.tolist(), said.tolist(), strict=True):
        counts[place[was], place[guess]] += 1
    return [
        [names[was], names[guess], int(counts[was, guess])]
        for was in range(len(classes))
        for guess in range(len(classes))
    ]


def roc(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None, classes_to_plot: Sequence[Any] | None
) -> list[list[Any]]:
    """Rows of class, false positive rate and true positive rate, from the highest threshold to the lowest."""
    rows = []
    for name, positive, scores in _per_class(y_true, y_probas, labels, classes_to_plot):
        hits, misses = _cumulated(positive, scores)
        right, wrong = max(1, int(positive.sum())), max(1, int((~positive).sum()))
        rates = zip(np.r_[0, misses] / wrong, np.r_[0, hits] / right, strict=True)
        rows += [[name, round(float(false), 3), round(float(true), 3)] for false, true in thinned(list(rates))]
    return rows


def precision_recall(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None, classes_to_plot: Sequence[Any] | None, interp_size: int
) -> list[list[Any]]:
    """Rows of class, recall and precision, at `interp_size` recalls from 1 to 0."""
    rows = []
    for name, positive, scores in _per_class(y_true, y_probas, labels, classes_to_plot):
        hits, misses = _cumulated(positive, scores)
        precision = hits / np.maximum(1, hits + misses)
        recall = hits / max(1, int(positive.sum()))
        for wanted in np.linspace(1, 0, interp_size):
            reached = precision[recall >= wanted]
            rows.append([name, round(float(wanted), 3), round(float(reached.max()) if len(reached) else 0.0, 3)])
    return rows


def _per_class(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None, classes_to_plot: Sequence[Any] | None
) -> Iterator[tuple[Any, Any, Any]]:
    truth, scores = np.asarray(y_true).ravel(), np.asarray(y_probas)
    if scores.ndim == 1:
        scores = np.stack([1 - scores, scores], axis=1)
    if len(truth) != len(scores):
        raise UsageError(f"{len(scores)} rows of y_probas for {len(truth)} examples")
    classes = np.unique(truth)
    if len(classes) > scores.shape[1]:
        raise UsageError(f"y_probas has {scores.shape[1]} columns for {len(classes)} classes")
    if len(classes) < scores.shape[1] and np.issubdtype(truth.dtype, np.integer):
        classes = np.arange(scores.shape[1])
    for at, each in enumerate(classes):
        if classes_to_plot is not None and each not in classes_to_plot:
            continue
        positive = truth == each
        if positive.any():
            name = str(labels[at]) if labels is not None and at < len(labels) else each.item()
            yield name, positive, scores[:, at]


def _cumulated(positive: Any, scores: Any) -> tuple[Any, Any]:
    """Count what is right and wrong above each threshold."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.r_[np.nonzero(np.diff(ordered))[0], len(ordered) - 1]  # Equal scores fall together.
    hits = np.cumsum(positive[order])[last]
    return hits, last + 1 - hits


def thinned(points: list[Any]) -> list[Any]:
    """Leave out points so that no more than the bound are left, the first and the last among them."""
    if len(points) <= POINTS_MAX:
        return points
    return [points[round(at * (len(points) - 1) / (POINTS_MAX - 1))] for at in range(POINTS_MAX)]
