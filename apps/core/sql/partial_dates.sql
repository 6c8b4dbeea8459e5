-- The first and last day that a partial ISO 8601 date can mean: 2026-03 is 2026-03-01 to 2026-03-31.
-- Immutable, so that models can keep both as generated columns and sort by them.
create or replace function partial_date_earliest(value text) returns date
language sql immutable parallel safe as
$$ select make_date(substr(value, 1, 4)::int,
                    coalesce(nullif(substr(value, 6, 2), '')::int, 1),
                    coalesce(nullif(substr(value, 9, 2), '')::int, 1)) $$;

create or replace function partial_date_latest(value text) returns date
language sql immutable parallel safe as
$$ select case
     when length(value) >= 10 then partial_date_earliest(value)
     when length(value) = 7 then (partial_date_earliest(value) + interval '1 month' - interval '1 day')::date
     else make_date(substr(value, 1, 4)::int, 12, 31)
   end $$;

create or replace function partial_date_is_possible(value text) returns boolean
language plpgsql immutable parallel safe as
$$
begin
  if value !~ '^\d{4}(-\d{2}(-\d{2}(T\d{2}(:\d{2}(:\d{2})?)?)?)?)?$' then
    return false;
  end if;
  perform partial_date_earliest(value);
  return coalesce(nullif(substr(value, 12, 2), '')::int, 0) < 24
     and coalesce(nullif(substr(value, 15, 2), '')::int, 0) < 60
     and coalesce(nullif(substr(value, 18, 2), '')::int, 0) < 60;
exception when others then  -- 30 February: make_date says no
  return false;
end
$$;
