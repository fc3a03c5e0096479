"""`python -m approx_eval`: the command."""

import sys

from ._command import main

sys.exit(main())
