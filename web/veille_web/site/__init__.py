"""The public site over HTTP: the pages that were published, and the forms to subscribe, choose, leave and be erased."""
