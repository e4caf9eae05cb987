"""Models on offer to homes. ``shelf`` is the market's side: model files, cards and offer sheets that homes download.
The rest is the enterprise's: the offers of its versions, and the homes' orders of them."""
