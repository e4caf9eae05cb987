"""Pages of the enterprise role: function views that load, call one service, and present."""
