"""Train the classifier that app.py serves, and save it."""

import skops.io
from sklearn.datasets import load_wine

from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderTransformer

data = load_wine(as_frame=True)
names = data.target_names[data.target]
encoder = MaskedAutoencoderTransformer(max_epochs=50, random_state=0)
clf = MaskedAutoencoderClassifier(encoder, fine_tune_epochs=20, random_state=0)
skops.io.dump(clf.fit(data.data, names), "classifier.skops")
