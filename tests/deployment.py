"""The environment of a deployment that connects nowhere, for checks that need settings alone."""

DEPLOYMENT = {
    "SECRET_KEY": "a-deployment-has-one-of-its-own-0123456789-abcdefghij",
    "ALLOWED_HOSTS": "onceproof.example",
    "DATABASE_URL": "postgres://onceproof@127.0.0.1:1/onceproof",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "HTTPS": "true",
}
