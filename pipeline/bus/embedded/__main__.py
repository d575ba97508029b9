"""`python -m pipeline.bus.embedded --dir DIR [--host HOST] [--port PORT]`."""

import argparse
import logging
import sys
from pathlib import Path

from pipeline.bus.embedded.server import serve
from pipeline.bus.embedded.storage import LockedError


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve; 1 with one line on stderr when that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.bus.embedded", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9092, help="0 takes a free port, see DIR/port")
    parser.add_argument("--dir", type=Path, required=True, help="where records and offsets are kept")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        serve(options.host, options.port, options.dir)
    except (LockedError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
