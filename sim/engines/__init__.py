"""How long everything takes: the same stations as SimPy processes and as column recursions."""
