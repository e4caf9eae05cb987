"""The process that runs on a device: it holds the identity key, measures, signs, checks and votes. No Django.

``python -m households.agent run --spec FILE`` runs one device, ``python -m households.agent host FILE`` many, each in a
process of its own.
"""
