"""HTTP and WebSockets in one ASGI application."""

from __future__ import annotations

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.dev")
# WhiteNoise serves small static files by synchronous iterators, which Django reads at once, as is meant.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
_http = get_asgi_application()  # before anything that imports models

from marketplace.routing import websocket_application  # noqa: E402

from channels.routing import ProtocolTypeRouter  # noqa: E402  # isort: skip

application = ProtocolTypeRouter({"http": _http, "websocket": websocket_application})
