"""The demonstration site: a page, two buckets on other origins, and the policy file that decides between them."""
