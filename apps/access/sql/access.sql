-- Which memberships a person has: asked before anybody acts, so it cannot go through row-level security.
create or replace function access_memberships_of(person bigint)
returns table (study_id bigint, study_code text, site_id bigint, role text, study_sites bigint[])
language sql stable security definer set search_path = public, pg_temp as
$$ select membership.study_id, study.code, membership.site_id, membership.role, study_site_ids(study.id)
     from access_membership membership
     join study_study study on study.id = membership.study_id
     join accounts_user person_row on person_row.id = membership.user_id and person_row.is_active
    where membership.user_id = person and membership.ended_at is null
    order by study.code, membership.id $$;
