"""Stand-ins for Twilio, Stripe and a carrier, spoken to over real HTTP. See sandbox/README.md."""
