"""On a Dask cluster of processes: searches spread out, tables judged in partitions."""

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV

from .conftest import make_frame, mixed_columns, quick

distributed = pytest.importorskip("distributed")
dataframe = pytest.importorskip("dask.dataframe")


@pytest.fixture(scope="module")
def client():
    """Two worker processes of one thread each; here too, since sums differ with it."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client
    torch.set_num_threads(n_threads)


def test_a_search_gives_what_it_gives_alone(client, wine):
    search = GridSearchCV(quick(), {"mask_ratio": [0.2, 0.5, 0.8]}, cv=2)
    alone = search.fit(wine)
    expected = alone.cv_results_["mean_test_score"], alone.transform(wine)
    with joblib.parallel_config(backend="dask"):
        spread = search.set_params(n_jobs=-1).fit(wine)
    assert_allclose(spread.cv_results_["mean_test_score"], expected[0], atol=1e-9)
    assert_array_equal(spread.transform(wine), expected[1])
    # It was the workers who fitted.
    ran_on = client.run(lambda: "skmae" in __import__("sys").modules)
    assert list(ran_on.values()) == [True, True]


def test_partitions_are_judged_like_the_whole(client):
    frame = make_frame("pandas", mixed_columns(), missing={"height": [3], "shirt": [4]})
    frame.index = np.arange(1000, 1120)
    mae = quick().fit(frame)

    def judge(part):
        return pd.Series(mae.score_samples(part), index=part.index, name="score")

    table = dataframe.from_pandas(frame, npartitions=4)
    scores = table.map_partitions(judge, meta=("score", "float64")).compute()
    assert_array_equal(scores.index, frame.index)
    assert_array_equal(scores, mae.score_samples(frame))

    encode = quick().fit(frame).set_output(transform="pandas").transform
    codes = table.map_partitions(encode).compute()
    assert_array_equal(codes, mae.transform(frame))
    assert_array_equal(codes.index, frame.index)
