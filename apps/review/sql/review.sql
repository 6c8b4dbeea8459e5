-- The next query number of a study: queries of all sites share one run of numbers, and a site sees only its own.
create or replace function next_query_number(of_study bigint) returns integer
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  given integer;
begin
  insert into review_querysequence as sequence (study_id, last_given) values (of_study, 1)
  on conflict (study_id) do update set last_given = sequence.last_given + 1
  returning last_given into given;
  return given;
end
$$;

-- A locked form is closed to queries, verification and signing as well as to entry.
create or replace function refuse_on_locked_record() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  locked boolean;
begin
  select record.is_locked into locked from visits_formrecord record where record.id = new.record_id for share;
  if locked then
    raise exception 'this form is locked' using errcode = 'TS002';
  end if;
  return new;
end
$$;
