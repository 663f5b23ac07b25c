"""One file a family: `build(x, **config)` from normalised pixels to (pyramid, features)."""
