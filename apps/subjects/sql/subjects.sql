-- A row about a subject belongs to the site that the subject is at when the row is made; a transfer never rewrites it.
create or replace function site_from_subject() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  select subject.site_id into strict new.site_id from subjects_subject subject where subject.id = new.subject_id;
  return new;
end
$$;

-- The next screening sequence of a site. Allotted in the transaction, never used again; a rollback may leave a gap.
create or replace function next_screening_sequence(of_site bigint) returns integer
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  allotted integer;
begin
  insert into subjects_screeningsequence as sequence (site_id, last_allotted) values (of_site, 1)
  on conflict (site_id) do update set last_allotted = sequence.last_allotted + 1
  returning last_allotted into allotted;
  return allotted;
end
$$;
