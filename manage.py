#!/usr/bin/env python
"""Django's command line for Hearth. Without DJANGO_SETTINGS_MODULE it runs with the development settings."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.dev")
    execute_from_command_line(sys.argv)
