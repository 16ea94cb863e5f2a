"""The simulation: what there is, how long everything takes, what it means."""
