"""``python -m leadlife``."""

import sys

from leadlife.cli import main

sys.exit(main())
