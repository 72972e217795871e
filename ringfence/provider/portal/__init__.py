"""The authority's portal: who may log in has requests signed; phones get theirs by SCEP."""
