-- The worklist: what services have opened, who has it, what came of it. Nothing of why somebody asked for help.
CREATE TABLE tasks (
    task_id uuid PRIMARY KEY,
    opened_by text NOT NULL,
    kind text NOT NULL,
    queue text NOT NULL,
    outcomes text[] NOT NULL,
    due_by timestamptz NOT NULL,
    priority int NOT NULL,
    case_id uuid,
    therapist_id uuid,
    site_id uuid,
    opened_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'claimed', 'done')),
    claimed_by text,
    claimed_name text,
    claimed_at timestamptz,
    outcome text,
    done_by text,
    done_name text,
    done_at timestamptz,
    version int NOT NULL DEFAULT 1,
    CHECK ((state = 'done') = (done_at IS NOT NULL)),
    CHECK ((done_at IS NULL) = (done_by IS NULL)),
    CHECK ((done_at IS NULL) = (outcome IS NULL)),
    CHECK (state <> 'claimed' OR claimed_by IS NOT NULL)
);
CREATE INDEX tasks_to_do ON tasks (due_by, task_id) WHERE state <> 'done';
CREATE INDEX tasks_by_case ON tasks (case_id) WHERE case_id IS NOT NULL;

-- Whose a site is: its desk sees what is to be done there.
CREATE TABLE sites (
    site_id uuid PRIMARY KEY,
    organisation text NOT NULL
);
