"""`python -m shared.contracts.publish [--check]`."""

from shared.contracts.publish import main

raise SystemExit(main())
