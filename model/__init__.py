"""The scan, the network and the prediction: everything that runs without a window, a workspace or Qt."""
