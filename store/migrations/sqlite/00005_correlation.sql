-- How correlation is tuned: values that never join, settings of rules, the
-- groups of rules that do not correlate, and merges that were refused.

-- +goose Up

CREATE TABLE exclusion (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  created BIGINT NOT NULL,
  body    TEXT NOT NULL, -- JSON
  PRIMARY KEY (tenant, id)
);

CREATE TABLE rule_correlation (
  tenant      TEXT NOT NULL,
  detector_id TEXT NOT NULL,
  body        TEXT NOT NULL, -- JSON
  PRIMARY KEY (tenant, detector_id)
);

-- The incident that the next alert of a group goes into.
CREATE TABLE rule_group (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL, -- hash of the rule and of what is equal
  incident_id BIGINT NOT NULL,
  alerts      BIGINT NOT NULL, -- that went there
  last        BIGINT NOT NULL, -- activity
  PRIMARY KEY (tenant, id)
);

CREATE TABLE merge_refused (
  tenant TEXT NOT NULL,
  id     BIGINT NOT NULL, -- the smaller number of the two
  other  BIGINT NOT NULL,
  reason TEXT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id, other, reason)
);
