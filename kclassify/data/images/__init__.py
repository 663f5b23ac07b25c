"""One image: what a file is, from its header, and its pixels as upright RGB."""
