-- Hunting: which queries were run, and those that people keep.

-- +goose Up

INSERT INTO counter (name, value) VALUES ('hunt', 0);

CREATE TABLE hunt_run (
  tenant    TEXT NOT NULL,
  id        BIGINT NOT NULL,
  at        BIGINT NOT NULL,
  user_id   TEXT NOT NULL,
  user_name TEXT NOT NULL,
  door      TEXT NOT NULL, -- portal, api, rule, cli
  state     TEXT NOT NULL, -- completed, failed, throttled, cancelled
  error     TEXT NOT NULL,
  resource  TEXT NOT NULL,
  elapsed   BIGINT NOT NULL, -- microseconds
  cpu       BIGINT NOT NULL, -- microseconds
  rows      BIGINT NOT NULL,
  tables    TEXT NOT NULL, -- JSON
  from_at   BIGINT NOT NULL, -- what the request bounded the tables to; 0 for the default
  to_at     BIGINT NOT NULL,
  query     TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX hunt_run_at ON hunt_run (tenant, at);
CREATE INDEX hunt_run_user ON hunt_run (tenant, user_id, id);

CREATE TABLE hunt_query (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  kind        TEXT NOT NULL, -- query, function
  name        TEXT NOT NULL,
  folder      TEXT NOT NULL,
  text        TEXT NOT NULL,
  description TEXT NOT NULL,
  parameters  TEXT NOT NULL,
  shared      INTEGER NOT NULL,
  owner_id    TEXT NOT NULL,
  owner       TEXT NOT NULL,
  updated     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, owner_id, kind, folder, name)
);
CREATE INDEX hunt_query_shared ON hunt_query (tenant, shared, name);
-- A shared function is the one of its name.
CREATE UNIQUE INDEX hunt_query_function ON hunt_query (tenant, name) WHERE kind = 'function' AND shared = 1;
