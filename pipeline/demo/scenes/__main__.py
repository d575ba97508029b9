"""`python -m pipeline.demo.scenes FOLDER CAMERA [event]`: make one programme's file in a process of its own."""

import sys
from pathlib import Path

from pipeline.demo.scenes.film import Programme, make


def main(arguments: list[str]) -> int:
    """Make the file and print its path."""
    folder, camera, *event = arguments
    print(make(Programme(camera, bool(event)), Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
