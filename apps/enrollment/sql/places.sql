-- Places of a cohort are counted from its slots, whoever writes either; the capacity is a check constraint on the count.
create or replace function cohort_places_as_counted() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  select count(*) filter (where not slot.is_backfill), count(*) filter (where slot.is_backfill)
    into new.taken, new.backfill_taken
    from enrollment_slot slot
   where slot.cohort_id = new.id and slot.state in ('reserved', 'confirmed', 'dosed');
  return new;
end
$$;

-- Touching the cohort's row takes its lock, so that two slots written at once are counted one after the other.
create or replace function count_cohort_places() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  update enrollment_cohort set taken = taken where id = new.cohort_id;
  if tg_op = 'UPDATE' and old.cohort_id <> new.cohort_id then
    update enrollment_cohort set taken = taken where id = old.cohort_id;
  end if;
  return null;
end
$$;

-- The next enrolment sequence of a study. Allotted in the transaction, never used again; a rollback may leave a gap.
create or replace function next_enrolment_sequence(of_study bigint) returns integer
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  allotted integer;
begin
  insert into enrollment_enrolmentsequence as sequence (study_id, last_allotted) values (of_study, 1)
  on conflict (study_id) do update set last_allotted = sequence.last_allotted + 1
  returning last_allotted into allotted;
  return allotted;
end
$$;
