"""Communities of a hundred members, five campaigns each: two have finished, one was cancelled, one
is under way and one is paused; a text for every fourth message.

Where texts wait, their credits are held. The sums are those of the entries and of the texts.
"""

_COMMUNITIES = """
    INSERT INTO credits_community (id, slug, name, unknown_policy)
    SELECT n, 'club-' || n, 'Club ' || n, 'refund' FROM generate_series(1, %(messages)s / 2000) AS n
"""

_MEMBERS = """
    INSERT INTO credits_member (id, community_id, name, phone)
    SELECT (community.id - 1) * 100 + place, community.id, 'Member ' || place,
        '+49151' || lpad(((community.id - 1) * 100 + place)::text, 8, '0')
    FROM credits_community AS community, generate_series(1, 100) AS place
"""

_CAMPAIGNS = """
    INSERT INTO credits_campaign (id, community_id, operation_id, text, shortfall, deadline, status,
        members, opted_out, not_reached, turn, created_by, created_at, finished_at, ended_by)
    SELECT id, community, id, 'Hello {name}', 'refuse',
        CASE status WHEN 'paused' THEN now() + interval '1 day' END, status,
        100, 0, 0, 1, 'fill', now() - interval '2 days',
        CASE WHEN status IN ('finished', 'cancelled') THEN now() - interval '1 day' END, ''
    FROM generate_series(1, %(messages)s / 2000) AS community
    CROSS JOIN (VALUES (0, 'finished'), (1, 'finished'), (2, 'cancelled'), (3, 'running'),
        (4, 'paused')) AS state_of (place, status)
    CROSS JOIN LATERAL (SELECT pg_temp.id_of('c', community * 5 + place) AS id) AS numbered
"""

# Which of a campaign's hundred texts are in which state, whether they were handed out, and called.
_TEXTS = """
    INSERT INTO credits_textmessage (campaign_id, member_id, phone, body, segments, state, reason,
        handed_at, attempts, token, sending_at, lease_until, sid, listed_at, settled_by,
        finished_at)
    SELECT campaign.id, member.id, member.phone, 'Hello ' || member.name, 1 + member.id %% 2,
        part.state, CASE WHEN part.state IN ('failed', 'skipped') THEN 'not sent' ELSE '' END,
        CASE WHEN handed THEN lately END, called::integer,
        CASE WHEN called THEN gen_random_uuid() END,
        CASE WHEN called THEN lately END, CASE WHEN called THEN lately END,
        CASE WHEN sent THEN 'SM' || row_number() OVER () END, CASE WHEN sent THEN lately END,
        CASE WHEN sent THEN 'callback' ELSE '' END,
        CASE WHEN part.state NOT IN ('queued', 'unknown') THEN lately END
    FROM credits_campaign AS campaign
    JOIN (VALUES
        ('finished', 0, 90, 'delivered', true, true),
        ('finished', 90, 97, 'sent', true, true),
        ('finished', 97, 100, 'failed', true, true),
        ('cancelled', 0, 40, 'delivered', true, true),
        ('cancelled', 40, 45, 'failed', true, true),
        ('cancelled', 45, 100, 'skipped', false, false),
        ('running', 0, 50, 'delivered', true, true),
        ('running', 50, 60, 'sent', true, true),
        ('running', 60, 65, 'unknown', true, true),
        ('running', 65, 85, 'queued', true, false),
        ('running', 85, 100, 'queued', false, false),
        ('paused', 0, 30, 'delivered', true, true),
        ('paused', 30, 100, 'queued', false, false)
    ) AS part (status, first, behind, state, handed, called) ON part.status = campaign.status
    JOIN credits_member AS member ON member.community_id = campaign.community_id
        AND (member.id - 1) %% 100 >= part.first AND (member.id - 1) %% 100 < part.behind
    CROSS JOIN LATERAL (SELECT part.state IN ('sent', 'delivered') AS sent,
        now() - interval '20 minutes' AS lately) AS derived
    ORDER BY campaign.id, member.id
"""

_ENTRIES = """
    INSERT INTO credits_creditentry (community_id, operation, kind, amount, campaign_id, actor)
    SELECT id, 'purchase:' || id || ':' || number, 'purchase', 10, NULL::uuid, 'fill'
    FROM credits_community, generate_series(1, 100) AS number
    UNION ALL
    SELECT campaign.community_id, 'campaign:' || campaign.id || ':hold', 'hold',
        -sum(text.segments), campaign.id, 'fill'
    FROM credits_campaign AS campaign
    JOIN credits_textmessage AS text ON text.campaign_id = campaign.id
    GROUP BY campaign.id
    UNION ALL
    SELECT campaign.community_id, 'text:' || text.id || ':release', 'release',
        text.segments, campaign.id, 'fill'
    FROM credits_campaign AS campaign
    JOIN credits_textmessage AS text ON text.campaign_id = campaign.id
    WHERE text.state IN ('failed', 'skipped')
"""

_SUMS = """
    UPDATE credits_community AS community SET credits = entries.amount, held = texts.cost
    FROM (
        SELECT community_id, sum(amount) AS amount FROM credits_creditentry GROUP BY community_id
    ) AS entries
    JOIN (
        SELECT campaign.community_id, sum(text.segments) AS cost
        FROM credits_campaign AS campaign
        JOIN credits_textmessage AS text ON text.campaign_id = campaign.id
        WHERE text.state IN ('queued', 'unknown') GROUP BY campaign.community_id
    ) AS texts ON texts.community_id = entries.community_id
    WHERE community.id = entries.community_id
"""

STATEMENTS = (_COMMUNITIES, _MEMBERS, _CAMPAIGNS, _TEXTS, _ENTRIES, _SUMS)
