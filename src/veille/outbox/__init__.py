"""The durable ledger of publications and deliveries."""
