"""scikit-learn's interface: a search with cross-validation that is an estimator itself, and features of a trained network.

A table with texts and gaps, a pipeline whose last step is searched too, and a score of scikit-learn's:

>>> import pandas as pd
>>> from sklearn.compose import make_column_transformer
>>> from sklearn.ensemble import HistGradientBoostingClassifier
>>> from sklearn.impute import SimpleImputer
>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.pipeline import Pipeline, make_pipeline
>>> from sklearn.preprocessing import OneHotEncoder
>>> from hpsearch import Auto, Choice, Float, Int, Space
>>> frame = pd.DataFrame({"city": ["Bonn", "Trier", None, "Bonn"] * 15, "size": [1.0, 2.0, 3.0, None, 1.5] * 12})
>>> target = frame["city"].eq("Bonn").map({True: "yes", False: "no"})
>>> texts = make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder(handle_unknown="ignore"))
>>> columns = make_column_transformer((texts, ["city"]), (SimpleImputer(), ["size"]), sparse_threshold=0)
>>> model = Pipeline([("columns", columns), ("clf", LogisticRegression())])
>>> space = Space(
...     clf=Choice(LogisticRegression(), HistGradientBoostingClassifier(max_iter=5)),
...     clf__C=Float(0.01, 100, log=True, when={"clf": "LogisticRegression"}),
...     clf__max_leaf_nodes=Int(2, 31, log=True, when={"clf": "HistGradientBoostingClassifier"}),
... )
>>> search = SearchCV(model, space, Auto(trials=6), scoring="f1_macro", cv=3).fit(frame, target)
>>> search.predict(frame[:3]).tolist()
['yes', 'no', 'no']
"""

from hpsearch.sklearn.network_features import NetworkFeatures
from hpsearch.sklearn.search_cv import SearchCV

__all__ = ["NetworkFeatures", "SearchCV"]
