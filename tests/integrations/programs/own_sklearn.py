"""A user's program: the plots of scikit-learn's models."""

from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

import runcast
from runcast.integration import sklearn

inputs, targets = load_iris(return_X_y=True)
train, test, train_y, test_y = train_test_split(inputs, targets, random_state=0)
with runcast.init(project="own-sklearn", name="classifier"):
    model = RandomForestClassifier(10, random_state=0).fit(train, train_y)
    sklearn.plot_classifier(
        model,
        train,
        test,
        train_y,
        test_y,
        model.predict(test),
        model.predict_proba(test),
        labels=["setosa", "versicolor", "virginica"],
        log_learning_curve=True,
    )
    binary = targets < 2
    sklearn.plot_calibration_curve(model.fit(inputs[binary], targets[binary]), inputs[binary], targets[binary])
inputs, targets = load_diabetes(return_X_y=True)
train, test, train_y, test_y = train_test_split(inputs, targets, random_state=0)
with runcast.init(project="own-sklearn", name="regressor"):
    sklearn.plot_regressor(Ridge().fit(train, train_y), train, test, train_y, test_y)
with runcast.init(project="own-sklearn", name="clusterer"):
    model = KMeans(3, n_init=2, random_state=0)
    sklearn.plot_clusterer(model, inputs, model.fit_predict(inputs))
