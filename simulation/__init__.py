"""A synthetic country: the people, therapists, gateways and partners around the services. Nobody real."""
