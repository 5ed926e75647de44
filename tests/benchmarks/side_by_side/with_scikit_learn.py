import pandas
import skops.io
from scipy.stats import loguniform, randint
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier as Trees
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

frame = pandas.read_csv("customers.csv")
X, y = frame.drop(columns="outcome"), frame["outcome"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
texts = (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number"))
steps = [("encode", make_column_transformer(texts, remainder="passthrough")), ("clf", Trees(max_iter=30))]
space = {"clf__learning_rate": loguniform(0.01, 1.0), "clf__max_leaf_nodes": randint(4, 65)}
search = RandomizedSearchCV(Pipeline(steps), space, n_iter=20, scoring="f1_macro", cv=5, n_jobs=2, random_state=0)
search.fit(X_train, y_train)
skops.io.dump(search.best_estimator_, "best.skops")
print({"test_f1_macro": search.score(X_test, y_test)})
