"""`python -m ringfence`."""

import sys

from ringfence import finder

finder.install()

from ringfence.cli import main  # noqa: E402 - found that way, too

if __name__ == "__main__":
    sys.exit(main())
