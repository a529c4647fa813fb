#!/bin/sh
# Drives a running Tocsin with curl and an API token: list, page, expand, patch, comment.
#   TOCSIN_URL=https://soc.example TOCSIN_TOKEN=tcs_... sh curl.sh
# CURL_CA_BUNDLE names the authority of the server's certificate where the system does not know it.
set -eu

api() { # method path [body]
  method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --globoff --max-time 30 --request "$method" \
    --header "Authorization: Bearer $TOCSIN_TOKEN" --header "Content-Type: application/json" \
    ${1:+--data "$1"} "$path"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }
expect() { # what, text, pattern
  printf '%s' "$2" | grep -q "$3" || { echo "$1: expected $3 in: $2" >&2; exit 1; }
}

base=$TOCSIN_URL/v1.0/security

# List, newest first, two a page, counted; then follow the link to the last page.
page=$(api GET "$base/incidents?\$top=2&\$count=true&\$orderby=createdDateTime%20desc")
expect count "$page" "\"@odata.count\":${TOCSIN_INCIDENTS:-[0-9]}"
seen=$(printf '%s' "$page" | grep -o '"incidentWebUrl"' | wc -l)
next=$(printf '%s' "$page" | sed 's/\\u0026/\&/g' | field @odata.nextLink)
pages=1
while [ -n "$next" ]; do
  page=$(api GET "$next")
  seen=$((seen + $(printf '%s' "$page" | grep -o '"incidentWebUrl"' | wc -l)))
  next=$(printf '%s' "$page" | sed 's/\\u0026/\&/g' | field @odata.nextLink)
  pages=$((pages + 1))
done
[ "$seen" -eq "${TOCSIN_INCIDENTS:-$seen}" ] || { echo "paged $seen incidents, expected $TOCSIN_INCIDENTS" >&2; exit 1; }

# The newest incident with its alerts.
id=$(api GET "$base/incidents?\$top=1&\$select=displayName" | field id)
whole=$(api GET "$base/incidents/$id?\$expand=alerts")
expect expand "$whole" '"@odata.type":"#microsoft.graph.security.deviceEvidence"'

# Patch and comment.
expect patch "$(api PATCH "$base/incidents/$id" '{"status":"inProgress","assignedTo":"curl","customTags":["from-curl"]}')" '"status":"inProgress"'
expect comment "$(api POST "$base/incidents/$id/comments" '{"@odata.type":"microsoft.graph.security.alertComment","comment":"Seen by curl."}')" 'Seen by curl.'
expect filter "$(api GET "$base/incidents?\$filter=customTags/any(t:t%20eq%20'from-curl')&\$count=true")" '"@odata.count":1'

# What is read-only is refused by name.
if refused=$(api PATCH "$base/incidents/$id" '{"tenantId":"x"}' 2>/dev/null); then
  echo "a read-only property was taken: $refused" >&2
  exit 1
fi
expect error "$refused" 'tenantId'

echo "curl: $seen incidents on $pages pages, incident $id expanded, patched, commented"
