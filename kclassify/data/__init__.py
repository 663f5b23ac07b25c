"""Pictures in: an index made once, then a pipeline whose order and randomness are functions of the seed."""
