#!/usr/bin/env python
"""Django's own commands, with a Python of this machine: python3 manage.py makemigrations"""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "board.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
