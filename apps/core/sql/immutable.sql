-- For tables whose rows never change once written: signatures, decisions, approved protocol versions.
create or replace function refuse_any_change() returns trigger
language plpgsql as
$$
begin
  raise exception 'a row of % never changes once written', tg_table_name using errcode = 'restrict_violation';
end
$$;
