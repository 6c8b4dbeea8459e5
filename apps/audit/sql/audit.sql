-- The trail's writer, hasher, sealer and verifier. All run as the owner; the application may only call them.

create or replace function audit_payload_hash(event audit_auditevent) returns bytea
language sql immutable as
$$ select sha256(convert_to(jsonb_build_array(
     event.id, event.transaction,
     to_char(event.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
     event.operation, event."table", event.row_key, event.changed, event.new_row,
     event.study_id, event.site_id, event.record_id,
     event.user_id, event.user_name, event.role, event.place, event.reason, event.request)::text, 'UTF8')) $$;

create or replace function audit_append(
  operation text, table_name text, row_key text, changed jsonb, new_row jsonb, row_now jsonb) returns void
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  event audit_auditevent;
begin
  event.id := nextval(pg_get_serial_sequence('audit_auditevent', 'id'));
  event.transaction := pg_current_xact_id()::text::bigint;
  event.recorded_at := clock_timestamp();
  event.operation := operation;
  event."table" := table_name;
  event.row_key := row_key;
  event.changed := changed;
  event.new_row := new_row;
  event.site_id := case when table_name = 'study_site' then (row_now ->> 'id')::bigint else (row_now ->> 'site_id')::bigint end;
  event.study_id := coalesce((row_now ->> 'study_id')::bigint,
                             case when table_name = 'study_study' then (row_now ->> 'id')::bigint end,
                             (select site.study_id from study_site site where site.id = event.site_id),
                             (trialsite_studies())[1]);
  event.record_id := case when table_name = 'visits_formrecord' then (row_now ->> 'id')::bigint
                          else (row_now ->> 'record_id')::bigint end;
  event.user_id := trialsite_setting('user_id')::bigint;
  event.user_name := left(coalesce(trialsite_setting('user_name'), session_user), 200);
  event.role := left(coalesce(trialsite_setting('role'), 'database'), 200);
  event.place := left(coalesce(trialsite_setting('place'), ''), 300);
  event.reason := left(coalesce(trialsite_setting('reason'), ''), 1000);
  event.request := left(coalesce(trialsite_setting('request'), ''), 100);
  event.payload_hash := audit_payload_hash(event);
  insert into audit_auditevent select event.*;
end
$$;

create or replace function audit_record() returns trigger
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as
$$
declare
  concealed text[] := string_to_array(coalesce(tg_argv[1], ''), ',');
  before jsonb;
  after jsonb;
  changed jsonb;
begin
  if tg_op <> 'INSERT' then before := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then after := to_jsonb(new); end if;
  if tg_op = 'UPDATE' then
    select jsonb_object_agg(entry.key, case when entry.key = any (concealed) then '["concealed", "concealed"]'::jsonb
                                            else jsonb_build_array(before -> entry.key, entry.value) end)
      into changed
      from jsonb_each(after) entry
     where entry.value is distinct from before -> entry.key;
    if changed is null then return null; end if;
  elsif tg_op = 'INSERT' then
    select coalesce(jsonb_object_agg(entry.key, jsonb_build_array(null, entry.value)), '{}')
      into changed
      from jsonb_each(after - concealed) entry
     where entry.value <> 'null'::jsonb;
  else
    select coalesce(jsonb_object_agg(entry.key, jsonb_build_array(entry.value, null)), '{}')
      into changed
      from jsonb_each(before - concealed) entry;
  end if;
  perform audit_append(left(tg_op, 1), tg_table_name, coalesce(after, before) ->> tg_argv[0],
                       changed, after - concealed, coalesce(after, before));
  return null;
end
$$;

create or replace function audit_note(act text, about jsonb, site bigint) returns void
language sql security definer set search_path = public, pg_temp as
$$ select audit_append('N', act, coalesce(about ->> 'key', ''), about, null, jsonb_build_object('site_id', site)) $$;

-- The trail and its blocks refuse every change but the sealer's writing of a block number onto an unsealed row.
create or replace function audit_refuse_change() returns trigger
language plpgsql as
$$
begin
  if tg_op = 'UPDATE' and tg_table_name = 'audit_auditevent' then
    if old.block is null and new.block is not null and to_jsonb(old) - 'block' = to_jsonb(new) - 'block' then
      return new;
    end if;
  end if;
  raise exception 'the audit trail is append-only' using errcode = 'restrict_violation';
end
$$;

-- Seal every row that no running transaction can still precede. One sealer at a time; others return at once.
create or replace function audit_seal() returns bigint
language plpgsql security definer set search_path = public, pg_temp as
$$
declare
  ids bigint[];
  contents bytea;
  previous audit_auditblock;
  next_number bigint;
begin
  if not pg_try_advisory_xact_lock(7214, 1) then return null; end if;
  select array_agg(waiting.id order by waiting.id), sha256(string_agg(waiting.payload_hash, ''::bytea order by waiting.id))
    into ids, contents
    from (select id, payload_hash from audit_auditevent
           where block is null and transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
           order by id limit 50000) waiting;
  if ids is null then return null; end if;
  select * into previous from audit_auditblock order by number desc limit 1;
  next_number := coalesce(previous.number, 0) + 1;
  insert into audit_auditblock (number, sealed_at, event_ids, digest, previous_hash, hash)
  values (next_number, clock_timestamp(), ids, contents, coalesce(previous.hash, ''::bytea),
          sha256(convert_to(next_number::text || ':' || array_length(ids, 1)::text || ':', 'UTF8')
                 || contents || coalesce(previous.hash, ''::bytea)));
  update audit_auditevent set block = next_number where id = any (ids);
  return next_number;
end
$$;

-- The first trail row or block whose content does not match its hash, in words; no row: the trail is as written.
create or replace function audit_first_fault() returns table (place text, what text)
language plpgsql stable security definer set search_path = public, pg_temp as
$$
declare
  block audit_auditblock;
  previous bytea := ''::bytea;
  expected_number bigint := 1;
  found_ids bigint[];
  contents bytea;
  fault record;
begin
  select event.id, event."table", event.row_key, event.recorded_at into fault
    from audit_auditevent event where event.payload_hash is distinct from audit_payload_hash(event) order by event.id limit 1;
  if found then
    place := format('trail row %s (%s %s, recorded %s UTC)', fault.id, fault."table", fault.row_key,
                    to_char(fault.recorded_at at time zone 'UTC', 'DD-Mon-YYYY HH24:MI:SS'));
    what := 'its content was altered after it was written';
    return next; return;
  end if;
  for block in select * from audit_auditblock order by number loop
    place := format('block %s (sealed %s UTC)', block.number, to_char(block.sealed_at at time zone 'UTC', 'DD-Mon-YYYY HH24:MI:SS'));
    if block.number <> expected_number then
      what := format('block %s before it is missing', expected_number); return next; return;
    end if;
    select array_agg(event.id order by event.id), sha256(string_agg(event.payload_hash, ''::bytea order by event.id))
      into found_ids, contents from audit_auditevent event where event.block = block.number;
    if found_ids is distinct from block.event_ids then
      what := format('trail rows were removed or added: %s', (select string_agg(id::text, ', ') from (
        (select unnest(block.event_ids) except select unnest(found_ids))
        union (select unnest(found_ids) except select unnest(block.event_ids)) order by 1 limit 5) differing(id)));
      return next; return;
    end if;
    if contents is distinct from block.digest then
      select event.id, event."table", event.row_key into fault from audit_auditevent event
       where event.block = block.number order by event.id limit 1;
      what := format('the content of its trail rows (%s to %s) was altered and hashed anew', block.event_ids[1],
                     block.event_ids[array_length(block.event_ids, 1)]);
      return next; return;
    end if;
    if block.previous_hash <> previous or block.hash <> sha256(
         convert_to(block.number::text || ':' || array_length(block.event_ids, 1)::text || ':', 'UTF8') || contents || previous) then
      what := 'it does not follow from the block before it'; return next; return;
    end if;
    previous := block.hash;
    expected_number := expected_number + 1;
  end loop;
end
$$;

-- Whether live rows are still what the trail says: the first audited row that was changed past the triggers.
create or replace function audit_live_difference(table_name text, key_column text, concealed text[]) returns text
language plpgsql stable security definer set search_path = public, pg_temp set timezone = 'UTC' as
$$
declare
  differing text;
begin
  execute format(
    'select live.key from (select to_jsonb(t) - $1 as content, (to_jsonb(t) ->> %L) as key from %I t) live
       left join lateral (select new_row from audit_auditevent e
                           where e."table" = %L and e.row_key = live.key order by e.id + 0 desc limit 1) trail on true
      where live.content is distinct from trail.new_row order by 1 limit 1', key_column, table_name, table_name)
    into differing using concealed;
  return differing;
end
$$;
