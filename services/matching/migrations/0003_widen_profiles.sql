-- What the whole request has to be compared with. Who was described before speaks their languages well enough to
-- work in them, sees one person at a time, and has the competence that problem areas and steps said together.
-- `problem_areas` and `steps` are still written: the release before this one reads them.

ALTER TABLE therapists
    ADD COLUMN profession text,
    ADD COLUMN fluencies text[] NOT NULL DEFAULT '{}',
    ADD COLUMN kinds text[] NOT NULL DEFAULT '{individual}',
    ADD COLUMN competences jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN sliding_fee int CHECK (sliding_fee BETWEEN 0 AND fee),
    ADD COLUMN coverage text[] NOT NULL DEFAULT '{}',
    ADD COLUMN access text[] NOT NULL DEFAULT '{}',
    ADD COLUMN faith_sensitive boolean NOT NULL DEFAULT false,
    ADD COLUMN supervisor uuid,
    ADD COLUMN suspended_from timestamptz,
    ADD COLUMN suspended_until timestamptz,
    ADD COLUMN suspended_for text,
    ADD CHECK ((suspended_from IS NULL) = (suspended_for IS NULL)),
    ADD CHECK (suspended_until > suspended_from);

UPDATE therapists SET
    fluencies = array_fill('working'::text, ARRAY[cardinality(languages)]),
    competences = coalesce((
        SELECT jsonb_agg(jsonb_build_object('problem_area', area, 'steps', to_jsonb(steps), 'specialist', false))
        FROM unnest(problem_areas) AS area
    ), '[]');

-- As scheduling says it from now on; a rebuild of this projection fills it for the sites of before.
ALTER TABLE sites ADD COLUMN step_free boolean NOT NULL DEFAULT false;
