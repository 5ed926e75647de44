from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier as Trees
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from hpsearch import Auto, Float, Int, Space, Study, data
from hpsearch.objectives import CrossValidate, TuneEstimator

texts = (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number"))
steps = [("encode", make_column_transformer(texts, remainder="passthrough")), ("clf", Trees(max_iter=30))]
space = Space(clf__learning_rate=Float(0.01, 1.0, log=True), clf__max_leaf_nodes=Int(4, 64, log=True))
objective = TuneEstimator(Pipeline(steps), data.csv("customers.csv", target="outcome"), scoring="f1_macro")
result = Study("customers", space, CrossValidate(objective, folds=5), Auto(trials=20, batch_size=2)).run(jobs=2)
print(result.test())
