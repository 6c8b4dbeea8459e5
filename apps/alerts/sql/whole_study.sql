-- An alert on the whole study (a dose level that must stop) names subjects of several sites: its rows open only to who
-- sees every site of the study, and to the owner. This narrows the rule that all tables with a site share.

do $$
declare
  walled text;
begin
  foreach walled in array array['alerts_alert', 'alerts_alertevent', 'alerts_notice'] loop
    execute format('drop policy if exists whole_study on %I', walled);
    execute format(
      'create policy whole_study on %1$I as restrictive using (
         site_id is not null
         or (select trialsite_every_site())
         or coalesce(study_site_ids(study_id), ''{}'') <@ (select trialsite_sites())
         or current_user = (select tableowner from pg_tables where schemaname = ''public'' and tablename = %1$L)
       )', walled);
  end loop;
end
$$;

-- The trail of such a row says the same things.
drop policy if exists whole_study_alerts on audit_auditevent;
create policy whole_study_alerts on audit_auditevent as restrictive for select using (
  site_id is not null
  or "table" not in ('alerts_alert', 'alerts_alertevent', 'alerts_notice')
  or (select trialsite_every_site())
  or coalesce(study_site_ids(study_id), '{}') <@ (select trialsite_sites())
  or current_user = (select tableowner from pg_tables where schemaname = 'public' and tablename = 'audit_auditevent')
);
