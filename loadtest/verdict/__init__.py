"""What came of it: operations, ledger, thresholds, diagnosis."""
