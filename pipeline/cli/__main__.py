"""`python -m pipeline.cli` is `siaga`."""

from pipeline.cli import main

main()
