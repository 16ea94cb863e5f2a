"""Documents made from the code and the shipped scenario, so that they cannot say what is no longer so."""
