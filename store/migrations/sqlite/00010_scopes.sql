-- Device groups, and who is limited to them. Which group a device belongs to
-- stands with the device alone, so that a group that changes is a change of
-- devices and of nothing else: what people may see of alerts and incidents is
-- asked through alert_device.

-- +goose Up

INSERT INTO counter (name, value) VALUES ('deviceGroup', 0), ('device', 0);

CREATE TABLE device_group (
  tenant      TEXT NOT NULL,
  id          BIGINT NOT NULL,
  rank        BIGINT NOT NULL, -- the lowest that matches decides
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL, -- in lower case
  description TEXT NOT NULL,
  rule        TEXT NOT NULL, -- JSON
  level       TEXT NOT NULL, -- how far automation may go
  updated     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name_key)
);

CREATE TABLE device (
  id         BIGINT PRIMARY KEY,
  tenant     TEXT NOT NULL,
  group_id   BIGINT NOT NULL, -- 0: no group takes it
  name       TEXT NOT NULL,
  domain     TEXT NOT NULL,
  os         TEXT NOT NULL,
  tags       TEXT NOT NULL, -- JSON
  first_seen BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL -- to within an hour
);
CREATE INDEX device_tenant ON device (tenant, group_id, id);

-- The keys by which a device is known: those of its names, and its own id.
CREATE TABLE device_key (
  tenant    TEXT NOT NULL,
  key       TEXT NOT NULL,
  device_id BIGINT NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX device_key_device ON device_key (tenant, device_id);

CREATE TABLE alert_device (
  tenant      TEXT NOT NULL,
  alert_id    TEXT NOT NULL,
  device_id   BIGINT NOT NULL,
  incident_id BIGINT NOT NULL,
  PRIMARY KEY (tenant, alert_id, device_id)
) WITHOUT ROWID;
CREATE INDEX alert_device_incident ON alert_device (tenant, incident_id, device_id);

-- An alert that changes its incident takes its devices along, whoever moves it:
-- what people may see must not hang on every mover's thinking of it.
-- +goose StatementBegin
CREATE TRIGGER alert_device_follow AFTER UPDATE OF incident_id ON alert
WHEN NEW.incident_id <> OLD.incident_id
BEGIN UPDATE alert_device SET incident_id = NEW.incident_id WHERE tenant = NEW.tenant AND alert_id = NEW.id; END;
-- +goose StatementEnd

-- What accounts and tokens are limited to: a JSON list of groups, or '' for
-- everything.
ALTER TABLE account ADD COLUMN device_groups TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN device_groups TEXT NOT NULL DEFAULT '';

-- The groups of what an incident and an alert concern, in the shape of labels.
CREATE VIEW incident_device_group AS
  SELECT DISTINCT s.tenant AS tenant, s.incident_id AS incident_id, 'deviceGroups' AS kind, coalesce(g.name_key, 'ungrouped devices') AS value, d.group_id AS group_id
  FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
  LEFT JOIN device_group AS g ON g.tenant = d.tenant AND g.id = d.group_id;
CREATE VIEW alert_device_group AS
  SELECT DISTINCT s.tenant AS tenant, s.alert_id AS alert_id, 'deviceGroups' AS kind, coalesce(g.name_key, 'ungrouped devices') AS value, d.group_id AS group_id
  FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
  LEFT JOIN device_group AS g ON g.tenant = d.tenant AND g.id = d.group_id;
