"""Which C and gamma suit a support vector machine on handwritten digits, by 5-fold cross-validation?"""

from hpsearch import Float, Space, Study, data, main
from hpsearch.objectives import CrossValidate, TrainSVM
from hpsearch.strategies import QuasiRandom

study = Study(
    name="digits-svm",
    space=Space(
        C=Float(1e-2, 1e3, log=True),
        gamma=Float(1e-4, 10.0, log=True),
    ),
    objective=CrossValidate(TrainSVM(data.digits()), folds=5),
    strategy=QuasiRandom(trials=32),
    seed=0,
)

if __name__ == "__main__":
    main(study)
