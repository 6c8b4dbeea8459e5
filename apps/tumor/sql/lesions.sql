-- The name of a lesion is allotted once: a diameter must never come to stand for another lesion.

create or replace function keep_lesion_name() returns trigger
language plpgsql as
$$
begin
  if old.lesion_id is not null and (new.lesion_id, new.subject_id, new.parent_id, new.evaluator, new.kind)
       is distinct from (old.lesion_id, old.subject_id, old.parent_id, old.evaluator, old.kind) then
    raise exception 'the name of a lesion is never changed or used again' using errcode = 'TS012';
  end if;
  return new;
end
$$;
