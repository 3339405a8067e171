"""Many requests in one file: POST /v1/cases/bulk, for a practice, a helpline or an organisation that hands them over.

`routes` is where a file comes in; `streams` cuts it into batches, `reading` and `columns` read a line, `turns` makes
transactions of them.
"""

from services.intake.api.bulk.routes import BODIES, PATH, BulkCounter, bulk_routes
from services.intake.api.bulk.turns import BulkTurns

__all__ = ["BODIES", "PATH", "BulkCounter", "BulkTurns", "bulk_routes"]
