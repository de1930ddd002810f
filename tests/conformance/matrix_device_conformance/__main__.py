"""python3 -m matrix_device_conformance"""

import sys

from matrix_device_conformance.command import main

sys.exit(main())
