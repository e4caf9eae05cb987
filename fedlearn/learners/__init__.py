"""What is learnt: plans, task templates, model families, their measure, and recommendations. Pure; knows no network."""
