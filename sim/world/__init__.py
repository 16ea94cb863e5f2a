"""What there is, and what happens to it: the scenario, the streams, the demand, the exam table."""
