-- What the current transaction says of who acts (see apps/core/transactions.py). Unset means: nobody, nothing visible.
create or replace function trialsite_setting(name text) returns text
language sql stable parallel safe as
$$ select nullif(current_setting('trialsite.' || name, true), '') $$;

create or replace function trialsite_sites() returns bigint[]
language sql stable parallel safe as
$$ select coalesce(trialsite_setting('sites')::bigint[], '{}') $$;

create or replace function trialsite_studies() returns bigint[]
language sql stable parallel safe as
$$ select coalesce(trialsite_setting('studies')::bigint[], '{}') $$;

create or replace function trialsite_every_site() returns boolean
language sql stable parallel safe as
$$ select coalesce(trialsite_setting('every_site') = 'on', false) $$;
