"""Recommendations at home: declared offers, scored by a model's predictions for this home; no code comes with them."""
