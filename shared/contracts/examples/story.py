"""One made-up story that all examples tell, so that a reader can follow its ids and moments from event to event."""

from datetime import UTC, datetime
from uuid import UUID

CASE = UUID("019abf2e-8c10-7a41-9d27-3f6a5be0c101")
PERSON = UUID("019abf2e-8c10-7a41-9d27-3f6a5be0c102")
ATTENDEE = UUID("019abf2e-8c10-7a41-9d27-3f6a5be0c103")
ALARM = UUID("019abf2e-8c10-7a41-9d27-3f6a5be0c104")
PARTNER = UUID("019abf2e-8c10-7a41-9d27-3f6a5be0c105")
PARTNERS_PLACE = UUID("019abf2e-8c10-7a41-9d27-3f6a5be0c106")
MATCH = UUID("019abf2e-8f02-7b55-8e11-64c2d9a7e201")
OPTION = UUID("019abf2e-8f02-7b55-8e11-64c2d9a7e202")
THERAPIST = UUID("019a2b90-11d4-7c02-a6f0-0d5e7b3f4301")
OTHER_THERAPIST = UUID("019a2b90-11d4-7c02-a6f0-0d5e7b3f4302")
SITE = UUID("019a2b8f-70aa-7e19-b3c8-91f2a4d65401")
ROOM = UUID("019a2b8f-70aa-7e19-b3c8-91f2a4d65402")
APPOINTMENT = UUID("019abf2e-9144-7d83-8a5c-7e0b1f2c3501")
MESSAGE = UUID("019abf2e-9301-7c66-9b40-2d8e6f1a4601")
TASK = UUID("019abf2e-9512-7b90-8f3e-51d7c0a94701")
CALL = UUID("019abf2e-9512-7b90-8f3e-51d7c0a94702")
BOOKING = "7K2M9QXWT4HB"
STAFF = "duty-clinician-1"
COLLEAGUE = "duty-clinician-2"
COORDINATOR = "coordinator-1"
ORGANISATION = "rehmat-hospital"
LAHORE_TIME = "Asia/Karachi"

ASKED = datetime(2026, 11, 26, 9, 15, tzinfo=UTC)
SOON = datetime(2026, 11, 26, 9, 16, tzinfo=UTC)
LATER = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
BEGINS = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
ENDS = datetime(2026, 12, 1, 12, 50, tzinfo=UTC)
FIRST_BEGINS = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
FIRST_ENDS = datetime(2026, 11, 30, 12, 50, tzinfo=UTC)
IN_THREE_DAYS = datetime(2026, 11, 29, 9, 16, tzinfo=UTC)
IN_TWO_WEEKS = datetime(2026, 12, 10, 9, 15, tzinfo=UTC)
