-- Incidents that have to do with each other and stay two.

-- +goose Up

CREATE TABLE incident_related (
  tenant TEXT NOT NULL,
  id     BIGINT NOT NULL, -- the smaller number of the two
  other  BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  gone   INTEGER NOT NULL, -- 1: people took it away, and the engine does not bring it back
  body   TEXT NOT NULL, -- JSON
  PRIMARY KEY (tenant, id, other)
);
CREATE INDEX incident_related_other ON incident_related (tenant, other);
