"""Where the documentation is: the one place to change when it moves."""

from sklearn.base import BaseEstimator

# All that is public is imported from skmae itself, wherever it lives.
DOC_LINK_TEMPLATE = (
    "https://skmae.readthedocs.io/en/latest/api/generated/skmae.{estimator_name}.html"
)


class DocumentedEstimator(BaseEstimator):
    """The part of an estimator whose HTML repr links to its page."""

    _doc_link_module = "skmae"
    _doc_link_template = DOC_LINK_TEMPLATE
