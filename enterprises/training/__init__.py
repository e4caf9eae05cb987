"""Training jobs of an enterprise: homes learn a model together, and this node leads the rounds.

    draft -> noticed -> gathering -> funding -> waiting -> running -> completed
                                                              and failed or cancelled from anywhere

``rounds.training_advance`` does all that a job needs. It opens the enterprise's node on the mailbox, which one process
at a time may have, reads the mail, takes each due job a step further (``machine``), and sends the wallet's calls.
"""
