"""Request -> score: BentoML service, batch scoring, registry, log."""
