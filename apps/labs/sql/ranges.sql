-- Reference ranges: the site is the laboratory's, limits never change, and no two approved ranges hold for one sample.

create or replace function site_from_laboratory() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  select laboratory.site_id into strict new.site_id from labs_laboratory laboratory where laboratory.id = new.laboratory_id;
  return new;
end
$$;

create or replace function refuse_overlapping_range() returns trigger
language plpgsql security definer set search_path = public, pg_temp as
$$
begin
  if tg_op = 'UPDATE' and (new.laboratory_id, new.analyte, new.unit, new.effective_from)
       is distinct from (old.laboratory_id, old.analyte, old.unit, old.effective_from) then
    raise exception 'a reference range is corrected by another one' using errcode = 'TS010';
  end if;
  if tg_op = 'UPDATE' and (new.sex, new.age_from, new.age_to, new.low, new.high)
       is distinct from (old.sex, old.age_from, old.age_to, old.low, old.high) then
    raise exception 'a reference range is corrected by another one' using errcode = 'TS010';
  end if;
  if new.state = 'approved' then
    perform 1 from labs_laboratory where id = new.laboratory_id for update; -- two approvals at once: one after the other
    if exists (
      select from labs_referencerange other
       where other.id is distinct from new.id
         and other.state = 'approved' and other.laboratory_id = new.laboratory_id and other.analyte = new.analyte
         and (other.sex is null or new.sex is null or other.sex = new.sex)
         and int4range(other.age_from, other.age_to, '[]') && int4range(new.age_from, new.age_to, '[]')
         and daterange(other.effective_from, other.effective_to, '[]') && daterange(new.effective_from, new.effective_to, '[]')
    ) then
      raise exception 'two approved ranges would hold for one sample' using errcode = 'TS011';
    end if;
  end if;
  return new;
end
$$;
