-- How the verification of many forms stands: values that can be verified, marks that still hold, values changed since.
-- One join instead of a look at the marks for each value: a monitor's worklist counts every value of a study. Row-level
-- security holds as for any other query of the caller. Planned anew for the forms at hand: from the sixth call on a
-- connection PostgreSQL 18 would use a plan for an unknown number of them, which joins thousands of forms row by row.
create or replace function review_standings(forms bigint[])
returns table (record_id bigint, all_of_it bigint, verified bigint, stale bigint)
language sql stable
set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
  with chosen as materialized (
    select unnest(forms) as record_id
  ), last as (
    select v.record_id, v.path, max(v.version) as version
    from review_verification v join chosen using (record_id)
    where v.withdrawn_at is null
    group by v.record_id, v.path
  ), removed as (  -- of a removed line only the removal itself is left to verify
    select p.record_id, left(p.path, -length('is_removed')) as line
    from visits_pathversion p join chosen using (record_id)
    where p.path like '%/is\_removed'
  )
  select
    p.record_id,
    count(*),
    count(*) filter (where last.version = p.version),
    count(*) filter (where last.version < p.version)
  from visits_pathversion p
  join chosen using (record_id)
  left join last using (record_id, path)
  left join removed on removed.record_id = p.record_id and starts_with(p.path, removed.line)
  where removed.line is null or p.path = removed.line || 'is_removed'
  group by p.record_id
$$;
