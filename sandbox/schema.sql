-- What every request meant and which faults it met, in order of arrival.
CREATE TABLE IF NOT EXISTS request (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    operation TEXT NOT NULL,
    at REAL NOT NULL,
    faults TEXT NOT NULL DEFAULT ''
);

-- Which of them have come to their end, whatever the client heard of it.
CREATE TABLE IF NOT EXISTS ended (number INTEGER PRIMARY KEY);

CREATE TABLE IF NOT EXISTS misbehaviour (
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    PRIMARY KEY (provider, kind)
);

-- Faults for the next requests, used up one by one. No operation: any.
CREATE TABLE IF NOT EXISTS forced (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    operation TEXT,
    seconds REAL,
    point REAL
);

CREATE TABLE IF NOT EXISTS knob (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Callbacks on their way. A row goes when its receiver has answered, or when we give up.
CREATE TABLE IF NOT EXISTS callback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS callback_due ON callback (due_at);

-- The status is no column: it follows from the times and the outcome.
CREATE TABLE IF NOT EXISTS sms_message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sid TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    messaging_service TEXT,
    body TEXT NOT NULL,
    segments INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'undelivered', 'failed')),
    error_code INTEGER,
    created_at REAL NOT NULL,
    sent_at REAL,
    ended_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS sms_message_by_recipient ON sms_message (recipient, number);

-- What the provider answers for a telephone number, whatever is sent to it.
CREATE TABLE IF NOT EXISTS sms_number (number TEXT PRIMARY KEY, code INTEGER NOT NULL);

-- Payment intents, refunds and events, as the JSON the client library reads.
CREATE TABLE IF NOT EXISTS payment_object (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT,
    created_at REAL NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS payment_object_by_kind ON payment_object (kind, number);
CREATE INDEX IF NOT EXISTS payment_object_by_parent ON payment_object (parent);

CREATE TABLE IF NOT EXISTS payment_metadata (
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (id, key)
);
CREATE INDEX IF NOT EXISTS payment_metadata_by_value ON payment_metadata (key, value);

CREATE TABLE IF NOT EXISTS idempotency_key (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_key_by_age ON idempotency_key (at);

-- A cancelled shipment keeps its row: the reference stays taken.
CREATE TABLE IF NOT EXISTS shipment (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    reference TEXT NOT NULL UNIQUE,
    order_reference TEXT,
    made INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    body TEXT NOT NULL
);
