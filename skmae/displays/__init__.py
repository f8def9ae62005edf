"""Pictures of what an estimator learned, in scikit-learn's manner."""
