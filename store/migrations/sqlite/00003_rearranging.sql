-- What was merged and moved, so that it can be undone, what people want apart,
-- and how urgent an incident is.

-- +goose Up

INSERT INTO counter (name, value) VALUES ('rearrangement', 0);

CREATE TABLE rearrangement (
  tenant     TEXT NOT NULL,
  id         BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  kind       TEXT NOT NULL, -- merge, move
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  from_id    BIGINT NOT NULL, -- the incident that gave
  to_id      BIGINT NOT NULL, -- the incident that took
  undone     BIGINT NOT NULL, -- when; 0 while it stands
  body       TEXT NOT NULL,   -- JSON: why, what moved, and both incidents as they were
  PRIMARY KEY (tenant, id)
);
CREATE INDEX rearrangement_from ON rearrangement (tenant, from_id, id);
CREATE INDEX rearrangement_to ON rearrangement (tenant, to_id, id);

-- Pairs of incidents that the engine must not join, because a person parted
-- them.
CREATE TABLE incident_apart (
  tenant TEXT NOT NULL,
  id     BIGINT NOT NULL,
  other  BIGINT NOT NULL, -- each pair stands twice
  at     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id, other)
) WITHOUT ROWID;

CREATE INDEX alert_name_alert ON alert_name (tenant, alert_id);

-- Incidents of before have their score with their next change.
ALTER TABLE incident ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
CREATE INDEX incident_priority ON incident (tenant, priority, id);
