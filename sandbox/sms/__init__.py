"""The Twilio stand-in: outgoing text messages."""
