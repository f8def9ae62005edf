"""Serve a saved classifier: rows in, classes and their probabilities out.

uvicorn app:app --workers 4                      # spawned: each worker loads the model
gunicorn app:app --preload --workers 4 \
    --worker-class uvicorn_worker.UvicornWorker  # loaded once, then forked
"""

import os

import pandas as pd
import skops.io
import torch
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from skmae import skops_trusted_types

# A row is too little work to share; workers are what there are more of. It also lets
# a parent process compute before it forks.
torch.set_num_threads(1)
path = os.environ.get("CLASSIFIER", "classifier.skops")
classifier = skops.io.load(path, trusted=skops_trusted_types())
columns = list(classifier.feature_names_in_)
app = FastAPI()


class Rows(BaseModel):
    """Rows by the names of their columns; what is not given is missing."""

    rows: list[dict[str, float | bool | str | None]]


@app.post("/predict")
def predict(given: Rows):
    """Classes of rows, and probabilities in the order of the classes."""
    unknown = sorted({name for row in given.rows for name in row} - set(columns))
    if unknown or not given.rows:
        raise HTTPException(422, f"There must be rows, of columns {columns}.")
    frame = pd.DataFrame(given.rows, columns=columns)
    try:
        probabilities = classifier.predict_proba(frame)
    except ValueError as error:  # such as text in a column of numbers
        raise HTTPException(422, str(error)) from error
    return {
        "classes": classifier.classes_.tolist(),
        "predicted": classifier.classes_[probabilities.argmax(axis=1)].tolist(),
        "probabilities": probabilities.tolist(),
        "process": os.getpid(),
    }
