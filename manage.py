#!/usr/bin/env python3
import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")
    from trialsite.embedded import addresses

    # While `make demo` runs, commands in another terminal talk to its servers.
    addresses.adopt(Path(__file__).resolve().parent, os.environ)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
