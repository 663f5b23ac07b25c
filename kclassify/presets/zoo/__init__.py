"""The zoo's rows, one module for each family that builds them, and beside it a file of facts that `tools/zoo_facts.py` writes."""
