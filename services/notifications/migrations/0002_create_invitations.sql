-- What a message that asks for an answer needs: code and PIN, sealed with the key of the person's contact, and until
-- when they open anything.
CREATE TABLE invitations (
    attendee_id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    case_id uuid NOT NULL,
    box text NOT NULL,
    box_version int NOT NULL,
    expires_at timestamptz NOT NULL
);
