#!/bin/sh
# Run once by the postgres image on an empty volume: the two roles and the database, as the embedded server makes them.
set -eu
psql --username postgres --dbname postgres --set ON_ERROR_STOP=1 \
  --set owner_password="$TRIALSITE_OWNER_PASSWORD" --set app_password="$TRIALSITE_APP_PASSWORD" <<'SQL'
CREATE ROLE trialsite_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE trialsite_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app_password';
CREATE DATABASE trialsite OWNER trialsite_owner;
REVOKE ALL ON DATABASE trialsite FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE trialsite TO trialsite_app;
SQL
