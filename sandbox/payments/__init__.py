"""The Stripe stand-in: payment intents, refunds and the events about them."""
