"""What a run means: measures, theory, savings."""
