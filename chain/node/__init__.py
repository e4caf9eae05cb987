"""The ledger node: the process that orders transactions, executes them, and alone writes the blocks of its ledgers.

``service`` makes one ledger's blocks, ``server`` answers on a unix socket, ``keys`` and ``shared`` begin the shared
ledger, ``beside`` those of other kinds, ``verify_pool`` checks signatures in other processes, ``host`` runs the ledgers
side by side, ``process`` ties them together.
"""
