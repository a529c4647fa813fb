-- Alerts get numbers in the order of their arrival. What belongs to an alert is
-- kept under its number, so that what arrives together lies together: the cost
-- of taking an alert then does not grow with the history. What a key is found by
-- is a number, too (tocsin_key, a function of the program).

-- +goose Up

DROP INDEX alert_incident;
DROP INDEX alert_created;
DROP INDEX alert_status;
DROP INDEX alert_severity;
DROP INDEX alert_name_alert;
ALTER TABLE alert RENAME TO alert_before;
ALTER TABLE alert_body RENAME TO alert_body_before;
ALTER TABLE alert_label RENAME TO alert_label_before;
ALTER TABLE alert_name RENAME TO alert_name_before;
ALTER TABLE key_stat RENAME TO key_stat_before;

CREATE TABLE alert (
  no               INTEGER PRIMARY KEY, -- unique in the database
  tenant           TEXT NOT NULL,
  id               TEXT NOT NULL,
  source           TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  incident_id      BIGINT NOT NULL,
  version          BIGINT NOT NULL,
  title            TEXT NOT NULL,
  severity         INTEGER NOT NULL,
  status           TEXT NOT NULL,
  classification   TEXT NOT NULL,
  determination    TEXT NOT NULL,
  assigned_to      TEXT NOT NULL,
  service_source   TEXT NOT NULL,
  detection_source TEXT NOT NULL,
  product_name     TEXT NOT NULL,
  detector_id      TEXT NOT NULL,
  category         TEXT NOT NULL,
  created          BIGINT NOT NULL,
  first_activity   BIGINT NOT NULL,
  last_activity    BIGINT NOT NULL,
  last_update      BIGINT NOT NULL,
  resolved         BIGINT NOT NULL,
  count            BIGINT NOT NULL,
  UNIQUE (tenant, id),
  UNIQUE (tenant, source, external_id),
  FOREIGN KEY (tenant, incident_id) REFERENCES incident (tenant, id)
);
INSERT INTO alert (tenant, id, source, external_id, incident_id, version, title, severity, status, classification, determination, assigned_to,
    service_source, detection_source, product_name, detector_id, category, created, first_activity, last_activity, last_update, resolved, count)
  SELECT tenant, id, source, external_id, incident_id, version, title, severity, status, classification, determination, assigned_to,
    service_source, detection_source, product_name, detector_id, category, created, first_activity, last_activity, last_update, resolved, count
  FROM alert_before ORDER BY created, id;
CREATE INDEX alert_incident ON alert (tenant, incident_id, created);
CREATE INDEX alert_created ON alert (tenant, created, id);
CREATE INDEX alert_status ON alert (tenant, status, created, id);
CREATE INDEX alert_severity ON alert (tenant, severity, created, id);
INSERT INTO counter (name, value) SELECT 'alert', coalesce(max(no), 0) FROM alert;

CREATE TABLE alert_body (
  no     INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  keys   BLOB NOT NULL, -- the keys that correlation finds it by, eight bytes each
  digest TEXT NOT NULL, -- what counting an incident needs, small
  facts  TEXT NOT NULL, -- what correlation compares
  body   TEXT NOT NULL, -- the alert as JSON; the columns of its row win over it
  FOREIGN KEY (no) REFERENCES alert (no)
);
INSERT INTO alert_body (no, tenant, keys, digest, facts, body)
  SELECT a.no, a.tenant, coalesce((SELECT unhex(group_concat(printf('%016x', tocsin_key(k.key)), '')) FROM alert_key AS k
    WHERE k.tenant = a.tenant AND k.alert_id = a.id), x''), b.digest, b.facts, b.body
  FROM alert AS a JOIN alert_body_before AS b ON b.tenant = a.tenant AND b.id = a.id ORDER BY a.no;

CREATE TABLE alert_label (
  tenant   TEXT NOT NULL,
  alert_no BIGINT NOT NULL,
  kind     TEXT NOT NULL, -- categories, mitreTechniques, systemTags, ...
  value    TEXT NOT NULL,
  PRIMARY KEY (tenant, alert_no, kind, value),
  FOREIGN KEY (alert_no) REFERENCES alert (no)
) WITHOUT ROWID;
INSERT INTO alert_label (tenant, alert_no, kind, value)
  SELECT a.tenant, a.no, l.kind, l.value FROM alert AS a JOIN alert_label_before AS l ON l.tenant = a.tenant AND l.alert_id = a.id ORDER BY a.no;

CREATE TABLE alert_name (
  tenant   TEXT NOT NULL,
  alert_no BIGINT NOT NULL,
  name_id  BIGINT NOT NULL,
  PRIMARY KEY (tenant, name_id, alert_no)
) WITHOUT ROWID;
INSERT INTO alert_name (tenant, alert_no, name_id)
  SELECT a.tenant, a.no, n.name_id FROM alert_name_before AS n JOIN alert AS a ON a.tenant = n.tenant AND a.id = n.alert_id ORDER BY n.name_id, a.no;
CREATE INDEX alert_name_alert ON alert_name (tenant, alert_no);

-- How common a key is. The key 0 counts all alerts of the tenant.
CREATE TABLE key_stat (
  tenant  TEXT NOT NULL,
  key     BIGINT NOT NULL,
  alerts  BIGINT NOT NULL,
  sketch  BLOB NOT NULL, -- smallest hashes of the rules, devices and users seen
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
INSERT INTO key_stat (tenant, key, alerts, sketch)
  SELECT tenant, tocsin_key(key) AS number, alerts, sketch FROM key_stat_before WHERE true ORDER BY tenant, number
  ON CONFLICT (tenant, key) DO NOTHING;

-- Which alerts carry a key the program knows from the open incidents.
DROP TABLE alert_key;
DROP TABLE alert_body_before;
DROP TABLE alert_label_before;
DROP TABLE alert_name_before;
DROP TABLE key_stat_before;
DROP TABLE alert_before;
