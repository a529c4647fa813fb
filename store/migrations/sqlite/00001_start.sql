-- The case store. Times are microseconds since 1970 in UTC, severities are
-- ranks (tocsin.Severity.Rank), lists and open-ended parts are JSON text.
-- Every table carries the tenant. Forward only: there is no Down.

-- +goose Up

CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('incident', 0), ('comment', 0);

CREATE TABLE meta (
  tenant TEXT NOT NULL,
  key    TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (tenant, key)
);

CREATE TABLE account (
  tenant        TEXT NOT NULL,
  id            TEXT NOT NULL,
  user_name     TEXT NOT NULL,
  user_key      TEXT NOT NULL, -- user_name in lower case: what sign-in looks up
  display_name  TEXT NOT NULL,
  roles         TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  disabled      INTEGER NOT NULL,
  created       BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, user_key)
);

CREATE TABLE session (
  id_hash   TEXT PRIMARY KEY,
  tenant    TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  csrf      TEXT NOT NULL,
  created   BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  expires   BIGINT NOT NULL,
  FOREIGN KEY (tenant, user_id) REFERENCES account (tenant, id) ON DELETE CASCADE
);
CREATE INDEX session_user ON session (tenant, user_id);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE token (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  hash        TEXT NOT NULL,
  name        TEXT NOT NULL,
  user_name   TEXT NOT NULL,
  roles       TEXT NOT NULL,
  scopes      TEXT NOT NULL,
  client_id   TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  created     BIGINT NOT NULL,
  expires     BIGINT NOT NULL,
  last_used   BIGINT NOT NULL,
  revoked     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX token_hash ON token (hash) WHERE hash <> '';
CREATE INDEX token_client ON token (client_id) WHERE client_id <> '';

CREATE TABLE incident (
  tenant         TEXT NOT NULL,
  id             BIGINT NOT NULL,
  version        BIGINT NOT NULL,
  display_name   TEXT NOT NULL,
  severity       INTEGER NOT NULL,
  status         TEXT NOT NULL,
  assigned_to    TEXT NOT NULL,
  classification TEXT NOT NULL,
  determination  TEXT NOT NULL,
  redirect_id    BIGINT NOT NULL,
  created        BIGINT NOT NULL,
  last_update    BIGINT NOT NULL,
  first_activity BIGINT NOT NULL,
  last_activity  BIGINT NOT NULL,
  alert_count    BIGINT NOT NULL,
  active_alerts  BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
-- Bodies stand apart, so that filtering and sorting a long queue reads narrow
-- rows, and moving or resolving alerts writes such.
CREATE TABLE incident_body (
  tenant TEXT NOT NULL,
  id     BIGINT NOT NULL,
  body   TEXT NOT NULL, -- the incident as JSON, all of it
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, id) REFERENCES incident (tenant, id)
);
CREATE INDEX incident_created ON incident (tenant, created, id);
CREATE INDEX incident_update ON incident (tenant, last_update, id);
CREATE INDEX incident_status ON incident (tenant, status, created, id);
CREATE INDEX incident_severity ON incident (tenant, severity, last_update, id);
CREATE INDEX incident_assigned ON incident (tenant, assigned_to, created, id);
CREATE INDEX incident_redirect ON incident (tenant, redirect_id) WHERE redirect_id <> 0;

-- The list-valued properties that filters ask about, one row an element.
CREATE TABLE incident_label (
  tenant      TEXT NOT NULL,
  incident_id BIGINT NOT NULL,
  kind        TEXT NOT NULL, -- the Graph property: customTags, systemTags, serviceSources, ...
  value       TEXT NOT NULL, -- in lower case: filters ignore case
  PRIMARY KEY (tenant, incident_id, kind, value),
  FOREIGN KEY (tenant, incident_id) REFERENCES incident (tenant, id)
) WITHOUT ROWID;
CREATE INDEX incident_label_value ON incident_label (tenant, kind, value, incident_id);

CREATE TABLE alert (
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
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, source, external_id),
  FOREIGN KEY (tenant, incident_id) REFERENCES incident (tenant, id)
);
CREATE TABLE alert_body (
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  body   TEXT NOT NULL, -- the alert as JSON; the columns above win over it
  facts  TEXT NOT NULL, -- what correlation compares
  digest TEXT NOT NULL, -- what counting an incident needs, small
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, id) REFERENCES alert (tenant, id)
);
CREATE INDEX alert_incident ON alert (tenant, incident_id, created);
CREATE INDEX alert_created ON alert (tenant, created, id);
CREATE INDEX alert_status ON alert (tenant, status, created, id);
CREATE INDEX alert_severity ON alert (tenant, severity, created, id);

CREATE TABLE alert_label (
  tenant   TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  kind     TEXT NOT NULL, -- categories, mitreTechniques, systemTags
  value    TEXT NOT NULL,
  PRIMARY KEY (tenant, alert_id, kind, value),
  FOREIGN KEY (tenant, alert_id) REFERENCES alert (tenant, id)
) WITHOUT ROWID;

-- Which alerts carry an entity, by time: how candidates are found. Alerts of
-- resolved incidents stand apart (open 0), so that however many there are of a
-- busy host, they cost the search nothing.
CREATE TABLE alert_key (
  tenant      TEXT NOT NULL,
  key         TEXT NOT NULL,
  open        INTEGER NOT NULL,
  last        BIGINT NOT NULL,
  alert_id    TEXT NOT NULL,
  incident_id BIGINT NOT NULL,
  PRIMARY KEY (tenant, key, open, last, alert_id)
) WITHOUT ROWID;
CREATE INDEX alert_key_alert ON alert_key (tenant, alert_id);

-- How common an entity is. The key '' counts all alerts of the tenant.
CREATE TABLE key_stat (
  tenant  TEXT NOT NULL,
  key     TEXT NOT NULL,
  alerts  BIGINT NOT NULL,
  sketch  BLOB NOT NULL, -- smallest hashes of the rules, devices and users seen
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

-- Hand-overs already taken.
CREATE TABLE delivery (
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX delivery_at ON delivery (at);

CREATE TABLE comment (
  tenant      TEXT NOT NULL,
  id          BIGINT NOT NULL,
  incident_id BIGINT NOT NULL,
  alert_id    TEXT NOT NULL, -- '' for a comment on the incident itself
  text        TEXT NOT NULL,
  created_by  TEXT NOT NULL,
  created     BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, incident_id) REFERENCES incident (tenant, id)
);
CREATE INDEX comment_incident ON comment (tenant, incident_id, alert_id);
CREATE INDEX comment_alert ON comment (tenant, alert_id) WHERE alert_id <> '';

CREATE TABLE tag (
  tenant TEXT NOT NULL,
  fold   TEXT NOT NULL,
  text   TEXT NOT NULL,
  uses   BIGINT NOT NULL,
  last   BIGINT NOT NULL,
  PRIMARY KEY (tenant, fold)
);

-- The dictionary of names that search looks through (each text once, in lower
-- case) and the incidents and alerts that they occur in.
CREATE TABLE name (
  tenant TEXT NOT NULL,
  id     INTEGER PRIMARY KEY,
  text   TEXT NOT NULL,
  UNIQUE (tenant, text)
);
CREATE TABLE incident_name (
  tenant      TEXT NOT NULL,
  incident_id BIGINT NOT NULL,
  kind        TEXT NOT NULL, -- title: its own name; part: of its alerts and their entities
  name_id     BIGINT NOT NULL,
  PRIMARY KEY (tenant, incident_id, kind, name_id)
) WITHOUT ROWID;
CREATE INDEX incident_name_name ON incident_name (tenant, name_id, incident_id);
CREATE TABLE alert_name (
  tenant   TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  name_id  BIGINT NOT NULL,
  PRIMARY KEY (tenant, name_id, alert_id)
) WITHOUT ROWID;

-- The record. The triggers hold the promise that it only grows.
CREATE TABLE change (
  seq        BIGINT PRIMARY KEY,
  tenant     TEXT NOT NULL,
  at         BIGINT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  noun       TEXT NOT NULL,
  noun_id    TEXT NOT NULL,
  version    BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  summary    TEXT NOT NULL,
  before     TEXT NOT NULL,
  after      TEXT NOT NULL,
  alert_id   TEXT NOT NULL,
  prev       TEXT NOT NULL,
  hash       TEXT NOT NULL
);
CREATE INDEX change_tenant ON change (tenant, seq);
CREATE INDEX change_noun ON change (tenant, noun, noun_id, seq);

-- +goose StatementBegin
CREATE TRIGGER change_keep_update BEFORE UPDATE ON change
BEGIN SELECT RAISE(ABORT, 'the record of changes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER change_keep_delete BEFORE DELETE ON change
BEGIN SELECT RAISE(ABORT, 'the record of changes is append-only'); END;
-- +goose StatementEnd

-- Numbers without gaps; and REPLACE deletes without asking the trigger above.
-- +goose StatementBegin
CREATE TRIGGER change_keep_order BEFORE INSERT ON change
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM change)
BEGIN SELECT RAISE(ABORT, 'the record of changes is numbered without gaps'); END;
-- +goose StatementEnd

-- One row for each piece of work that is due, running or has failed for good.
CREATE TABLE job (
  tenant   TEXT NOT NULL,
  kind     TEXT NOT NULL,
  key      TEXT NOT NULL,
  args     TEXT NOT NULL,
  state    TEXT NOT NULL, -- ready, running, failed
  again    INTEGER NOT NULL, -- asked for once more while it was running
  run_at   BIGINT NOT NULL,
  attempt  INTEGER NOT NULL,
  lease    BIGINT NOT NULL, -- until when the runner holds it
  runner   TEXT NOT NULL,
  error    TEXT NOT NULL,
  created  BIGINT NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX job_due ON job (state, run_at);
