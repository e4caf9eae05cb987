"""The home's side of a training job: from a notice on the market's board to the last reward.

``advance.learning_advance`` goes on with everything that a home has to do. Every step is a row with a state and a
lease; each of them may be cut short between any two writes and is simply made again.
"""
