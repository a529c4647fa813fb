-- What people say of assets, which alerts cannot know.

-- +goose Up

CREATE TABLE asset_mark (
  tenant TEXT NOT NULL,
  fold   TEXT NOT NULL, -- the asset's name in lower case
  mark   TEXT NOT NULL, -- critical, privileged, honeytoken, vip
  name   TEXT NOT NULL,
  reason TEXT NOT NULL,
  marked_by TEXT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (tenant, fold, mark)
) WITHOUT ROWID;
