-- Entry rules in the database: site of a record's rows, versions of paths, and the refusals of locked, frozen and
-- completed records. Services check first and say it kindly; this holds for bulk and raw SQL too.

create or replace function study_from_subject() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  select subject.study_id into strict new.study_id from subjects_subject subject where subject.id = new.subject_id;
  return new;
end
$$;

create or replace function site_from_record() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  select record.site_id into strict new.site_id from visits_formrecord record where record.id = new.record_id;
  return new;
end
$$;

-- The paths whose captured value differs between two images of a row; a row that appears counts what it brings.
create or replace function changed_paths(before jsonb, after jsonb, prefix text, not_captured text[]) returns setof text
language sql immutable as
$$ select prefix || entry.key
     from jsonb_each(after - not_captured) entry
    where entry.value is distinct from
          coalesce(before -> entry.key, case when entry.key = 'is_removed' then 'false'::jsonb else 'null'::jsonb end) $$;

create or replace function bump_path_versions(record visits_formrecord, paths text[]) returns void
language sql security definer set search_path = public, pg_temp as
$$ insert into visits_pathversion (site_id, record_id, path, version, changed_at, changed_by)
   select record.site_id, record.id, changed.path, 1, clock_timestamp(), coalesce(trialsite_setting('user_name'), session_user)
     from unnest(paths) changed(path)
   on conflict (record_id, path) do update
      set version = visits_pathversion.version + 1, changed_at = excluded.changed_at, changed_by = excluded.changed_by $$;

create or replace function refuse_if_closed(record visits_formrecord) returns void
language plpgsql as
$$
begin
  if record.is_locked then
    raise exception 'this form is locked' using errcode = 'TS002';
  elsif record.is_frozen then
    raise exception 'this form is frozen' using errcode = 'TS003';
  elsif record.first_completed_at is not null and trialsite_setting('reason') is null then
    raise exception 'a change to a completed form needs a reason' using errcode = 'TS001';
  end if;
end
$$;

create or replace function guard_entry() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  record visits_formrecord;
begin
  if exists (select from changed_paths(case when tg_op = 'UPDATE' then to_jsonb(old) end, to_jsonb(new), '',
                                       string_to_array(tg_argv[1], ','))) then
    select * into strict record from visits_formrecord where id = new.record_id for share;
    perform refuse_if_closed(record);
  end if;
  return new;
end
$$;

create or replace function count_path_versions() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  prefix text := case when tg_argv[0] = '' then '' else tg_argv[0] || '/' || (to_jsonb(new) ->> 'key') || '/' end;
  paths text[];
  record visits_formrecord;
begin
  select array_agg(path) into paths
    from changed_paths(case when tg_op = 'UPDATE' then to_jsonb(old) end, to_jsonb(new), prefix,
                       string_to_array(tg_argv[1], ',')) path;
  if paths is not null then
    select * into strict record from visits_formrecord where id = new.record_id;
    perform bump_path_versions(record, paths);
  end if;
  return null;
end
$$;

create or replace function guard_record() returns trigger
language plpgsql as
$$
begin
  if old.extra is distinct from new.extra or old.blank_reasons is distinct from new.blank_reasons
     or (new.state in ('not_done', 'removed') and old.state <> new.state) then
    perform refuse_if_closed(old);
  elsif old.is_locked and new.is_locked and to_jsonb(old) is distinct from to_jsonb(new) then
    raise exception 'this form is locked' using errcode = 'TS002';
  end if;
  if old.first_completed_at is not null and new.first_completed_at is distinct from old.first_completed_at then
    raise exception 'a form is first completed once' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create or replace function count_extra_versions() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  before visits_formrecord;
  paths text[];
begin
  if tg_op = 'UPDATE' then before := old; end if;
  select array_agg(path) into paths from (
    select 'extra/' || key as path
      from (select key from jsonb_object_keys(new.extra || coalesce(before.extra, '{}')) key) keys
     where new.extra -> key is distinct from before.extra -> key
    union
    select key
      from (select key from jsonb_object_keys(new.blank_reasons || coalesce(before.blank_reasons, '{}')) key) keys
     where new.blank_reasons -> key is distinct from before.blank_reasons -> key
    union
    select 'record' where new.not_done_reason is distinct from coalesce(before.not_done_reason, '')
                       or new.removed_reason is distinct from coalesce(before.removed_reason, '')) changed;
  if paths is not null then perform bump_path_versions(new, paths); end if;
  return null;
end
$$;
