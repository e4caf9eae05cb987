"""Services at home: ask for one by name, get the related models, run them here, compare their offers, order one.

What the models find in this home stays in it. A request tells the ledger that some account asks for a service, a
download tells the market that this hub fetches a model, and an order what stands in ``Order`` (docs/adr/0065).
"""
