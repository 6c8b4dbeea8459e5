-- Every study-site of a study, for the background's own actor, which no membership describes.
create or replace function study_site_ids(study bigint) returns bigint[]
language sql stable security definer set search_path = public, pg_temp as
$$ select array_agg(site.id order by site.id) from study_site site where site.study_id = study $$;
