-- What the queues are filtered by, the filters that people keep, and how they
-- like to see the portal.

-- +goose Up

-- How labels are written that are not in lower case.
CREATE TABLE label_text (
  tenant TEXT NOT NULL,
  kind   TEXT NOT NULL,
  fold   TEXT NOT NULL,
  text   TEXT NOT NULL,
  PRIMARY KEY (tenant, kind, fold)
) WITHOUT ROWID;

CREATE TABLE filter_set (
  tenant   TEXT NOT NULL,
  id       TEXT NOT NULL,
  noun     TEXT NOT NULL, -- incident, alert
  name     TEXT NOT NULL,
  query    TEXT NOT NULL, -- the query part of the list's address
  shared   INTEGER NOT NULL,
  owner_id TEXT NOT NULL,
  owner    TEXT NOT NULL,
  updated  BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, owner_id, noun, name)
);
CREATE INDEX filter_set_shared ON filter_set (tenant, noun, shared, name);

CREATE TABLE preference (
  tenant  TEXT NOT NULL,
  user_id TEXT NOT NULL,
  key     TEXT NOT NULL,
  value   TEXT NOT NULL, -- JSON
  updated BIGINT NOT NULL,
  PRIMARY KEY (tenant, user_id, key)
);

-- Incidents and alerts of before get their labels by a job.
INSERT INTO job (tenant, kind, key, args, state, again, run_at, attempt, lease, runner, error, created)
  SELECT tenant, 'cases.relabel', '', 'null', 'ready', 0, 0, 0, 0, '', '', 0 FROM incident GROUP BY tenant;
