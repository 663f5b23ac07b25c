"""Files of named tensors, read into NumPy without torch and without running code from them."""
