package store

import (
	"database/sql"
	"strings"
)

// Meta is a small named value of the tenant ("" and false when absent): the
// place for what is not worth a table, such as which rules are switched off.
func (tx *Tx) Meta(key string) (value string, found bool, err error) {
	found, err = tx.one(`SELECT value FROM meta WHERE tenant = $1 AND key = $2`, []any{key}, &value)
	return value, found, err
}

// PutMeta sets a named value.
func (tx *Tx) PutMeta(key, value string) error {
	_, err := tx.exec(`INSERT INTO meta (tenant, key, value) VALUES ($1, $2, $3)
		ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}

// DeleteMeta removes a named value; one that does not exist is no error.
func (tx *Tx) DeleteMeta(key string) error {
	_, err := tx.exec(`DELETE FROM meta WHERE tenant = $1 AND key = $2`, key)
	return err
}

// Metas are the named values whose key begins with prefix.
func (tx *Tx) Metas(prefix string) (map[string]string, error) {
	out := map[string]string{}
	rows, err := tx.query(`SELECT key, value FROM meta WHERE tenant = $1 AND key LIKE $2 ESCAPE '\'`, likeText(prefix)+"%")
	err = each(rows, err, func(rows *sql.Rows) error {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			return err
		}
		if strings.HasPrefix(k, prefix) { // LIKE ignores case on SQLite
			out[k] = v
		}
		return nil
	})
	return out, err
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// likeText escapes a text for LIKE ... ESCAPE '\'.
func likeText(s string) string { return likeEscaper.Replace(s) }
