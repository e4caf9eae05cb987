"""Learning at home, on the home's own side: the owner's consent, the account of epsilon, and the local rows.

Nothing here sends a message. Whoever takes part in a job asks ``consent.consent_decide`` before each round, sets its
cost aside with ``account.epsilon_reserve``, and gets rows from ``source``.
"""
