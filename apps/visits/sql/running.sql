-- A running entry is asked about at a visit of its own subject. The site comes from the entry.
create or replace function running_check_of_one_subject() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  select record.site_id into new.site_id
    from visits_formrecord record
    join visits_visit visit using (subject_id)
   where record.id = new.record_id and visit.id = new.visit_id;
  if not found then
    raise exception 'the entry is not one of the subject of the visit' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
