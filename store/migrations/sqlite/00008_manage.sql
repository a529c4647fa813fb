-- What people do to many incidents at once, groups that own incidents, tasks.

-- +goose Up

INSERT INTO counter (name, value) VALUES ('bulk', 0), ('task', 0), ('taskTemplate', 0);

-- One change that was asked of many incidents or alerts.
CREATE TABLE bulk (
  tenant    TEXT NOT NULL,
  id        BIGINT NOT NULL,
  noun      TEXT NOT NULL,   -- incident, alert
  state     TEXT NOT NULL,   -- running, done, cancelled
  asker     TEXT NOT NULL,   -- the id of who asked
  undo_of   BIGINT NOT NULL, -- the bulk change that this one takes back; 0: none
  undone_by BIGINT NOT NULL,
  total     BIGINT NOT NULL,
  done      BIGINT NOT NULL, -- items dealt with: the next has this position
  changed   BIGINT NOT NULL,
  unchanged BIGINT NOT NULL,
  refused   BIGINT NOT NULL,
  created   BIGINT NOT NULL,
  finished  BIGINT NOT NULL,
  body      TEXT NOT NULL,   -- JSON: who asked, how, and what is to be changed
  PRIMARY KEY (tenant, id)
);
CREATE INDEX bulk_asker ON bulk (tenant, asker, id);

-- The ids that were chosen, fixed at the moment of asking, many to a row.
CREATE TABLE bulk_ids (
  tenant  TEXT NOT NULL,
  bulk_id BIGINT NOT NULL,
  first   BIGINT NOT NULL, -- the position of the first of them
  ids     TEXT NOT NULL,   -- JSON array
  PRIMARY KEY (tenant, bulk_id, first),
  FOREIGN KEY (tenant, bulk_id) REFERENCES bulk (tenant, id)
);

-- What became of each.
CREATE TABLE bulk_item (
  tenant   TEXT NOT NULL,
  bulk_id  BIGINT NOT NULL,
  position BIGINT NOT NULL,
  item_id  TEXT NOT NULL,
  state    TEXT NOT NULL, -- changed, unchanged, refused
  reason   TEXT NOT NULL, -- why it was refused, or what of it was left out
  undo     TEXT NOT NULL, -- JSON: what it was before and after
  PRIMARY KEY (tenant, bulk_id, position)
) WITHOUT ROWID;
CREATE INDEX bulk_item_state ON bulk_item (tenant, bulk_id, state, position);

-- Groups of people that own incidents. An incident's owner is then "group:" and
-- the id.
CREATE TABLE owner_group (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL, -- in lower case
  description TEXT NOT NULL,
  members     TEXT NOT NULL, -- JSON array of user names
  created     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name_key)
);

CREATE TABLE task (
  tenant      TEXT NOT NULL,
  id          BIGINT NOT NULL,
  incident_id BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  status      TEXT NOT NULL,
  assigned_to TEXT NOT NULL,
  due         BIGINT NOT NULL,
  created     BIGINT NOT NULL,
  body        TEXT NOT NULL, -- the task as JSON; the columns above win over it
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, incident_id) REFERENCES incident (tenant, id)
);
CREATE INDEX task_incident ON task (tenant, incident_id, id);

CREATE TABLE task_template (
  tenant   TEXT NOT NULL,
  id       BIGINT NOT NULL,
  name     TEXT NOT NULL,
  name_key TEXT NOT NULL,
  body     TEXT NOT NULL, -- JSON: description and tasks
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name_key)
);
