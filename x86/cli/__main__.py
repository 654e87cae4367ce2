import sys

from x86.cli import main

sys.exit(main())
