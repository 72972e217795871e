"""The service provider's side: certificate authority and provisioning server."""
