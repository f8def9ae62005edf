"""Where the documentation is: the one place to change when it moves."""

DOC_LINK_TEMPLATE = (
    "https://skmae.readthedocs.io/en/latest/api/generated/"
    "{estimator_module}.{estimator_name}.html"
)
