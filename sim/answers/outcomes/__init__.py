"""Headline figures by id, for any day from 2004 to 2014: each with its interval, its n, and the inputs that drive it.

They are predictions made without the outcomes: mechanisms of the model, never fitted.
"""

from sim.answers.outcomes.registry import BY_ID, OUTCOMES, OutcomeProblem, outcomes

__all__ = ["BY_ID", "OUTCOMES", "OutcomeProblem", "outcomes"]
