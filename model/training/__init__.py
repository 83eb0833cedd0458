"""Making a model from labelled scans: data, augmentation, losses, the loop, and the recipes of the shipped bundles."""
